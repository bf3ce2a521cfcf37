// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.WriteBatch;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * A random number that a store holds once its content is complete, in a column of the kernel. The
 * choice file holds the same number.
 */
final class Identity {
  /** The column of the storage kernel in every store. */
  static final Column COLUMN = new Column(Column.RESERVED_PREFIX + "STORE");

  private static final byte[] KEY = "identity".getBytes(StandardCharsets.US_ASCII);
  private static final int BYTES = 16;

  private Identity() {}

  /** Returns a new identity: 32 hexadecimal digits. */
  static String create() {
    byte[] random = new byte[BYTES];
    new SecureRandom().nextBytes(random);
    return HexFormat.of().formatHex(random);
  }

  /** Returns the identity that a store holds; null when its content is not complete. */
  static @Nullable String read(KeyReader store) {
    byte[] value = store.get(COLUMN, KEY);
    return value == null ? null : HexFormat.of().formatHex(value);
  }

  /** Marks the content of a store as complete, and flushes it. */
  static void write(KeyValueStore store, String identity) {
    store.flush(); // what the mark is about is durable before the mark
    WriteBatch batch = new WriteBatch();
    batch.put(COLUMN, KEY.clone(), HexFormat.of().parseHex(identity));
    store.write(batch);
    store.flush();
  }
}
