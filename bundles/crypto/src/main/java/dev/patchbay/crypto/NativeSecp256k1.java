// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import fr.acinq.secp256k1.Secp256k1Exception;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** libsecp256k1 through JNI. */
final class NativeSecp256k1 implements Secp256k1.Provider {
  private final fr.acinq.secp256k1.Secp256k1 library;

  /** Loads the native library; throws whatever the loader throws where there is none. */
  NativeSecp256k1() {
    library = fr.acinq.secp256k1.Secp256k1.get();
  }

  @Override
  public String name() {
    return "libsecp256k1";
  }

  @Override
  public byte @Nullable [] recover(byte[] hash, byte[] r, byte[] s, int recoveryId) {
    byte[] compact = Arrays.copyOf(r, 64);
    System.arraycopy(s, 0, compact, 32, 32);
    try {
      return withoutPrefix(library.ecdsaRecover(compact, hash, recoveryId));
    } catch (Secp256k1Exception noKey) {
      return null;
    }
  }

  @Override
  public Secp256k1.Signature sign(byte[] hash, byte[] privateKey) {
    byte[] compact = library.sign(hash, privateKey, null);
    byte[] r = Arrays.copyOf(compact, 32);
    byte[] s = Arrays.copyOfRange(compact, 32, 64);
    byte[] expected = publicKey(privateKey);
    for (int parity = 0; parity < 2; parity++) {
      if (Arrays.equals(expected, recover(hash, r, s, parity))) {
        return new Secp256k1.Signature(r, s, parity);
      }
    }
    throw new IllegalStateException("no recovery id fits the signature");
  }

  @Override
  public byte[] publicKey(byte[] privateKey) {
    return withoutPrefix(library.pubkeyCreate(privateKey));
  }

  @Override
  public byte @Nullable [] multiply(byte[] publicKey, byte[] privateKey) {
    try {
      return withoutPrefix(library.pubKeyTweakMul(withPrefix(publicKey), privateKey));
    } catch (Secp256k1Exception notOnCurve) {
      return null;
    }
  }

  @Override
  public byte @Nullable [] decompress(byte[] compressedKey) {
    try {
      return withoutPrefix(library.pubkeyParse(compressedKey));
    } catch (Secp256k1Exception notOnCurve) {
      return null;
    }
  }

  @Override
  public boolean verify(byte[] hash, byte[] signature, byte[] publicKey) {
    try {
      return library.verify(signature, hash, withPrefix(publicKey));
    } catch (Secp256k1Exception notOnCurve) {
      return false;
    }
  }

  private static byte[] withPrefix(byte[] key) {
    byte[] out = new byte[65];
    out[0] = 4;
    System.arraycopy(key, 0, out, 1, 64);
    return out;
  }

  private static byte[] withoutPrefix(byte[] key) {
    return Arrays.copyOfRange(key, 1, 65);
  }
}
