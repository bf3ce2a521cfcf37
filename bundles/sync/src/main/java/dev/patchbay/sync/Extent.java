// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

/** How far a download goes. Threading: any thread. */
interface Extent {
  /** Returns the number of the last block whose header is verified, or was named as head. */
  long verified();

  /** Returns the number of the last block that it goes to, as far as it is known. */
  long highest();

  /** Returns whether only the hash of the last block is known, so that its number is estimated. */
  default boolean isEstimated() {
    return false;
  }
}
