// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.ExecutionRules;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.chain.StagedBlocks.Segment;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpReader;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Verifies that the blocks ahead of the chain lie in their segments, each the parent of the next.
 */
final class StagedCheck extends Check {
  private final ChainConfig config;
  private final ExecutionRules rules;

  StagedCheck(
      KeyReader reader,
      Findings findings,
      Runnable rest,
      DoubleConsumer progress,
      ChainConfig config,
      ExecutionRules rules) {
    super(reader, findings, rest, progress);
    this.config = config;
    this.rules = rules;
  }

  @Override
  void run() {
    progress(0);
    List<Segment> segments = read(Keys.STAGED);
    long below = Long.MAX_VALUE;
    for (Segment segment : segments) {
      if (segment.low() > segment.high() || segment.high() >= below) {
        findings.add(Columns.META, Keys.STAGED, "its segments are not in order");
        return;
      }
      below = segment.low();
      check(Keys.STAGED, segment);
    }
    List<Segment> all = new ArrayList<>(segments);
    for (Segment run : read(Keys.STAGED_OBSOLETE)) {
      if (run.low() > run.high()
          || all.stream().anyMatch(s -> s.low() <= run.high() && run.low() <= s.high())) {
        findings.add(Columns.META, Keys.STAGED_OBSOLETE, "has blocks that are needed, or twice");
        return;
      }
      all.add(run);
      check(Keys.STAGED_OBSOLETE, run);
    }
    checkKeys(Columns.STAGED_HEADERS, all);
    checkKeys(Columns.STAGED_BODIES, all);
  }

  private List<Segment> read(byte[] name) {
    byte[] stored = reader.get(Columns.META, name);
    try {
      return stored == null ? List.of() : StagedBlocks.decode(stored);
    } catch (RuntimeException unreadable) {
      findings.add(Columns.META, name, "cannot be read: " + Findings.describe(unreadable));
      return List.of();
    }
  }

  private void check(byte[] name, Segment segment) {
    Hash expected = segment.highHash();
    for (long number = segment.high(); number >= segment.low(); number--) {
      byte[] key = Keys.number(number);
      BlockHeader header = header(reader.get(Columns.STAGED_HEADERS, key), expected);
      if (header == null || header.number() != number) {
        findings.add(Columns.STAGED_HEADERS, key, "is not the header of block " + expected);
        findings.add(Columns.META, name, "does not fit the header of block " + number);
        return;
      }
      byte[] body = reader.get(Columns.STAGED_BODIES, key);
      if (body != null) {
        checkBody(header, key, body);
      }
      expected = header.parentHash();
      rest();
    }
    if (!expected.equals(segment.parent())) {
      findings.add(Columns.META, name, "names another parent of block " + segment.low());
    }
  }

  private static @Nullable BlockHeader header(byte @Nullable [] rlp, Hash expected) {
    try {
      return rlp == null || !Hash.keccak(rlp).equals(expected)
          ? null
          : BlockHeader.read(RlpReader.of(rlp));
    } catch (RuntimeException unreadable) {
      return null;
    }
  }

  private void checkBody(BlockHeader header, byte[] key, byte[] body) {
    try {
      HeaderChecks.verifyRoots(Block.decodeBody(header, body), rules, config);
    } catch (InvalidBlockException other) {
      findings.add(Columns.STAGED_BODIES, key, "is another body: " + other.getMessage());
    } catch (RuntimeException unreadable) {
      String what = "cannot be read: " + Findings.describe(unreadable);
      findings.add(Columns.STAGED_BODIES, key, what);
    }
  }

  private void checkKeys(Column column, List<Segment> segments) {
    Cursor entries = cursor(column);
    for (Cursor.Entry entry = entries.next(); entry != null; entry = entries.next()) {
      byte[] key = entry.key();
      if (key.length != Long.BYTES || segments.stream().noneMatch(s -> contains(s, key))) {
        findings.add(column, key, "is in no segment");
      }
      rest();
    }
  }

  private static boolean contains(Segment segment, byte[] key) {
    long number = Keys.number(key);
    return number >= segment.low() && number <= segment.high();
  }
}
