// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Properties;

/** The test vectors of EIP-8. */
final class Eip8 {
  private static final Properties VALUES = new Properties();

  static {
    try (InputStream in = Eip8.class.getResourceAsStream("eip8.properties")) {
      VALUES.load(Objects.requireNonNull(in));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  static final NodeKey A = NodeKey.of(bytes("static.a"));
  static final NodeKey B = NodeKey.of(bytes("static.b"));
  static final Handshake.Ephemeral EPHEMERAL_A =
      new Handshake.Ephemeral(NodeKey.of(bytes("ephemeral.a")), bytes("nonce.a"));
  static final Handshake.Ephemeral EPHEMERAL_B =
      new Handshake.Ephemeral(NodeKey.of(bytes("ephemeral.b")), bytes("nonce.b"));

  private Eip8() {}

  static byte[] bytes(String name) {
    return hex(VALUES.getProperty(name));
  }

  static byte[] hex(String digits) {
    return HexFormat.of().parseHex(digits);
  }
}
