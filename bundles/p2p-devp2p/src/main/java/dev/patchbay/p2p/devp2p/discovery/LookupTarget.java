// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.util.random.RandomGenerator;

/**
 * What a lookup searches for. Version 4 sends the key, from which the queried node computes the id.
 *
 * @param key 64 bytes; not necessarily a point of the curve
 * @param id its Keccak-256 hash
 */
record LookupTarget(Bytes key, Hash id) {
  static LookupTarget of(Bytes key) {
    return new LookupTarget(key, key.keccak());
  }

  /** Returns a random target. */
  static LookupTarget random(RandomGenerator random) {
    byte[] key = new byte[Node.KEY_BYTES];
    random.nextBytes(key);
    return of(Bytes.wrap(key));
  }
}
