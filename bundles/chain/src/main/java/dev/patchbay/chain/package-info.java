// SPDX-License-Identifier: Apache-2.0
/** The kernel: block tree, import, state, and the slot that holds the store. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.chain;
