// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.ChainVerifier;
import dev.patchbay.api.chain.ChainVerifier.Problem;
import dev.patchbay.api.chain.ChainVerifier.Report;
import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.PayloadStatus;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.chain.Chains;
import dev.patchbay.chain.Columns;
import dev.patchbay.consensus.engine.EngineRules;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A whole store has no problem, and each kind of damage is found and named by its column. */
class VerifyTests {
  /** Unwinds all blocks. */
  private static final int ALL = 1_000;

  /** Keys that a store may be without. */
  private static final Set<String> OPTIONAL =
      Set.of("safe", "finalized", "side-blocks", "evm", "rules", "staged", "staged-obsolete");

  /** The columns whose values are verified by unwinding. */
  private static final Set<Column> HISTORY =
      Set.of(Columns.ACCOUNT_HISTORY, Columns.SLOT_HISTORY, Columns.CHANGES);

  private final Random random = new Random(5);

  private record Entry(byte[] key, byte[] value) {}

  private static Report verify(RealChainTests.Given given, KeyValueStore store) {
    return verify(verifier(given, store), ALL);
  }

  private static ChainVerifier verifier(RealChainTests.Given given, KeyValueStore store) {
    return Chains.verifier(given.genesis(), store, new EngineRules(), () -> false);
  }

  private static Report verify(ChainVerifier verifier, int unwind) {
    return verifier.verify(unwind, progress -> {}, () -> false);
  }

  /** Imports the real chain, with a side block, and blocks far ahead that a client names. */
  private static KeyValueStore imported(RealChainTests.Given given, long window, int recent)
      throws Exception {
    KeyValueStore store = Chains.memory();
    Chains.Wired chain = RealChainTests.chain(given, store, window, recent);
    for (int i = 0; i < given.blocks().size(); i++) {
      chain.importer().importBlock(given.blocks().get(i));
      if (i == 50) {
        Block side = RealChainTests.sibling(given.blocks().get(i));
        assertThat(chain.importer().importBlock(side)).isEqualTo(new ImportResult.Imported(false));
      }
    }
    assertThat(chain.reader().head().hash()).isEqualTo(given.head());
    Block ahead = given.blocks().get(0);
    for (int i = 0; i < 3; i++) {
      Block body = given.blocks().get(given.blocks().size() - 1 - i);
      ahead =
          new Block(
              body.header().toBuilder()
                  .parentHash(i == 0 ? Hash.keccak(new byte[] {1}) : ahead.hash())
                  .number(1_000 + i)
                  .build(),
              body.transactions(),
              body.ommers(),
              body.withdrawals());
      assertThat(chain.importer().insertWithoutSetHead(ahead))
          .isEqualTo(new PayloadStatus.Syncing());
    }
    assertThat(chain.forkChoice().update(ahead.hash(), Hash.ZERO, Hash.ZERO))
        .isEqualTo(new ForkChoice.Result.Syncing());
    Chains.makeLowestStagedObsolete(store);
    return store;
  }

  @ParameterizedTest
  @CsvSource({"1000000,64", "1000000,1", "1000000,7", "8,64", "8,1"})
  void aWholeStoreHasNoProblem(long window, int recent) throws Exception {
    RealChainTests.Given given = RealChainTests.read();
    KeyValueStore store = imported(given, window, recent);
    Report report = verify(given, store);
    assertThat(report.problems()).isEmpty();
    assertThat(report.isWhole()).isTrue();
    assertThat(report.blocks()).isEqualTo(55);
    assertThat(report.sideBlocks()).isEqualTo(1);
    assertThat(report.transactions())
        .isEqualTo(given.blocks().stream().mapToInt(b -> b.transactions().size()).sum());
    assertThat(report.changeSets()).isEqualTo(Math.min(54, window));
    assertThat(report.unwound()).isEqualTo(Math.min(54, window));
    assertThat(report.codes()).isEqualTo(store.count(Columns.CODE));
  }

  /** Also after heads that were replaced and set back, and of a chain that is the genesis alone. */
  @Test
  void aStoreIsWholeAfterReorganisations() throws Exception {
    Miner miner = new Miner(4);
    RealChainTests.Given given = miner.given();
    KeyValueStore store = Chains.memory();
    Chains.Wired chain = RealChainTests.chain(given, store, 20, 5);
    assertThat(verify(given, store).problems()).isEmpty();
    while (chain.reader().head().number() < 30) {
      Block head = chain.reader().head();
      int depth = (int) Math.min(head.number(), random.nextInt(4));
      Block tip = chain.reader().block(head.number() - depth);
      for (int i = 0; i <= depth; i++) {
        tip = miner.mine(tip);
        chain.importer().importBlock(tip);
      }
      Report report = verify(given, store);
      assertThat(report.problems()).isEmpty();
    }
    for (int back : new int[] {1, 6, 1}) {
      chain.importer().setHead(chain.reader().head().number() - back);
      Report report = verify(given, store);
      assertThat(report.problems()).isEmpty();
      assertThat(report.sideBlocks()).isPositive();
    }
  }

