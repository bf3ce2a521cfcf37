// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.consensus.engine.EngineRules;
import dev.patchbay.evm.engine.DefaultEvmEngine;
import dev.patchbay.payload.Builder;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.primitives.execution.StateChanges.AccountChange;
import dev.patchbay.primitives.rlp.RlpReader;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A chain whose first block has a state of many accounts, and of a contract with a tenth as many
 * slots; blocks on top of it touch accounts and slots at random.
 */
public final class GrownState {
  /** Calls of the contract and transfers of a block, each. */
  private static final int HALF = 100;

  private static final int SENDERS = 2 * HALF;
  private static final int CHUNK = 50_000;
  private static final long PERIOD = 12;
  private static final Address CONTRACT = address(-1);
  private static final UInt256 BALANCE = UInt256.of(1L << 62);
  private static final UInt256 CHAIN_ID = UInt256.ONE;
  private static final UInt256 GAS_PRICE = UInt256.of(1_000_000_000);

  /** Adds one to the slots that the two words of its input name. */
  private static final Bytes CODE = Bytes.fromHex("0x5f358054600101905560203580546001019055");

  private static final byte[][] KEYS = new byte[SENDERS][];
  private static final Address[] SENDER = new Address[SENDERS];

  static {
    for (int i = 0; i < SENDERS; i++) {
      KEYS[i] = Hash.keccak(ByteBuffer.allocate(4).putInt(i).array()).toArray();
      SENDER[i] = unsigned(i, 0).sign(KEYS[i]).sender();
    }
  }

  private final int accounts;
  private final Chains.Wired chain;
  private final Builder builder;
  private final Random random = new Random(1);
  private final Map<Address, List<Transaction>> pending = new LinkedHashMap<>();
  private long nonce;

  /** Opens a chain that {@link #fill} has made. */
  public GrownState(KeyValueStore store, int accounts) {
    this.accounts = accounts;
    chain = Chains.of(Chains.shanghaiGenesis(), store, new DefaultEvmEngine(), new EngineRules());
    builder =
        new Builder(
            chain.reader(),
            chain.schedule(),
            chain.states(),
            chain.executor(),
            Chains.pool(pending),
            chain.reader().head().header().gasLimit());
  }

  private static Address address(long index) {
    return Address.wrap(ByteBuffer.allocate(20).putLong(12, index).array());
  }

  private static Transaction.Builder unsigned(int sender, long nonce) {
    return Transaction.builder(TransactionType.LEGACY)
        .chainId(CHAIN_ID)
        .nonce(nonce)
        .gasLimit(100_000)
        .gasPrice(GAS_PRICE)
        .value(UInt256.of(sender % 2));
  }

  /**
   * Makes a chain of two blocks in an empty store: accounts and slots are written near in the trie
   * what is near in time, so that it ends soon.
   */
  public static void fill(KeyValueStore store, int accounts) {
    Block genesis =
        Chains.of(Chains.shanghaiGenesis(), store, new DefaultEvmEngine(), new EngineRules())
            .reader()
            .head();
    TrieWorkers workers = new TrieWorkers(Runtime.getRuntime().availableProcessors() - 1);
    int buckets = Math.max(1, accounts / CHUNK);
    int[] counts = new int[buckets + 1];
    int[] bucketOf = new int[accounts];
    for (int i = 0; i < accounts; i++) {
      bucketOf[i] = bucket(holder(i).keccak(), buckets);
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
        changes.add(account(holder(sorted[i]), Map.of()));
      }
      write(store, workers, changes);
    }
    for (int from = 0; from < accounts / 10; from += CHUNK) {
      Map<UInt256, UInt256> slots = new HashMap<>();
      for (int i = from; i < Math.min(from + CHUNK, accounts / 10); i++) {
        slots.put(UInt256.of(i), UInt256.of(1));
      }
      write(store, workers, List.of(account(CONTRACT, slots)));
    }
    StateOverlay overlay = new StateOverlay(store);
    Block block = filled(genesis, new FlatState(overlay, workers).accountTrie().rootHash());
    ChainStore.putBlock(overlay.writes(), block, List.of(), UInt256.ZERO);
    ChainStore.putCanonical(overlay.writes(), block);
    overlay.put(Columns.META, Keys.HEAD, block.hash().toArray());
    overlay.put(Columns.META, Keys.TRIES, block.hash().toArray());
    store.write(overlay.writes().toBatch());
    workers.close();
  }

  /** The block after the genesis that stands for the accounts' creation. */
  private static Block filled(Block genesis, Hash stateRoot) {
    BlockHeader header = genesis.header();
    return new Block(
        BlockHeader.builder()
            .parentHash(genesis.hash())
            .ommersHash(header.ommersHash())
            .stateRoot(stateRoot)
            .transactionsRoot(header.transactionsRoot())
            .receiptsRoot(header.receiptsRoot())
            .logsBloom(header.logsBloom())
            .number(1)
            .gasLimit(header.gasLimit())
            .timestamp(PERIOD)
            .baseFeePerGas(header.baseFeePerGas())
            .withdrawalsRoot(Account.EMPTY_ROOT)
            .build(),
        List.of(),
        List.of(),
        List.of());
  }

  /** The first accounts are those that send. */
  private static Address holder(int index) {
    return index < SENDERS ? SENDER[index] : address(index);
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

  private static void write(KeyValueStore store, TrieWorkers workers, List<AccountChange> changes) {
    StateOverlay overlay = new StateOverlay(store);
    new FlatState(overlay, workers).apply(new StateChanges(changes), null);
    store.write(overlay.writes().toBatch());
  }

  /** Makes the next block, imports it, and returns its RLP. */
  public byte[] produce() {
    pending.clear();
    for (int i = 0; i < SENDERS; i++) {
      Transaction.Builder transaction = unsigned(i, nonce);
      if (i % 2 == 0) {
        byte[] slots = new byte[64];
        ByteBuffer.wrap(slots).putInt(28, any(accounts / 10)).putInt(60, any(accounts / 10));
        transaction.to(CONTRACT).data(Bytes.wrap(slots));
      } else {
        transaction.to(holder(SENDERS + any(accounts - SENDERS)));
      }
      pending.put(SENDER[i], List.of(transaction.sign(KEYS[i])));
    }
    nonce++;
    Block parent = chain.reader().head();
    Block block =
        builder.build(
            parent,
            new BlockSealer.Template(
                parent.header().timestamp() + PERIOD,
                Address.ZERO,
                UInt256.ZERO,
                Bytes.EMPTY,
                0,
                Address.ZERO));
    if (block.transactions().size() != SENDERS) {
      throw new IllegalStateException("transactions were left out of " + block);
    }
    byte[] rlp = block.encode();
    importBlock(rlp);
    return rlp;
  }

  private int any(int bound) {
    return random.nextInt(bound);
  }

  /** Decodes a block, recovers its senders on all cores and imports it; returns the nanoseconds. */
  public long importBlock(byte[] rlp) {
    long start = System.nanoTime();
    Block block = Block.read(RlpReader.of(rlp));
    block.transactions().parallelStream().forEach(Transaction::sender);
    ImportResult result = chain.importer().importBlock(block);
    long nanos = System.nanoTime() - start;
    if (!result.equals(new ImportResult.Imported(true))) {
      throw new IllegalStateException(block + ": " + result);
    }
    return nanos;
  }
}
