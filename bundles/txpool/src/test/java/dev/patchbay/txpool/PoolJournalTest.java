// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.TransactionPool.Origin;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a restart brings back. */
class PoolJournalTest extends PoolFixture {
  @TempDir Path folder;

  private Path file() {
    return folder.resolve("transactions.journal");
  }

  private PoolJournal journal() {
    return new PoolJournal(file(), Hash.ZERO);
  }

  private static PoolJournal.Entry entry(Transaction tx) {
    return new PoolJournal.Entry(new BlobSidecar.Pooled(tx, null), Origin.LOCAL);
  }

  private List<Transaction> readBack() throws IOException {
    return journal().read().entries().stream().map(e -> e.pooled().transaction()).toList();
  }

  @Test
  void aTransactionIsThereUntilItLeaves() throws IOException {
    Transaction first = tx(KEY, 0, GWEI);
    Transaction second = tx(KEY, 1, GWEI);
    try (PoolJournal journal = journal()) {
      assertThat(journal.read().entries()).isEmpty();
      journal.replace(List::of);
      journal.added(entry(first));
      journal.added(entry(first));
      journal.added(entry(second));
      assertThat(readBack()).containsExactly(first, second);
      journal.removed(List.of(first.hash(), tx(OTHER, 0, GWEI).hash()));
      assertThat(readBack()).containsExactly(second);
      journal.added(entry(first)); // a reorg brought it back
      assertThat(readBack()).containsExactly(second, first);
    }
  }

  @Test
  void aCutOrFlippedFileIsReadUpToTheDamage() throws IOException {
    Transaction first = tx(KEY, 0, GWEI);
    Transaction second = tx(KEY, 1, GWEI);
    try (PoolJournal journal = journal()) {
      journal.replace(List::of);
      journal.added(entry(first));
      long whole = Files.size(file());
      journal.added(entry(second));
      byte[] bytes = Files.readAllBytes(file());
      for (int length = 0; length <= bytes.length; length++) {
        Files.write(file(), Arrays.copyOf(bytes, length));
        PoolJournal.Content content = journal().read();
        assertThat(content.entries()).hasSize(length == bytes.length ? 2 : length >= whole ? 1 : 0);
      }
      for (int bit = 0; bit < 8 * bytes.length; bit += 3) {
        byte[] flipped = bytes.clone();
        flipped[bit / 8] ^= (byte) (1 << bit % 8);
        Files.write(file(), flipped);
        PoolJournal.Content content = journal().read();
        assertThat(content.damage()).as("bit " + bit).isNotNull();
        assertThat(content.entries()).hasSize(bit / 8 >= whole ? 1 : 0);
      }
    }
  }

  @Test
  void theTransactionsOfAnotherChainAreNotRead() throws IOException {
    try (PoolJournal journal = journal()) {
      journal.replace(() -> List.of(entry(tx(KEY, 0, GWEI))));
    }
    PoolJournal.Content content = new PoolJournal(file(), Hash.keccak(new byte[] {1})).read();
    assertThat(content.entries()).isEmpty();
    assertThat(content.damage()).contains("genesis");
  }

  @Test
  void aFileThatGrowsIsReplaced() throws IOException {
    try (PoolJournal journal = journal()) {
      journal.replace(List::of);
      for (long nonce = 0; !journal.isToBeReplaced(); nonce++) {
        Transaction tx = tx(KEY, nonce, GWEI);
        journal.added(entry(tx));
        journal.removed(List.of(tx.hash()));
        assertThat(nonce).isLessThan(50_000);
      }
      journal.replace(() -> List.of(entry(tx(OTHER, 0, GWEI))));
      assertThat(Files.size(file())).isLessThan(400);
      assertThat(readBack()).containsExactly(tx(OTHER, 0, GWEI));
    }
  }

