// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.binding.Listeners;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.BlockHeaderBuilder;
import dev.patchbay.primitives.Bloom;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.storage.tck.FixedStore;
import dev.patchbay.trie.Roots;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A chain over a store whose blocks have one transaction and one log each, and set the balance of
 * one account to their timestamp.
 */
final class PrunedChain implements AutoCloseable {
  static final Address ACCOUNT = BalanceBlocks.ACCOUNT;

  private final KeyValueStore store;
  private final TrieWorkers workers = new TrieWorkers(1);
  final Listeners<ChainListener> listeners = new Listeners<>((m, f) -> {}, m -> {});
  final Chain chain;
  final BlockImporter importer;
  final ForkChoice forkChoice;

  PrunedChain(KeyValueStore store, HistoryPruner.Windows windows) {
    this.store = store;
    BadBlocks bad = new BadBlocks();
    chain =
        new Chain(
            BalanceBlocks.genesis(),
            workers,
            new RecentNodes(RecentNodes.MAX_BLOCKS),
            bad,
            BalanceBlocks.choices(),
            windows,
            0);
    BlockExecutor executor = BalanceBlocks.executor(header -> receipts(header.number()));
    ImportPipeline pipeline =
        new ImportPipeline(chain, new ReentrantLock(true), () -> executor, listeners, workers, bad);
    importer = pipeline.importer();
    forkChoice = pipeline.forkChoice();
    if (store.isEmpty(Columns.META)) {
      chain.initialize(store);
    }
    pipeline.open(store);
    chain.attach(new FixedStore(store));
  }

  static List<Receipt> receipts(long number) {
    return List.of(
        Receipt.of(
            TransactionType.LEGACY,
            true,
            21_000,
            List.of(new Log(ACCOUNT, List.of(UInt256.of(number).toHash()), Bytes.EMPTY))));
  }

  static Transaction transaction(long number, long salt) {
    return Transaction.builder(TransactionType.LEGACY)
        .nonce(number)
        .gasPrice(UInt256.of(1_000 + salt))
        .gasLimit(21_000)
        .to(ACCOUNT)
        .signature(0, UInt256.of(1), UInt256.of(1))
        .build();
  }

  /** Returns a block on another; the salt makes it another one than its siblings. */
  Block child(Block parent, long salt) {
    long number = parent.number() + 1;
    List<Transaction> transactions = List.of(transaction(number, salt));
    BlockHeaderBuilder draft =
        BlockHeader.builder()
            .parentHash(parent.hash())
            .number(number)
            .timestamp(1_000 * number + salt)
            .gasLimit(parent.header().gasLimit())
            .baseFeePerGas(FeeMarket.nextBaseFee(parent.header()))
            .transactionsRoot(Roots.ofTransactions(transactions))
            .receiptsRoot(Roots.ofReceipts(receipts(number)))
            .logsBloom(Bloom.union(receipts(number).stream().map(Receipt::logsBloom).toList()));
    Hash root =
        chain.states().computeStateRoot(parent.hash(), BalanceBlocks.changes(draft.build()));
    return new Block(draft.stateRoot(root).build(), transactions, List.of(), null);
  }

  /** Imports blocks on the head, one after the other. */
  List<Block> grow(int count) {
    List<Block> added = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Block next = child(chain.head(), 0);
      assertThat(importer.importBlock(next)).isEqualTo(new ImportResult.Imported(true));
      added.add(next);
    }
    return added;
  }

  long count(Column column) {
    return store.count(column);
  }

  /** Returns what a verification of the store finds. */
  List<String> problems() {
    return new Verifier(chain, () -> false)
        .verify(Integer.MAX_VALUE, progress -> {}, () -> false).problems().stream()
            .map(problem -> problem.column() + " " + problem.key() + ": " + problem.what())
            .toList();
  }

  @Override
  public void close() {
    workers.close();
  }
}
