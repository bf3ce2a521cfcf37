// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Verifies the canonical chain from the genesis to the head, link by link, and the single values.
 */
final class CanonicalCheck extends Check {
  private final Block genesis;
  private final byte[] genesisConfig;

  CanonicalCheck(
      KeyReader reader,
      Findings findings,
      Runnable rest,
      DoubleConsumer progress,
      Block genesis,
      String genesisConfig) {
    super(reader, findings, rest, progress);
    this.genesis = genesis;
    this.genesisConfig = genesisConfig.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  void run() {
    checkMeta();
    BlockHeader head = named(Keys.HEAD);
    byte[] headHash = reader.get(Columns.META, Keys.HEAD);
    Cursor canonical = cursor(Columns.CANONICAL);
    long next = 0;
    Hash parent = Hash.ZERO;
    for (Cursor.Entry entry = canonical.next(); entry != null; entry = canonical.next()) {
      if (entry.key().length != Long.BYTES) {
        findings.add(Columns.CANONICAL, entry.key(), "is no block number");
        continue;
      }
      long number = Keys.number(entry.key());
      if (head != null && number > head.number()) {
        findings.add(Columns.CANONICAL, "block " + number, "is above the head " + head.number());
        continue;
      }
      if (number != next) {
        missing(next, number - 1);
        parent = Hash.ZERO; // the link to the missing block cannot be verified
      }
      parent = checkLink(number, entry.value(), number != next || next == 0 ? null : parent);
      next = number + 1;
      rest();
      progress(head == null ? 0 : (double) number / (head.number() + 1));
    }
    if (head == null) {
      findings.add(Columns.META, "head", "the header of the head is missing, or another block's");
      return;
    }
    if (next <= head.number()) {
      missing(next, head.number());
    }
    byte[] last = reader.get(Columns.CANONICAL, Keys.number(head.number()));
    if (last != null && !Arrays.equals(last, headHash)) {
      findings.add(
          Columns.CANONICAL,
          "block " + head.number(),
          "the canonical block is not the head " + head.computeHash());
    }
  }

  private void missing(long from, long to) {
    findings.add(
        Columns.CANONICAL,
        from == to ? "block " + from : "blocks " + from + " to " + to,
        "the hash of the canonical block is missing");
  }

  /** Returns the hash of the block. */
  private Hash checkLink(long number, byte[] value, @Nullable Hash parent) {
    if (value.length != Hash.SIZE) {
      findings.add(Columns.CANONICAL, "block " + number, "is no block hash");
      return Hash.ZERO;
    }
    Hash hash = Hash.of(value);
    String name = Findings.block(number, hash);
    if (number == 0 && !hash.equals(genesis.hash())) {
      findings.add(Columns.CANONICAL, name, "is not the genesis block " + genesis.hash());
    }
    BlockHeader header = header(value);
    if (header == null) {
      boolean stored = reader.get(Columns.HEADERS, value) != null;
      findings.add(
          stored ? Columns.HEADERS : Columns.CANONICAL,
          stored ? hash.toString() : name,
          stored ? "the header has another hash" : "there is no header of this block");
    } else if (header.number() != number) {
      findings.add(Columns.CANONICAL, name, "this block has the number " + header.number());
    } else if (parent != null && !parent.isZero() && !header.parentHash().equals(parent)) {
      findings.add(
          Columns.CANONICAL,
          name,
          "its parent is " + header.parentHash() + ", the canonical block before it is " + parent);
    }
    return hash;
  }

  private void checkMeta() {
    Set<String> known = new HashSet<>();
    for (byte[] key : Keys.ALL) {
      known.add(Findings.hex(key));
    }
    Cursor entries = cursor(Columns.META);
    for (Cursor.Entry entry = entries.next(); entry != null; entry = entries.next()) {
      if (!known.contains(Findings.hex(entry.key()))) {
        findings.add(Columns.META, entry.key(), "this build knows no such key");
      }
    }
    expect(Keys.GENESIS, genesis.hash().toArray(), "is not the hash of the genesis");
    expect(Keys.GENESIS_CONFIG, genesisConfig, "is not the configuration of the genesis");
    expect(Keys.FORMAT, new byte[] {ChainOpener.FORMAT}, "is not the format of this build");
    if (reader.get(Columns.META, Keys.SIDE_BLOCKS) != null) {
      expect(Keys.SIDE_BLOCKS, new byte[] {1}, "is not 1");
    }
    for (byte[] key : List.of(Keys.EVM, Keys.RULES)) {
      byte[] value = reader.get(Columns.META, key);
      if (value != null && StoredChoice.parse(value) == null) {
        findings.add(Columns.META, name(key), "is no name and bundle with their checksum");
      }
    }
    for (byte[] key : List.of(Keys.SAFE, Keys.FINALIZED)) {
      byte[] value = reader.get(Columns.META, key);
      if (value != null && value.length != Hash.SIZE) {
        findings.add(Columns.META, name(key), "is no block hash");
      }
    }
  }

  private void expect(byte[] key, byte[] expected, String otherwise) {
    byte[] value = reader.get(Columns.META, key);
    if (value == null || !Arrays.equals(value, expected)) {
      findings.add(Columns.META, name(key), value == null ? "is missing" : otherwise);
    }
  }

  private static String name(byte[] key) {
    return new String(key, StandardCharsets.US_ASCII);
  }
}