  /** A record that is half written would hide what follows it. */
  @Test
  void aWriteThatFailsIsMadeGoodByReplacing() throws IOException {
    Transaction first = tx(KEY, 0, GWEI);
    PoolJournal journal = journal();
    journal.replace(List::of);
    Files.delete(file());
    assertThatThrownBy(() -> journal.added(entry(first))).isInstanceOf(IOException.class);
    assertThat(journal.isToBeReplaced()).isTrue();
    journal.added(entry(tx(KEY, 1, GWEI))); // the pool has it; replacing will write it
    journal.replace(() -> List.of(entry(first), entry(tx(KEY, 1, GWEI))));
    assertThat(journal.isToBeReplaced()).isFalse();
    assertThat(readBack()).hasSize(2);
    journal.close();
  }

  /** When the disk is full at a start, the file with the cut record stays as it is. */
  @Test
  void nothingIsAppendedBehindADamagedRecord() throws IOException {
    PoolJournal journal = journal();
    journal.replace(() -> List.of(entry(tx(KEY, 0, GWEI))));
    Files.write(file(), new byte[] {1, 2, 3}, StandardOpenOption.APPEND);
    byte[] before = Files.readAllBytes(file());
    PoolJournal next = journal();
    assertThat(next.read().damage()).contains("cut off");
    assertThat(next.isToBeReplaced()).isTrue();
    next.added(entry(tx(KEY, 1, GWEI)));
    assertThat(Files.readAllBytes(file())).isEqualTo(before);
    journal.close();
  }

  // ---- with the pool

  private TransactionPoolComponent created() {
    return newPool(settings(100, 100, 100, 10, 1 << 30), folder);
  }

  private TransactionPoolComponent started(List<Transaction> seen) throws IOException {
    TransactionPoolComponent started = created();
    started.addListener(seen::add);
    journalOf(started).step();
    return started;
  }

  private static JournalWriter journalOf(TransactionPoolComponent pool) {
    return Objects.requireNonNull(pool.journal);
  }

  @Test
  void transactionsOfClientsSurviveAKillAndAreAnnouncedAgain() throws Exception {
    fork = Fork.PRAGUE;
    Transaction mined = tx(KEY, 0, GWEI);
    Transaction waiting = tx(KEY, 1, GWEI);
    Transaction blob = blobTx(OTHER, 0, GWEI, 1);
    TransactionPoolComponent first = started(new ArrayList<>());
    first.add(mined);
    first.add(waiting);
    first.add(blob, sidecar(0, 1));
    accounts.put(sender(filled((byte) 9)), account(0));
    first.add(tx(filled((byte) 9), 0, GWEI), null, Origin.REMOTE);
    accounts.put(sender(KEY), account(1));
    head = block(2, List.of(mined));
    first.headChanged(List.of(), List.of(head));
    // killed here: nothing is closed
    List<Transaction> seen = new ArrayList<>();
    TransactionPoolComponent second = started(seen);
    assertThat(seen).containsExactlyInAnyOrder(waiting, blob);
    assertThat(second.sidecar(blob.hash())).isEqualTo(sidecar(0, 1));
    second.close();
    first.close();
  }

  @Test
  void blobTransactionsOfARaisedFeeComeBackInTheOrderOfNonces() throws Exception {
    fork = Fork.PRAGUE;
    TransactionPoolComponent first = started(new ArrayList<>());
    first.add(blobTx(0, GWEI, 1), sidecar(0, 1));
    first.add(blobTx(1, GWEI, 1), sidecar(0, 1));
    first.add(blobTx(0, 2 * GWEI, 1), sidecar(0, 1));
    TransactionPoolComponent second = started(new ArrayList<>());
    assertThat(second.pending().get(sender(KEY)))
        .containsExactly(blobTx(0, 2 * GWEI, 1), blobTx(1, GWEI, 1));
    second.close();
    first.close();
  }

  @Test
  void aLocalTransactionThatAReorgBringsBackIsLocalStill() throws Exception {
    Transaction tx = tx(KEY, 0, GWEI);
    TransactionPoolComponent first = started(new ArrayList<>());
    first.add(tx);
    Block mined = block(2, List.of(tx));
    accounts.put(sender(KEY), account(1));
    head = mined;
    first.headChanged(List.of(), List.of(mined));
    journalOf(first).step();
    assertThat(readBack()).isEmpty();
    accounts.put(sender(KEY), account(0));
    head = block(2, List.of());
    first.headChanged(List.of(mined), List.of(head));
    assertThat(readBack()).containsExactly(tx);
    first.close();
  }

