// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

/** How far a download goes. Threading: any thread. */
interface Extent {
  /** Blocks that are fetched without a word: a node that follows its peers is a few behind. */
  long MIN_LONG = 32;

  /** Returns the number of the last block that it goes to, as far as it is known. */
  long highest();

  /** Returns whether it fetches so many blocks that it is not only following the head. */
  boolean isLong();

  /** Returns whether only the hash of the last block is known, so that its number is estimated. */
  default boolean isEstimated() {
    return false;
  }
}
