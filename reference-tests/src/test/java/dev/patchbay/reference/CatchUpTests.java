// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.chain.Chains;
import dev.patchbay.chain.Columns;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.UInt256;
import java.util.HashSet;
import java.util.List;
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
  private static final String ALL = "" + Long.MAX_VALUE;

  private final Random random = new Random(3);
  private final Miner miner = new Miner(4);

  @ParameterizedTest
  @CsvSource({ALL + ",64", ALL + ",7", "8,64", "8,3", "1,64"})
  void afterEveryBlockOfTheRealChain(long window, int recent) throws Exception {
    RealChainTests.Given given = RealChainTests.read();
    KeyValueStore store = Chains.memory();
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
    RealChainTests.Given given = miner.given();
    KeyValueStore store = Chains.memory();
    Chains.Wired chain = RealChainTests.chain(given, store, window, recent);
    int reorganisations = 0;
    while (chain.reader().head().number() < 40) {
      Block head = chain.reader().head();
      int depth = random.nextInt(3) == 0 ? (int) Math.min(head.number(), random.nextInt(5)) : 0;
      Block tip = chain.reader().block(head.number() - depth);
      assertThat(tip).isNotNull();
      for (int i = 0; i <= depth; i++) {
        tip = miner.mine(tip);
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

  static KeyValueStore copy(KeyValueStore store) {
    KeyValueStore copy = Chains.memory();
    WriteBatch batch = new WriteBatch();
    for (Column column : Columns.ALL) {
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
    Set<Address> addresses = new HashSet<>(Set.of(Miner.CONTRACT, head.header().coinbase()));
    head.transactions().forEach(transaction -> addresses.add(transaction.sender()));
    for (Address address : addresses) {
      List<UInt256> keys = List.of(UInt256.ZERO, UInt256.of(7), UInt256.of(59));
      assertThat(reopened.states().prove(head.hash(), address, keys))
          .isNotNull()
          .isEqualTo(chain.states().prove(head.hash(), address, keys));
    }
  }
}
