// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.crypto.KeyFile;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Address;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import org.jspecify.annotations.Nullable;

/** The address of a node without a signer: that of its key {@code p2p_key}. */
final class NodeAddress {
  private NodeAddress() {}

  /**
   * Reads the key, and creates it when there is none.
   *
   * @param data folder of the node; null for a key that is kept nowhere
   * @throws IOException when the key cannot be used
   */
  static Address of(@Nullable Path data, SecureRandom random) throws IOException {
    byte[] secret =
        data == null
            ? KeyFile.generate(random)
            : KeyFile.readOrCreate(data.resolve("p2p_key"), random);
    return Address.ofPublicKey(Secp256k1.publicKey(secret));
  }
}
