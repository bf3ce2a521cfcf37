// SPDX-License-Identifier: Apache-2.0
/** Downloads the chain from peers, follows their new blocks, and passes them on. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.sync;
