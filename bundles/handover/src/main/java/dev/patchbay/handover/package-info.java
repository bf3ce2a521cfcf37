// SPDX-License-Identifier: Apache-2.0
/** Keeps what outlives the replacement of a bundle. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.handover;
