// SPDX-License-Identifier: Apache-2.0
/** The chronos namespace. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.rpc.chronos;
