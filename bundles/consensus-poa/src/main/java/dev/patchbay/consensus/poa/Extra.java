// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import dev.patchbay.crypto.Keccak;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The extra data of a Clique header: 32 bytes of vanity, at checkpoints the signers, and a seal of
 * 65 bytes.
 */
final class Extra {
  static final int VANITY = 32;
  static final int SEAL = 65;

  private Extra() {}

  /** Returns the signers that a checkpoint lists, or null when the length does not fit. */
  static @Nullable List<Address> signers(BlockHeader header) {
    byte[] extra = header.extraData().unsafeArray();
    int length = extra.length - VANITY - SEAL;
    if (length < 0 || length % Address.SIZE != 0) {
      return null;
    }
    List<Address> out = new ArrayList<>();
    for (int at = VANITY; at < extra.length - SEAL; at += Address.SIZE) {
      out.add(Address.wrap(Arrays.copyOfRange(extra, at, at + Address.SIZE)));
    }
    return out;
  }

  static Bytes of(byte[] vanity, List<Address> signers) {
    byte[] extra = new byte[VANITY + signers.size() * Address.SIZE + SEAL];
    System.arraycopy(vanity, 0, extra, 0, Math.min(VANITY, vanity.length));
    int at = VANITY;
    for (Address signer : signers) {
      System.arraycopy(signer.unsafeArray(), 0, extra, at, Address.SIZE);
      at += Address.SIZE;
    }
    return Bytes.wrap(extra);
  }

  /**
   * Returns in a few words how the signers that a checkpoint lists differ from those expected; a
   * list of a peer may be of any length.
   */
  static String difference(List<Address> listed, List<Address> expected) {
    int at = 0;
    int both = Math.min(listed.size(), expected.size());
    while (at < both && listed.get(at).equals(expected.get(at))) {
      at++;
    }
    return "the checkpoint lists "
        + listed.size()
        + " signers, expected "
        + expected.size()
        + "; signer "
        + (at + 1)
        + " is "
        + shown(listed, at)
        + ", expected "
        + shown(expected, at);
  }

  private static String shown(List<Address> signers, int at) {
    return at < signers.size() ? signers.get(at).toString() : "none";
  }

  /** Returns whether the s of a seal is at most half of the order, as that of a sealer is. */
  static boolean hasLowS(BlockHeader header) {
    byte[] extra = header.extraData().unsafeArray();
    int at = extra.length - SEAL + 32;
    return new BigInteger(1, Arrays.copyOfRange(extra, at, at + 32)).compareTo(Secp256k1.HALF_N)
        <= 0;
  }

  /** Returns the hash that is sealed: that of the header without the seal. */
  static byte[] sealHash(BlockHeader header) {
    Bytes extra = header.extraData();
    RlpWriter writer = new RlpWriter();
    header.write(writer, extra.slice(0, extra.size() - SEAL));
    return Keccak.hash256(writer.toArray());
  }

  static BlockHeader withSeal(BlockHeader header, byte[] privateKey) {
    Secp256k1.Signature signature = Secp256k1.sign(sealHash(header), privateKey);
    byte[] extra = header.extraData().toArray();
    int at = extra.length - SEAL;
    System.arraycopy(signature.r(), 0, extra, at, 32);
    System.arraycopy(signature.s(), 0, extra, at + 32, 32);
    extra[at + 64] = (byte) signature.yParity();
    return header.toBuilder().extraData(Bytes.wrap(extra)).build();
  }

  /** Returns the account that sealed, or null when there is no valid seal. */
  static @Nullable Address signer(BlockHeader header) {
    byte[] extra = header.extraData().unsafeArray();
    if (extra.length < VANITY + SEAL) {
      return null;
    }
    int at = extra.length - SEAL;
    byte[] key =
        Secp256k1.recover(
            sealHash(header),
            Arrays.copyOfRange(extra, at, at + 32),
            Arrays.copyOfRange(extra, at + 32, at + 64),
            extra[at + 64]);
    return key == null ? null : Address.ofPublicKey(key);
  }
}