  @Test
  void aRemoteTransactionThatAClientSendsTooIsKept() throws Exception {
    Transaction tx = tx(KEY, 0, GWEI);
    TransactionPoolComponent first = started(new ArrayList<>());
    first.add(tx, null, Origin.REMOTE);
    assertThat(readBack()).isEmpty();
    first.add(tx); // already known
    assertThat(readBack()).containsExactly(tx);
    first.close();
  }

  @Test
  void aBundleThatIsUpdatedHasAllTransactionsAgain() throws Exception {
    Transaction remote = tx(KEY, 0, GWEI);
    Transaction queued = tx(OTHER, 5, GWEI);
    TransactionPoolComponent first = started(new ArrayList<>());
    first.add(remote, null, Origin.REMOTE);
    first.add(queued);
    first.close();
    TransactionPoolComponent second = started(new ArrayList<>());
    assertThat(second.get(remote.hash())).isEqualTo(remote);
    assertThat(second.get(queued.hash())).isEqualTo(queued);
    second.close();
  }

  @Test
  void aFileIsLeftAloneUntilTheChainIsThere() throws Exception {
    Transaction tx = tx(KEY, 0, GWEI);
    TransactionPoolComponent first = started(new ArrayList<>());
    first.add(tx);
    first.close();
    byte[] before = Files.readAllBytes(file());
    isUnavailable = true;
    TransactionPoolComponent second = created();
    assertThat(journalOf(second).step()).as("milliseconds until it tries again").isEqualTo(100);
    assertThat(journalOf(second).failure()).isNull();
    second.close();
    assertThat(Files.readAllBytes(file())).isEqualTo(before);
    isUnavailable = false;
    Files.write(file(), new byte[] {1, 2, 3}, StandardOpenOption.APPEND);
    TransactionPoolComponent third = started(new ArrayList<>());
    assertThat(third.get(tx.hash())).isEqualTo(tx);
    assertThat(folder.resolve("transactions.journal.damaged")).exists();
    third.close();
  }

  /** Clients go on to send while as many as 20,000 transactions are brought back. */
  @Test
  void aTransactionThatComesWhileOthersComeBackSurvivesAKill() throws Exception {
    Transaction kept = tx(KEY, 0, GWEI);
    Transaction later = tx(OTHER, 0, GWEI);
    TransactionPoolComponent first = started(new ArrayList<>());
    first.add(kept);
    List<Transaction> inFile = new ArrayList<>();
    TransactionPoolComponent second = created();
    whenBack(
        second,
        kept,
        () -> {
          second.add(later);
          inFile.addAll(readBack());
        });
    journalOf(second).step();
    assertThat(inFile).containsExactly(kept, later);
    assertThat(readBack()).containsExactlyInAnyOrder(kept, later);
    second.close();
    first.close();
  }

  @Test
  void aStopWhileTransactionsComeBackLosesNone() throws Exception {
    Transaction kept = tx(KEY, 0, GWEI);
    Transaction notBack = tx(KEY, 1, GWEI);
    Transaction later = tx(OTHER, 0, GWEI);
    TransactionPoolComponent first = started(new ArrayList<>());
    first.add(kept);
    first.add(notBack);
    TransactionPoolComponent second = created();
    whenBack(
        second,
        kept,
        () -> {
          second.add(later);
          second.close();
        });
    journalOf(second).step();
    assertThat(second.get(notBack.hash())).isNull();
    assertThat(readBack()).containsExactly(kept, notBack, later);
    first.close();
  }

  @Test
  void aTransactionThatComesBeforeTheFileIsReadIsAddedToIt() throws Exception {
    Transaction kept = tx(KEY, 0, GWEI);
    Transaction earlier = tx(OTHER, 0, GWEI);
    TransactionPoolComponent first = started(new ArrayList<>());
    first.add(kept);
    List<Transaction> inFile = new ArrayList<>();
    TransactionPoolComponent second = created();
    second.add(earlier);
    whenBack(second, kept, () -> inFile.addAll(readBack()));
    journalOf(second).step();
    assertThat(inFile).containsExactly(kept, earlier);
    second.close();
    first.close();
  }

