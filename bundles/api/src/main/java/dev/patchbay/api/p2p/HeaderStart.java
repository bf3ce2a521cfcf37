// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import dev.patchbay.primitives.Hash;

/** The first header of a request: by its hash, or by its number on the canonical chain. */
public sealed interface HeaderStart {
  /**
   * The header with a hash, canonical or not.
   *
   * @param hash its hash
   */
  record ByHash(Hash hash) implements HeaderStart {}

  /**
   * The canonical header with a number.
   *
   * @param number its number, unsigned 64 bits
   */
  record ByNumber(long number) implements HeaderStart {}
}
