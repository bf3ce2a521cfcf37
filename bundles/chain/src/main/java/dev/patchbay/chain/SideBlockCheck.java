// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.Arrays;
import java.util.function.DoubleConsumer;

/**
 * Verifies that the index of side blocks names side blocks, and in a chain that began with it, all.
 */
final class SideBlockCheck extends Check {
  private long entries;

  SideBlockCheck(KeyReader reader, Findings findings, Runnable rest, DoubleConsumer progress) {
    super(reader, findings, rest, progress);
  }

  @Override
  void run() {
    progress(0); // there may be no entry at all
    Cursor index = cursor(Columns.SIDE_BLOCKS);
    for (Cursor.Entry entry = index.next(); entry != null; entry = index.next()) {
      check(entry);
      rest();
    }
    boolean complete = reader.get(Columns.META, Keys.SIDE_BLOCKS) != null;
    if (complete && entries < reader.count(Columns.HEADERS) - reader.count(Columns.CANONICAL)) {
      findMissing();
    }
  }

  private void check(Cursor.Entry entry) {
    byte[] key = entry.key();
    if (key.length != Long.BYTES + Hash.SIZE) {
      findings.add(Columns.SIDE_BLOCKS, key, "is no block number with a block hash");
      return;
    }
    long number = Keys.number(key);
    byte[] hash = Arrays.copyOfRange(key, Long.BYTES, key.length);
    String name = Findings.block(number, Hash.wrap(hash));
    if (!SideBlocks.isValue(entry.value())) {
      findings.add(Columns.SIDE_BLOCKS, name, "does not tell whether the block was executed");
    }
    BlockHeader header = header(hash);
    if (header == null || header.number() != number) {
      findings.add(Columns.SIDE_BLOCKS, name, "there is no header of this block");
    } else if (Arrays.equals(reader.get(Columns.CANONICAL, Keys.number(number)), hash)) {
      findings.add(Columns.SIDE_BLOCKS, name, "this block is canonical");
    } else {
      entries++;
    }
  }

  private void findMissing() {
    Cursor headers = cursor(Columns.HEADERS);
    for (Cursor.Entry entry = headers.next(); entry != null; entry = headers.next()) {
      BlockHeader header = header(entry.key());
      if (header != null) {
        Hash hash = Hash.of(entry.key());
        if (!hash.equals(ChainStore.canonical(reader, header.number()))
            && reader.get(Columns.SIDE_BLOCKS, Keys.sideBlock(header.number(), hash)) == null) {
          findings.add(
              Columns.SIDE_BLOCKS,
              Findings.block(header.number(), hash),
              "the entry of this side block is missing");
        }
      }
      rest();
      progressAt(entry.key());
    }
  }
}
