// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.chain.Chains;
import dev.patchbay.payload.Builder;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.storage.memory.MemoryStore;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The latest trie nodes are not in the store. A node that ended then computes them again, whatever
 * block it ended after, and proves what the other one proves. A short window of history makes the
 * store get its nodes more often, and so does a lower number of recent blocks.
 */
class CatchUpTests {
  private static final Address CONTRACT =
      Address.fromHex("0x00000000000000000000000000000000000000cc");

  /** Adds the call value to the slots that the two words of its input name, and clears a third. */
  private static final String CODE = "0x5f3580543401905560203580543401905560403580545f905550";

  private static final byte[][] KEYS = new byte[4][];

  static {
    for (int i = 0; i < KEYS.length; i++) {
      KEYS[i] = Hash.keccak(new byte[] {(byte) i}).toArray();
    }
  }

  private static final String ALL = "" + Long.MAX_VALUE;

  private final Random random = new Random(3);

  /** All blocks by hash, of all branches. */
  private final Map<Hash, Block> blocks = new HashMap<>();

  @ParameterizedTest
  @CsvSource({ALL + ",64", ALL + ",7", "8,64", "8,3", "1,64"})
  void afterEveryBlockOfTheRealChain(long window, int recent) throws Exception {
    RealChainTests.Given given = RealChainTests.read();
    MemoryStore store = new MemoryStore();
    Chains.Wired chain = RealChainTests.chain(given, store, window, recent);
    for (int i = 0; i < given.blocks().size(); i++) {
      importNew(chain, given.blocks().get(i));
      Chains.Wired reopened = RealChainTests.chain(given, copy(store), window);
      compare(reopened, chain);
      for (Block later : given.blocks().subList(i + 1, given.blocks().size())) {
        importNew(reopened, later);
      }
      assertThat(reopened.reader().head().hash()).isEqualTo(given.head());
    }
  }

  /** Branches of any length replace each other, also beyond the block whose tries are stored. */
  @ParameterizedTest
  @CsvSource({ALL + ",64", ALL + ",3", "8,64", "5,64", "5,2"})
  void afterReorganisations(long window, int recent) throws Exception {
    RealChainTests.Given given = new RealChainTests.Given(genesis(), List.of(), Hash.ZERO);
    MemoryStore store = new MemoryStore();
    Chains.Wired chain = RealChainTests.chain(given, store, window, recent);
    int reorganisations = 0;
    while (chain.reader().head().number() < 40) {
      Block head = chain.reader().head();
      int depth = random.nextInt(3) == 0 ? (int) Math.min(head.number(), random.nextInt(5)) : 0;
      Block tip = chain.reader().block(head.number() - depth);
      assertThat(tip).isNotNull();
      for (int i = 0; i <= depth; i++) {
        tip = mine(given, tip);
        assertThat(chain.importer().importBlock(tip))
            .isEqualTo(new ImportResult.Imported(i == depth));
        compare(RealChainTests.chain(given, copy(store), window), chain);
      }
      assertThat(chain.reader().head().hash()).isEqualTo(tip.hash());
      reorganisations += depth > 0 ? 1 : 0;
    }
    assertThat(reorganisations).isGreaterThan(5);
  }

  private static void importNew(Chains.Wired chain, Block block) {
    assertThat(chain.importer().importBlock(block)).isEqualTo(new ImportResult.Imported(true));
  }

  /** Makes a block on top of another one, in a chain of its own. */
  private Block mine(RealChainTests.Given given, Block parent) {
    Chains.Wired miner = RealChainTests.chain(given, new MemoryStore(), Long.MAX_VALUE);
    Deque<Block> ancestors = new ArrayDeque<>();
    for (Block block = parent; block.number() > 0; ) {
      ancestors.addFirst(block);
      Block before = blocks.get(block.header().parentHash());
      block = before == null ? miner.reader().genesis() : before;
    }
    ancestors.forEach(block -> importNew(miner, block));
    Map<Address, List<Transaction>> pending = new LinkedHashMap<>();
    for (byte[] key : KEYS) {
      byte[] slots = ByteBuffer.allocate(96).putInt(28, any()).putInt(60, any()).array();
      ByteBuffer.wrap(slots).putInt(92, any());
      Transaction transaction =
          Transaction.builder(TransactionType.LEGACY)
              .chainId(UInt256.ONE)
              .nonce(parent.number())
              .gasLimit(200_000)
              .gasPrice(UInt256.of(1_000_000_000))
              .value(UInt256.of(any()))
              .to(CONTRACT)
              .data(Bytes.wrap(slots))
              .sign(key);
      pending.put(transaction.sender(), List.of(transaction));
    }
    Address coinbase = Address.wrap(ByteBuffer.allocate(20).putInt(16, 1 + any()).array());
    Block block =
        new Builder(
                miner.reader(),
                miner.states(),
                miner.executor(),
                Chains.pool(pending),
                parent.header().gasLimit())
            .build(
                parent,
                new BlockSealer.Template(
                    parent.header().timestamp() + 12,
                    coinbase,
                    UInt256.ZERO,
                    Bytes.EMPTY,
                    0,
                    coinbase));
    assertThat(block.transactions()).hasSize(KEYS.length);
    blocks.put(block.hash(), block);
    return block;
  }

  private int any() {
    return random.nextInt(60);
  }

  private static ObjectNode genesis() {
    ObjectNode genesis = Chains.shanghaiGenesis();
    ObjectNode alloc = genesis.withObject("/alloc");
    for (byte[] key : KEYS) {
      Transaction any = Transaction.builder(TransactionType.LEGACY).chainId(UInt256.ONE).sign(key);
      alloc.putObject(any.sender().toString()).put("balance", "0x8ac7230489e80000");
    }
    alloc.putObject(CONTRACT.toString()).put("balance", "0x0").put("code", CODE);
    return genesis;
  }

  private static MemoryStore copy(MemoryStore store) {
    MemoryStore copy = new MemoryStore();
    WriteBatch batch = new WriteBatch();
    for (Column column : Column.values()) {
      store.scan(
          column,
          new byte[0],
          (key, value) -> {
            batch.put(column, key, value);
            return true;
          });
    }
    copy.write(batch);
    return copy;
  }

  private static void compare(Chains.Wired reopened, Chains.Wired chain) {
    Block head = chain.reader().head();
    assertThat(reopened.reader().head().hash()).isEqualTo(head.hash());
    Set<Address> addresses = new HashSet<>(Set.of(CONTRACT, head.header().coinbase()));
    head.transactions().forEach(transaction -> addresses.add(transaction.sender()));
    for (Address address : addresses) {
      List<UInt256> keys = List.of(UInt256.ZERO, UInt256.of(7), UInt256.of(59));
      assertThat(reopened.states().prove(head.hash(), address, keys))
          .isNotNull()
          .isEqualTo(chain.states().prove(head.hash(), address, keys));
    }
  }
}