  @Test
  void aStoreThatFailsWhileTransactionsComeBackIsWaitedFor() throws Exception {
    Transaction kept = tx(KEY, 0, GWEI);
    Transaction next = tx(KEY, 1, GWEI);
    TransactionPoolComponent first = started(new ArrayList<>());
    first.add(kept);
    first.add(next);
    TransactionPoolComponent second = created();
    whenBack(second, kept, () -> isUnavailable = true);
    assertThat(journalOf(second).step()).as("milliseconds until it tries again").isEqualTo(100);
    isUnavailable = false;
    journalOf(second).step();
    assertThat(second.pending().get(sender(KEY))).containsExactly(kept, next);
    assertThat(readBack()).containsExactly(kept, next);
    second.close();
    first.close();
  }

  private interface Action {
    void run() throws IOException;
  }

  /** Does something when a transaction is in the pool. */
  private static void whenBack(TransactionPoolComponent pool, Transaction awaited, Action action) {
    pool.addListener(
        tx -> {
          if (tx.equals(awaited)) {
            try {
              action.run();
            } catch (IOException failure) {
              throw new UncheckedIOException(failure);
            }
          }
        });
  }

  /** Each retry releases what has left since: the pool may run for months without the file. */
  @Test
  void whileTheFileCannotBeReadNothingIsCollectedForIt() throws Exception {
    Files.createDirectory(file());
    PooledTransactions transactions =
        new PooledTransactions(settings(100, 100, 100, 10, 1 << 30), true);
    JournalWriter writer =
        new JournalWriter(
            file(), chain, transactions, (tx, sidecar, origin) -> new AddResult.Accepted());
    for (int i = 0; i < 3; i++) {
      Transaction tx = tx(KEY, i, GWEI);
      transactions.add(
          new PooledTransaction(tx, sender(KEY), i, BigInteger.ZERO, List.of()),
          new PoolValidator.Sender(account(i), false, BigInteger.ZERO),
          null,
          true,
          Fees.NONE,
          0,
          () -> true);
      assertThat(transactions.remove(tx.hash())).isTrue();
      assertThatThrownBy(writer::step).isInstanceOf(IOException.class);
      assertThat(transactions.drainLeft()).isEmpty();
    }
    Files.delete(file());
    writer.step();
    assertThat(readBack()).isEmpty();
    writer.close();
  }

  @Test
  void theHealthShowsWhyTheFileCannotBeRead() throws Exception {
    Files.createDirectory(file());
    CountDownLatch attempts = new CountDownLatch(2); // the first has failed when the second begins
    ChainReader counting =
        stub(
            ChainReader.class,
            Map.of(
                "canonicalHash",
                args -> {
                  attempts.countDown();
                  return Hash.ZERO;
                }));
    JournalWriter writer =
        new JournalWriter(
            file(),
            counting,
            new PooledTransactions(settings(100, 100, 100, 10, 1 << 30), true),
            (tx, sidecar, origin) -> new AddResult.Accepted());
    writer.start();
    assertThat(attempts.await(60, TimeUnit.SECONDS)).isTrue();
    assertThat(writer.failure()).contains("IOException");
    writer.close();
  }

  @Test
  void aDamagedFileThatCannotBeCopiedIsReadAllTheSame() throws Exception {
    Transaction tx = tx(KEY, 0, GWEI);
    TransactionPoolComponent first = started(new ArrayList<>());
    first.add(tx);
    first.close();
    Files.write(file(), new byte[] {1, 2, 3}, StandardOpenOption.APPEND);
    Files.createDirectories(folder.resolve("transactions.journal.damaged").resolve("occupied"));
    TransactionPoolComponent second = started(new ArrayList<>());
    assertThat(second.get(tx.hash())).isEqualTo(tx);
    assertThat(readBack()).containsExactly(tx);
    assertThat(journal().read().damage()).isNull();
    second.close();
  }
}
