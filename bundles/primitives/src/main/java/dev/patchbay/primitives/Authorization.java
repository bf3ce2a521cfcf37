// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import dev.patchbay.crypto.Keccak;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.rlp.RlpWriter;
import org.jspecify.annotations.Nullable;

/**
 * A signed permission to delegate an account's code (EIP-7702).
 *
 * @param chainId the chain it is for, 0 for every chain
 * @param address the account whose code is delegated to
 * @param nonce nonce of the authority, unsigned 64 bits
 * @param yParity parity of the signature, unsigned 8 bits; 0 and 1 are valid
 * @param r r of the signature
 * @param s s of the signature
 */
public record Authorization(
    UInt256 chainId, Address address, long nonce, int yParity, UInt256 r, UInt256 s) {
  private static final int MAGIC = 0x05;
  private static final UInt256 HALF_N = UInt256.of(Secp256k1.HALF_N);

  /** Returns the account that signed, or null when the signature is not valid. */
  public @Nullable Address authority() {
    if (yParity > 1 || s.compareTo(HALF_N) > 0) {
      return null;
    }
    byte[] message =
        new RlpWriter()
            .rawByte(MAGIC)
            .list(w -> w.number(chainId).address(address).number(nonce))
            .toArray();
    byte[] key = Secp256k1.recover(Keccak.hash256(message), r.toArray(), s.toArray(), yParity);
    return key == null ? null : Address.ofPublicKey(key);
  }
}
