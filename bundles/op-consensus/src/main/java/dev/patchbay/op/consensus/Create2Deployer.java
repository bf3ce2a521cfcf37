// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.op.consensus;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * The contract that the first block of Canyon puts into the state (OP Stack specification, Canyon
 * execution engine, "Create2Deployer Deployment").
 */
final class Create2Deployer {
  static final Address ADDRESS = Address.fromHex("0x13b0D85CcB8bf860b6b79AF3029fCA081AE9beF2");

  static final Bytes CODE = code();

  private Create2Deployer() {}

  private static Bytes code() {
    try (InputStream in = Create2Deployer.class.getResourceAsStream("create2deployer.hex")) {
      if (in == null) {
        throw new IllegalStateException("create2deployer.hex is not in the bundle");
      }
      String lines = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
      return Bytes.fromHex("0x" + lines.replace("\n", ""));
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }
}
