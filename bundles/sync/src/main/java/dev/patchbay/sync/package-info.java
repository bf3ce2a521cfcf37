// SPDX-License-Identifier: Apache-2.0
/** Downloads the chain from peers, and announces what is new. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.sync;
