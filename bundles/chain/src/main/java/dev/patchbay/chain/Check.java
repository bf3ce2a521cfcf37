// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpReader;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;

/** What the steps of a verification share. Threading: one thread. */
abstract class Check {
  final KeyReader reader;
  final Findings findings;

  private final Runnable rest;
  private final DoubleConsumer progress;

  /**
   * Creates a step over a snapshot.
   *
   * @param findings takes what the step counts and finds
   * @param rest is called often; ends the verification by an exception
   * @param progress takes the part of the step that is done, 0 to 1
   */
  Check(KeyReader reader, Findings findings, Runnable rest, DoubleConsumer progress) {
    this.reader = reader;
    this.findings = findings;
    this.rest = rest;
    this.progress = progress;
  }

  abstract void run();

  final void rest() {
    rest.run();
  }

  final void progress(double fraction) {
    progress.accept(Math.min(1, fraction));
  }

  /** Tells the progress of a scan over keys that are hashes, which are evenly spread. */
  final void progressAt(byte[] key) {
    int first = key.length < 2 ? 0 : (key[0] & 0xff) << 8 | (key[1] & 0xff);
    progress(first / 65_536.0);
  }

  final Cursor cursor(Column column) {
    return new Cursor(reader, column, rest);
  }

  /** Returns the block that a key of {@link Columns#META} names; null when there is none. */
  final @Nullable BlockHeader named(byte[] key) {
    byte[] stored = reader.get(Columns.META, key);
    return stored == null || stored.length != Hash.SIZE ? null : header(stored);
  }

  /** Returns the header of a block; null when it is missing, unreadable, or another one's. */
  final @Nullable BlockHeader header(byte[] hash) {
    byte[] rlp = reader.get(Columns.HEADERS, hash);
    try {
      return rlp == null || !Hash.keccak(rlp).equals(Hash.of(hash))
          ? null
          : BlockHeader.read(RlpReader.of(rlp));
    } catch (RuntimeException unreadable) {
      return null;
    }
  }
}
