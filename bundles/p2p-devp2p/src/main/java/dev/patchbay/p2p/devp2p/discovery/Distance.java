// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Hash;

/** The Kademlia metric: the exclusive or of two node ids, as a number. Threading: any thread. */
final class Distance {
  /** The greatest logarithmic distance. */
  static final int MAX_LOG = 256;

  private Distance() {}

  /** Returns the logarithmic distance, 0 to 256: the bits of the metric without leading zeros. */
  static int log(Hash a, Hash b) {
    byte[] left = a.unsafeArray();
    byte[] right = b.unsafeArray();
    for (int i = 0; i < Hash.SIZE; i++) {
      int difference = (left[i] ^ right[i]) & 0xff;
      if (difference != 0) {
        return MAX_LOG - 8 * i - (Integer.numberOfLeadingZeros(difference) - 24);
      }
    }
    return 0;
  }

  /** Compares the distances of {@code a} and {@code b} from a target. */
  static int compare(Hash target, Hash a, Hash b) {
    byte[] goal = target.unsafeArray();
    byte[] left = a.unsafeArray();
    byte[] right = b.unsafeArray();
    for (int i = 0; i < Hash.SIZE; i++) {
      int order = Integer.compare((left[i] ^ goal[i]) & 0xff, (right[i] ^ goal[i]) & 0xff);
      if (order != 0) {
        return order;
      }
    }
    return 0;
  }
}
