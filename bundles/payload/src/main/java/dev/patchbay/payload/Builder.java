// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.execution.BlockAssembly;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.payload.PayloadBuilder;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSchedule;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bloom;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * Fills blocks with what pays the most tip per gas, each sender's transactions in the order of
 * nonces.
 */
@Component
public final class Builder implements PayloadBuilder {
  private static final long MIN_TRANSACTION_GAS = 21_000;

  private final ChainReader chain;
  private final StateProvider states;
  private final BlockExecutor executor;
  private final TransactionPool pool;

  /** Makes the component. */
  @Activate
  public Builder(
      @Reference ChainReader chain,
      @Reference StateProvider states,
      @Reference BlockExecutor executor,
      @Reference TransactionPool pool) {
    this.chain = chain;
    this.states = states;
    this.executor = executor;
    this.pool = pool;
  }

  @Override
  public Block build(Block parent, BlockSealer.Template template) {
    ChainConfig config = chain.config();
    long number = parent.number() + 1;
    Fork fork = config.forkAt(number, template.timestamp());
    UInt256 baseFee = fork.includes(Fork.LONDON) ? FeeMarket.nextBaseFee(parent.header()) : null;
    BlockHeader draft = draft(parent, template, fork, baseFee, config);
    try (StateReader state = states.stateAfter(parent.hash())) {
      if (state == null) {
        throw new IllegalStateException("no state after block " + parent);
      }
      BlockAssembly assembly = executor.assemble(draft, template.feeRecipient(), List.of(), state);
      fill(assembly, baseFee);
      return assembly.finish().block();
    } catch (InvalidBlockException broken) {
      throw new IllegalStateException(String.valueOf(broken.getMessage()), broken);
    }
  }

  private record Candidate(Deque<Transaction> rest, UInt256 tip) {}

  private void fill(BlockAssembly assembly, @Nullable UInt256 baseFee) {
    PriorityQueue<Candidate> queue =
        new PriorityQueue<>(Comparator.comparing(Candidate::tip).reversed());
    for (Map.Entry<Address, List<Transaction>> entry : pool.pending().entrySet()) {
      offer(queue, new ArrayDeque<>(entry.getValue()), baseFee);
    }
    while (!queue.isEmpty() && assembly.gasLeft() >= MIN_TRANSACTION_GAS) {
      Deque<Transaction> rest = queue.remove().rest();
      try {
        assembly.add(rest.removeFirst());
        offer(queue, rest, baseFee);
      } catch (InvalidTransactionException skipped) {
        // what follows from this sender cannot run either; the next block looks again
      }
    }
  }

  private static void offer(
      PriorityQueue<Candidate> queue, Deque<Transaction> rest, @Nullable UInt256 baseFee) {
    Transaction next = rest.peekFirst();
    if (next == null || (baseFee != null && next.maxFeePerGas().compareTo(baseFee) < 0)) {
      return;
    }
    UInt256 price = next.effectiveGasPrice(baseFee);
    queue.add(new Candidate(rest, baseFee == null ? price : price.subtract(baseFee)));
  }

  private static BlockHeader draft(
      Block parent,
      BlockSealer.Template template,
      Fork fork,
      @Nullable UInt256 baseFee,
      ChainConfig config) {
    boolean cancun = fork.includes(Fork.CANCUN);
    BlobSchedule blobs = config.blobScheduleAt(template.timestamp());
    return new BlockHeader(
        parent.hash(),
        BlockHeader.EMPTY_OMMERS,
        template.coinbase(),
        Hash.ZERO,
        Account.EMPTY_ROOT,
        Account.EMPTY_ROOT,
        Bloom.EMPTY,
        template.difficulty(),
        parent.number() + 1,
        parent.header().gasLimit(),
        0,
        template.timestamp(),
        template.extraData(),
        Hash.ZERO,
        template.nonce(),
        baseFee,
        fork.includes(Fork.SHANGHAI) ? Account.EMPTY_ROOT : null,
        cancun ? (Long) 0L : null,
        cancun ? (Long) FeeMarket.nextExcessBlobGas(parent.header(), blobs, fork) : null,
        cancun ? Hash.ZERO : null,
        fork.includes(Fork.PRAGUE) ? Hash.ZERO : null);
  }
}
