// SPDX-License-Identifier: Apache-2.0
/** Builds blocks and, with a sealer, makes them. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.payload;
