// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.ChainVerifier.Problem;
import dev.patchbay.api.chain.ChainVerifier.Report;
import dev.patchbay.api.storage.Column;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a verification has counted and found. It keeps the first problems and counts all of them.
 * Threading: one thread.
 */
final class Findings {
  private static final int MAX_PROBLEMS = 100;

  private final Map<String, Problem> problems = new LinkedHashMap<>();
  private long found;

  long blocks;
  long sideBlocks;
  long transactions;
  long accounts;
  long slots;
  long codes;
  long trieNodes;
  long changeSets;
  long unwound;

  /** Adds a problem of an entry; a second problem of one entry is not added. */
  void add(Column column, String key, String what) {
    add(new Problem(column.name(), key, what));
  }

  private void add(Problem problem) {
    String entry = problem.column() + ' ' + problem.key();
    if (!problems.containsKey(entry)) {
      found++;
      if (problems.size() < MAX_PROBLEMS) {
        problems.put(entry, problem);
      }
    }
  }

  void add(Column column, byte[] key, String what) {
    add(column, hex(key), what);
  }

  long found() {
    return found;
  }

  /** Adds what another step has counted and found. */
  void addAll(Findings step) {
    blocks += step.blocks;
    sideBlocks += step.sideBlocks;
    transactions += step.transactions;
    accounts += step.accounts;
    slots += step.slots;
    codes += step.codes;
    trieNodes += step.trieNodes;
    changeSets += step.changeSets;
    unwound += step.unwound;
    step.problems.values().forEach(this::add);
    found += step.found - step.problems.size();
  }

  Report report() {
    return new Report(
        blocks,
        sideBlocks,
        transactions,
        accounts,
        slots,
        codes,
        trieNodes,
        changeSets,
        unwound,
        found,
        new ArrayList<>(problems.values()));
  }

  static String hex(byte[] key) {
    return "0x" + HexFormat.of().formatHex(key);
  }

  static String block(long number, Hash hash) {
    return "block " + number + " " + hash;
  }

  /** Describes an error that damaged content has caused. */
  static String describe(RuntimeException failure) {
    String message = failure.getMessage();
    return message == null ? failure.getClass().getSimpleName() : message;
  }
}
