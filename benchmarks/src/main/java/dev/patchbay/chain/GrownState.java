// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.evm.EvmExecution;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.primitives.execution.StateChanges.AccountChange;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A state of many accounts, and of a contract with a tenth as many slots, in a store; blocks on top
 * of it touch accounts and slots at random.
 */
public final class GrownState implements AutoCloseable {
  /** Calls of the contract and transfers of a block, each. */
  private static final int HALF = 100;

  private static final int SENDERS = 2 * HALF;
  private static final int CHUNK = 50_000;
  private static final Address CONTRACT = address(-1);
  private static final UInt256 BALANCE = UInt256.of(1L << 62);

  /** Adds one to the slots that the two words of its input name. */
  private static final Bytes CODE = Bytes.fromHex("0x5f358054600101905560203580546001019055");

  private final KeyValueStore store;
  private final EvmEngine engine;
  private final int accounts;
  private final TrieWorkers workers =
      new TrieWorkers(Runtime.getRuntime().availableProcessors() - 1);
  private final Random random = new Random(1);
  private final long[] nonces = new long[SENDERS];
  private long number;

  /** Starts with an empty store. */
  public GrownState(KeyValueStore store, EvmEngine engine, int accounts) {
    this.store = store;
    this.engine = engine;
    this.accounts = accounts;
  }

  private static Address address(long index) {
    return Address.wrap(ByteBuffer.allocate(20).putLong(12, index).array());
  }

  /** Writes the accounts and slots, near in the trie what is near in time, so that it ends soon. */
  public void fill() {
    int buckets = Math.max(1, accounts / CHUNK);
    int[] counts = new int[buckets + 1];
    int[] bucketOf = new int[accounts];
    for (int i = 0; i < accounts; i++) {
      bucketOf[i] = bucket(address(i).keccak(), buckets);
      counts[bucketOf[i] + 1]++;
    }
    for (int b = 0; b < buckets; b++) {
      counts[b + 1] += counts[b];
    }
    int[] sorted = new int[accounts];
    int[] next = counts.clone();
    for (int i = 0; i < accounts; i++) {
      sorted[next[bucketOf[i]]++] = i;
    }
    for (int b = 0; b < buckets; b++) {
      List<AccountChange> changes = new ArrayList<>();
      for (int i = counts[b]; i < counts[b + 1]; i++) {
        changes.add(account(address(sorted[i]), Map.of()));
      }
      write(changes);
    }
    for (int from = 0; from < accounts / 10; from += CHUNK) {
      Map<UInt256, UInt256> slots = new HashMap<>();
      for (int i = from; i < Math.min(from + CHUNK, accounts / 10); i++) {
        slots.put(UInt256.of(i), UInt256.of(1));
      }
      write(List.of(account(CONTRACT, slots)));
    }
  }

  private static int bucket(Hash hash, int buckets) {
    long top = ByteBuffer.wrap(hash.unsafeArray()).getInt() & 0xffffffffL;
    return (int) (top * buckets >>> 32);
  }

  private static AccountChange account(Address address, Map<UInt256, UInt256> slots) {
    boolean contract = address.equals(CONTRACT);
    return new AccountChange(
        address,
        null,
        true,
        0,
        BALANCE,
        contract ? CODE.keccak() : Account.EMPTY_CODE,
        contract ? CODE : null,
        false,
        slots);
  }

  private void write(List<AccountChange> changes) {
    Overlay overlay = new Overlay(store);
    new FlatState(overlay, workers).apply(new StateChanges(changes), null);
    store.write(overlay.toBatch());
  }

  /** Executes a block, computes its state root and writes it; returns the nanoseconds. */
  public long block() throws InvalidTransactionException {
    List<Transaction> transactions = new ArrayList<>();
    for (int i = 0; i < SENDERS; i++) {
      Transaction.Builder builder =
          Transaction.builder(TransactionType.LEGACY)
              .nonce(nonces[i]++)
              .gasLimit(100_000)
              .gasPrice(UInt256.of(7))
              .value(UInt256.of(i % 2))
              .sender(address(i));
      if (i % 2 == 0) {
        byte[] slots = new byte[64];
        ByteBuffer.wrap(slots).putInt(28, any(accounts / 10)).putInt(60, any(accounts / 10));
        builder.to(CONTRACT).data(Bytes.wrap(slots));
      } else {
        builder.to(address(SENDERS + any(accounts - SENDERS)));
      }
      transactions.add(builder.build());
    }
    long start = System.nanoTime();
    number++;
    Overlay overlay = new Overlay(store);
    EvmExecution execution = engine.open(context(), new States.Latest(overlay));
    for (Transaction transaction : transactions) {
      ExecutionResult result = execution.transact(transaction, 30_000_000, null);
      if (!result.success()) {
        throw new IllegalStateException("a transaction failed: " + result);
      }
    }
    new FlatState(overlay, workers).apply(execution.changes(), number);
    store.write(overlay.toBatch());
    return System.nanoTime() - start;
  }

  private int any(int bound) {
    return random.nextInt(bound);
  }

  private BlockContext context() {
    return new BlockContext(
        Fork.OSAKA,
        UInt256.ONE,
        Address.ZERO,
        number,
        number,
        30_000_000,
        UInt256.ZERO,
        Hash.ZERO,
        UInt256.of(7),
        UInt256.ONE,
        9,
        asked -> Hash.ZERO);
  }

  @Override
  public void close() {
    workers.close();
  }
}
