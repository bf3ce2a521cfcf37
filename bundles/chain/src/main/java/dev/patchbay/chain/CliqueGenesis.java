// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hex;
import java.util.Arrays;

/**
 * Checks what a genesis of Clique (EIP-225) says about signers and checkpoints: no block can follow
 * a genesis that is wrong here. Threading: any thread.
 */
final class CliqueGenesis {
  /** Bytes of {@code extraData} before the signers. */
  private static final int VANITY = 32;

  /** Bytes of {@code extraData} after the signers. */
  private static final int SEAL = 65;

  private CliqueGenesis() {}

  /**
   * Checks the parameters and the signers.
   *
   * @throws IllegalArgumentException when the epoch is 0, or the extra data does not hold vanity,
   *     ascending signers and seal; the message names the field and the value
   */
  static void check(ChainConfig.Clique parameters, Bytes extraData) {
    if (parameters.epoch() == 0) {
      throw new IllegalArgumentException(
          "field config.clique.epoch is 0, it must be at least 1: a checkpoint is each epoch-th"
              + " block");
    }
    int size = extraData.size();
    if (size < VANITY + SEAL) {
      throw wrong(
          extraData,
          "has " + size + " bytes, at least 32 bytes of vanity and a seal of 65 bytes are needed");
    }
    int signers = size - VANITY - SEAL;
    if (signers == 0) {
      throw wrong(extraData, "lists no signers between vanity and seal");
    }
    if (signers % Address.SIZE != 0) {
      throw wrong(
          extraData,
          "has "
              + signers
              + " bytes between vanity and seal, which are not whole addresses of 20 bytes: "
              + signers / Address.SIZE
              + " and a part of "
              + signers % Address.SIZE
              + " bytes");
    }
    byte[] bytes = extraData.unsafeArray();
    Address last = null;
    for (int at = VANITY; at < size - SEAL; at += Address.SIZE) {
      Address signer = Address.wrap(Arrays.copyOfRange(bytes, at, at + Address.SIZE));
      int order = last == null ? -1 : last.compareTo(signer);
      if (order == 0) {
        throw wrong(extraData, "lists the signer " + signer + " twice");
      }
      if (order > 0) {
        throw wrong(
            extraData,
            "lists the signer "
                + signer
                + " after "
                + last
                + "; signers must be in ascending order");
      }
      last = signer;
    }
  }

  private static IllegalArgumentException wrong(Bytes extraData, String problem) {
    return new IllegalArgumentException(
        "field extraData of a Clique genesis "
            + problem
            + "; its value is "
            + Hex.shown(extraData.toString()));
  }
}