  @ParameterizedTest
  @CsvSource({"1000000,64,2", "8,1,1"})
  void eachKindOfDamageIsFoundAndNamed(long window, int recent, int samples) throws Exception {
    RealChainTests.Given given = RealChainTests.read();
    KeyValueStore store = imported(given, window, recent);
    ChainVerifier verifier = verifier(given, store);
    for (Column column : Columns.ALL) {
      List<Entry> entries = new ArrayList<>();
      store.scan(column, new byte[0], (key, value) -> entries.add(new Entry(key, value)));
      assertThat(entries).as(column.name()).isNotEmpty();
      Collections.shuffle(entries, random);
      for (Entry entry : entries.subList(0, Math.min(samples, entries.size()))) {
        String name = column + " " + Hash.keccak(entry.key);
        byte[] flipped = entry.value.clone();
        if (flipped.length > 0) {
          flipped[random.nextInt(flipped.length)] ^= (byte) (1 << random.nextInt(8));
        } else {
          flipped = new byte[] {1};
        }
        damaged(given, verifier, store, column, entry, flipped, name + " with a flipped bit");
        damaged(given, verifier, store, column, entry, null, name + " deleted");
        byte[] key = entry.key.length == 0 ? new byte[1] : entry.key.clone();
        key[random.nextInt(key.length)] ^= (byte) (1 << random.nextInt(4));
        if (store.get(column, key) == null) {
          damaged(
              given,
              verifier,
              store,
              column,
              new Entry(key, null),
              entry.value.clone(),
              name + " as a stray");
        }
      }
    }
    assertThat(verify(given, store).problems()).as("everything is as it was").isEmpty();
  }

  private static void damaged(
      RealChainTests.Given given,
      ChainVerifier verifier,
      KeyValueStore store,
      Column column,
      Entry before,
      byte[] value,
      String name) {
    write(store, column, before.key, value);
    Report report = verify(verifier, HISTORY.contains(column) ? ALL : 2);
    write(store, column, before.key, before.value);
    boolean mayBeAbsent =
        value == null
            && (column == Columns.META && OPTIONAL.contains(text(before.key))
                || column == Columns.RECEIPTS
                    && given.blocks().stream().noneMatch(b -> is(b.hash(), before.key))
                || column == Columns.STAGED_BODIES // it is fetched
                || column == Columns.CODE && !isUsed(store, before.key));
    if (mayBeAbsent) {
      return;
    }
    assertThat(report.isWhole()).as(name).isFalse();
    assertThat(report.problems()).as(name).isNotEmpty();
    Set<String> columns =
        column == Columns.HEADERS && value == null
            ? Set.of("HEADERS", "CANONICAL", "BODIES") // the entries that lack a header are named
            : Set.of(column.name());
    assertThat(report.problems().stream().map(Problem::column))
        .as(name + ": " + report.problems())
        .containsAnyElementsOf(columns);
  }

  /** Returns whether an account has, or had, a code. */
  private static boolean isUsed(KeyValueStore store, byte[] codeHash) {
    boolean[] used = {false};
    for (Column column : List.of(Columns.ACCOUNTS, Columns.ACCOUNT_HISTORY)) {
      store.scan(
          column,
          new byte[0],
          (key, value) -> {
            used[0] |=
                value.length > 0
                    && Arrays.equals(Account.decodeSlim(value).codeHash().toArray(), codeHash);
            return !used[0];
          });
    }
    return used[0];
  }

  private static String text(byte[] key) {
    return new String(key, StandardCharsets.US_ASCII);
  }

  private static boolean is(Hash hash, byte[] key) {
    return Arrays.equals(hash.toArray(), key);
  }

  private static void write(KeyValueStore store, Column column, byte[] key, byte[] value) {
    WriteBatch batch = new WriteBatch();
    if (value == null) {
      batch.delete(column, key.clone());
    } else {
      batch.put(column, key.clone(), value.clone());
    }
    store.write(batch);
  }

  /** A verification reads what is of one moment while blocks come in. */
  @Test
  void aStoreIsVerifiedDuringAnImport() throws Exception {
    RealChainTests.Given given = RealChainTests.read();
    KeyValueStore store = Chains.memory();
    Chains.Wired chain = RealChainTests.chain(given, store, 16, 4);
    AtomicBoolean running = new AtomicBoolean(true);
    ChainVerifier verifier =
        Chains.verifier(given.genesis(), store, new EngineRules(), running::get);
    FutureTask<Integer> task =
        new FutureTask<>(
            () -> {
              int rounds = 0;
              while (running.get() || rounds == 0) {
                assertThat(verifier.verify(16, progress -> {}, () -> false).problems()).isEmpty();
                rounds++;
              }
              return rounds;
            });
    new Thread(task, "verifier").start();
    try {
      for (Block block : given.blocks()) {
        chain.importer().importBlock(block);
      }
    } finally {
      running.set(false);
    }
    assertThat(task.get(60, TimeUnit.SECONDS)).isPositive();
  }
}
