// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.execution;

import dev.patchbay.crypto.Keccak;
import dev.patchbay.primitives.Bytes;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads why a contract reverted out of the data that it reverted with (Solidity, "Panic via assert
 * and Error via require"). Threading: stateless.
 */
public final class RevertReason {
  private static final byte[] ERROR = selector("Error(string)");
  private static final byte[] PANIC = selector("Panic(uint256)");
  private static final Map<Integer, String> PANICS =
      Map.of(
          0x00, "generic panic",
          0x01, "assert(false)",
          0x11, "arithmetic underflow or overflow",
          0x12, "division or modulo by zero",
          0x21, "enum overflow",
          0x22, "invalid encoded storage byte array accessed",
          0x31, "out-of-bounds array access; popping on an empty array",
          0x32, "out-of-bounds access of an array or bytesN",
          0x41, "out of memory",
          0x51, "uninitialized function");

  private RevertReason() {}

  private static byte[] selector(String signature) {
    return Arrays.copyOf(Keccak.hash256(signature.getBytes(StandardCharsets.US_ASCII)), 4);
  }

  /**
   * Returns the reason in revert data: of {@code Error(string)} or {@code Panic(uint256)}; null for
   * anything else.
   */
  public static @Nullable String of(Bytes output) {
    byte[] data = output.unsafeArray();
    if (data.length < 36) {
      return null;
    }
    if (Arrays.equals(data, 0, 4, PANIC, 0, 4)) {
      BigInteger code = new BigInteger(1, data, 4, 32);
      String known = code.bitLength() < 16 ? PANICS.get(code.intValue()) : null;
      return known == null ? "unknown panic code: 0x" + code.toString(16) : known;
    }
    if (data.length < 68 || !Arrays.equals(data, 0, 4, ERROR, 0, 4)) {
      return null;
    }
    BigInteger length = new BigInteger(1, data, 36, 32);
    if (length.compareTo(BigInteger.valueOf(data.length - 68L)) > 0) {
      return null;
    }
    return new String(data, 68, length.intValue(), StandardCharsets.UTF_8);
  }
}
