// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.state.StateProof;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.chain.Chains;
import dev.patchbay.chain.Columns;
import dev.patchbay.consensus.engine.EngineRules;
import dev.patchbay.evm.engine.DefaultEvmEngine;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bloom;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.primitives.rlp.RlpReader;
import java.lang.reflect.Proxy;
import java.lang.reflect.RecordComponent;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The chain of execution-apis: 54 blocks, from Frontier through every fork to BPO2. */
class RealChainTests {
  record Given(JsonNode genesis, List<Block> blocks, Hash head) {}

  static Given read() throws Exception {
    Map<String, byte[]> files =
        Vectors.files("execution-apis", List.of("genesis.json", "chain.rlp", "headfcu.json"));
    ObjectMapper json = new ObjectMapper();
    List<Block> blocks = new ArrayList<>();
    RlpReader items = RlpReader.of(files.get("chain.rlp"));
    while (items.hasNext()) {
      blocks.add(Block.read(items));
    }
    JsonNode head = json.readTree(files.get("headfcu.json")).at("/params/0/headBlockHash");
    return new Given(json.readTree(files.get("genesis.json")), blocks, Hash.fromHex(head.asText()));
  }

  private static Chains.Wired chain(Given given) {
    return chain(given, Chains.memory(), Long.MAX_VALUE);
  }

  static Chains.Wired chain(Given given, KeyValueStore store, long window) {
    return Chains.of(given.genesis, store, new DefaultEvmEngine(), new EngineRules(), window);
  }

  static Chains.Wired chain(Given given, KeyValueStore store, long window, int recentBlocks) {
    return Chains.of(
        given.genesis, store, new DefaultEvmEngine(), new EngineRules(), window, recentBlocks);
  }

  @Test
  void everyBlockIsImported() throws Exception {
    Given given = read();
    Chains.Wired chain = chain(given);
    for (Block block : given.blocks) {
      assertThat(chain.importer().importBlock(block))
          .as(block.toString())
          .isEqualTo(new ImportResult.Imported(true));
    }
    assertThat(given.blocks).hasSize(54);
    assertThat(chain.reader().head().hash()).isEqualTo(given.head);
  }

  /** The head is set back, by many blocks and by few, and the same blocks are taken once more. */
  @Test
  void theHeadIsSetBack() throws Exception {
    Given given = read();
    Chains.Wired chain = chain(given);
    given.blocks.forEach(block -> chain.importer().importBlock(block));
    List<Block> blocks = given.blocks;
    int last = blocks.size() - 1;
    for (int target : new int[] {last - 1, 40, 10, 0}) {
      Block block = blocks.get(target);
      assertThat(chain.importer().setHead(block.number())).isEqualTo(block);
      assertThat(chain.reader().head()).isEqualTo(block);
      assertThat(chain.reader().block(block.number() + 1)).isNull();
      assertThat(chain.reader().block(blocks.get(last).hash())).as("stays known").isNotNull();
      assertThat(chain.states().stateAt(blocks.get(last).hash())).isNull();
      assertThat(chain.states().computeStateRoot(block.hash(), StateChanges.NONE))
          .isEqualTo(block.header().stateRoot());
      for (Block next : blocks.subList(target + 1, blocks.size())) {
        assertThat(chain.importer().importBlock(next)).isEqualTo(new ImportResult.Imported(true));
      }
      assertThat(chain.reader().head()).isEqualTo(blocks.get(last));
    }
    assertThat(chain.importer().importBlock(blocks.get(3))).isEqualTo(new ImportResult.Known());
    assertThat(chain.importer().setHead(blocks.get(last).number())).isEqualTo(blocks.get(last));
    assertThatThrownBy(() -> chain.importer().setHead(blocks.get(last).number() + 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is not in the chain");
  }

  /** A batch is seen by readers before its writer goes on. */
  @Test
  void theHeadIsAsNewAsWhatTheStoreShows() throws Exception {
    Given given = read();
    List<Runnable> afterWrite = new ArrayList<>();
    KeyValueStore store = Chains.memory();
    KeyValueStore watched =
        (KeyValueStore)
            Proxy.newProxyInstance(
                KeyValueStore.class.getClassLoader(),
                new Class<?>[] {KeyValueStore.class},
                (proxy, method, arguments) -> {
                  Object result = method.invoke(store, arguments);
                  if (method.getName().equals("write")) {
                    afterWrite.forEach(Runnable::run);
                  }
                  return result;
                });
    Chains.Wired chain =
        Chains.of(given.genesis, watched, new DefaultEvmEngine(), new EngineRules());
    ChainReader reader = chain.reader();
    List<Block> heads = new ArrayList<>();
    afterWrite.add(
        () -> {
          Block head = reader.head();
          assertThat(reader.canonicalHash(head.number())).isEqualTo(head.hash());
          assertThat(reader.canonicalHash(head.number() + 1)).isNull();
          heads.add(head);
        });
    for (Block block : given.blocks) {
      chain.importer().importBlock(block);
    }
    assertThat(heads).isEqualTo(given.blocks);
  }

  /** Inside of the window every state is as without one, outside of it a clear error. */
  @Test
  void statesAreKeptInAWindow() throws Exception {
    Given given = read();
    long window = 8;
    KeyValueStore store = Chains.memory();
    Chains.Wired all = chain(given);
    Chains.Wired few =
        Chains.of(given.genesis, store, new DefaultEvmEngine(), new EngineRules(), window);
    Set<Address> addresses = new HashSet<>();
    for (Block block : given.blocks) {
      addresses.add(block.header().coinbase());
      block.transactions().forEach(transaction -> addresses.add(transaction.sender()));
    }
    StateReader early = present(few.states().stateAt(few.reader().genesis().hash()));
    List<Hash> hashes = new ArrayList<>(List.of(all.reader().genesis().hash()));
    for (Block block : given.blocks) {
      all.importer().importBlock(block);
      few.importer().importBlock(block);
      hashes.add(block.hash());
      for (int number = 0; number < hashes.size(); number++) {
        Hash hash = hashes.get(number);
        if (number < block.number() - window) {
          assertThatThrownBy(() -> few.states().stateAt(hash))
              .isInstanceOf(StorageException.class)
              .hasMessage(
                  "the state after block %d is not kept: the first is that after block %d",
                  number, block.number() - window);
          assertThatThrownBy(() -> few.states().prove(hash, Address.ZERO, List.of()))
              .isInstanceOf(StorageException.class);
          continue;
        }
        try (StateReader expected = present(all.states().stateAt(hash));
            StateReader found = present(few.states().stateAt(hash))) {
          for (Address address : addresses) {
            assertThat(found.account(address)).isEqualTo(expected.account(address));
          }
        }
      }
      assertThat(store.count(Columns.CHANGES)).isEqualTo(Math.min(block.number(), window));
    }
    assertThat(few.reader().head().hash()).isEqualTo(given.head);
    assertThat(store.count(Columns.ACCOUNT_HISTORY)).isPositive().isLessThan(200);
    assertThatThrownBy(() -> early.account(Address.ZERO))
        .as("a reader that was opened before")
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("is not kept");
  }

  @Test
  void aStoreOfAnotherFormatIsRefused() throws Exception {
    Given given = read();
    KeyValueStore store = Chains.memory();
    Chains.of(given.genesis, store, new DefaultEvmEngine(), new EngineRules());
    WriteBatch batch = new WriteBatch();
    batch.put(Columns.META, "format".getBytes(StandardCharsets.US_ASCII), new byte[] {1});
    store.write(batch);
    assertThatThrownBy(
            () -> Chains.of(given.genesis, store, new DefaultEvmEngine(), new EngineRules()))
        .isInstanceOf(StorageException.class)
        .hasMessageStartingWith("the store is in format 01, this build reads 04. Export the chain");
  }

  /** Proofs are of one moment, also while blocks are written. */
  @ParameterizedTest
  @CsvSource({Long.MAX_VALUE + ",64", "16,64", Long.MAX_VALUE + ",2"})
  void proofsFitTheirBlockDuringAnImport(long window, int recentBlocks) throws Exception {
    Given given = read();
    Chains.Wired chain = chain(given, Chains.memory(), window, recentBlocks);
    AtomicBoolean running = new AtomicBoolean(true);
    FutureTask<Integer> prover =
        new FutureTask<>(
            () -> {
              int proofs = 0;
              while (running.get() || proofs == 0) {
                Block head = chain.reader().head();
                StateProof proof;
                try {
                  proof = chain.states().prove(head.hash(), head.header().coinbase(), List.of());
                } catch (StorageException gone) { // the head is further by a window already
                  assertThat(gone).hasMessageContaining("is not kept");
                  continue;
                }
                assertThat(proof).isNotNull();
                assertThat(proof.accountProof().get(0).keccak())
                    .isEqualTo(head.header().stateRoot());
                proofs++;
              }
              return proofs;
            });
    Thread thread = new Thread(prover, "prover");
    thread.start();
    try {
      for (Block block : given.blocks) {
        chain.importer().importBlock(block);
      }
    } finally {
      running.set(false);
    }
    assertThat(prover.get(60, TimeUnit.SECONDS)).isPositive();
  }

  /** A branch that leaves the chain before the window cannot be weighed; a later one can. */
  @Test
  void aBranchFromBeforeTheWindowIsRefused() throws Exception {
    Given given = read();
    Chains.Wired chain =
        Chains.of(given.genesis, Chains.memory(), new DefaultEvmEngine(), new EngineRules(), 8);
    Block sibling = sibling(given.blocks.get(2));
    for (Block block : given.blocks.subList(0, 10)) {
      chain.importer().importBlock(block);
    }
    assertThat(chain.importer().importBlock(sibling)).isEqualTo(new ImportResult.Imported(false));
    for (Block block : given.blocks.subList(10, given.blocks.size())) {
      chain.importer().importBlock(block);
    }
    assertThatThrownBy(() -> chain.importer().importBlock(sibling(given.blocks.get(40))))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("the state after block 40 is not kept");
    assertThat(chain.reader().head().hash()).isEqualTo(given.head);
  }

  /** Returns a valid block with the parent and the transactions of another. */
  static Block sibling(Block block) throws Exception {
    return with(block, "extraData", Bytes.fromHex("0x01"));
  }

  private static StateReader present(StateReader state) {
    assertThat(state).isNotNull();
    return state;
  }

  @Test
  void aWrongHeaderFieldIsNamed() throws Exception {
    Given given = read();
    Chains.Wired chain = chain(given);
    for (int i = 0; i < given.blocks.size(); i++) {
      Block block = given.blocks.get(i);
      if (i == 5 || i == given.blocks.size() - 1) {
        for (RecordComponent field : BlockHeader.class.getRecordComponents()) {
          wrongField(chain, block, field);
        }
      }
      chain.importer().importBlock(block);
    }
    assertThat(chain.reader().head().hash()).isEqualTo(given.head);
  }

  /** Returns a block with another value in a field of its header. */
  private static Block with(Block block, String field, Object value) throws Exception {
    RecordComponent[] components = BlockHeader.class.getRecordComponents();
    Object[] values = new Object[components.length];
    Class<?>[] types = new Class<?>[components.length];
    for (int i = 0; i < components.length; i++) {
      types[i] = components[i].getType();
      values[i] =
          components[i].getName().equals(field)
              ? value
              : components[i].getAccessor().invoke(block.header());
    }
    BlockHeader header = BlockHeader.class.getDeclaredConstructor(types).newInstance(values);
    return new Block(header, block.transactions(), block.ommers(), block.withdrawals());
  }

  private static void wrongField(Chains.Wired chain, Block block, RecordComponent wrong)
      throws Exception {
    Object value = wrong.getAccessor().invoke(block.header());
    boolean
        free = // not wrong by itself: the work is not checked, and no code here reads the randao
        wrong.getName().equals("mixHash")
                || (wrong.getName().equals("nonce") && !block.header().difficulty().isZero());
    if (value == null || free) {
      return; // or a field of a later fork
    }
    Object other =
        wrong.getName().equals("gasLimit")
            ? 2 * block.header().gasLimit() // one more or less may well be right
            : other(value);
    ImportResult result = chain.importer().importBlock(with(block, wrong.getName(), other));
    String reason =
        result instanceof ImportResult.Invalid invalid
            ? invalid.reason()
            : result instanceof ImportResult.UnknownParent ? "unknown parent" : result.toString();
    List<String> named =
        switch (wrong.getName()) {
          case "parentHash" -> List.of("unknown parent");
          case "coinbase", "parentBeaconBlockRoot" ->
              List.of("stateRoot", "receiptsRoot"); // so it shows
          case "timestamp" -> List.of("timestamp", "difficulty", "stateRoot", "receiptsRoot");
          default -> List.of(wrong.getName());
        };
    assertThat(named)
        .as("a wrong " + wrong.getName() + " gives: " + reason)
        .anyMatch(reason::contains);
  }

  private static Object other(Object value) {
    if (value instanceof Hash hash) {
      byte[] bytes = hash.toArray();
      bytes[31] ^= 1;
      return Hash.wrap(bytes);
    }
    if (value instanceof Address address) {
      byte[] bytes = address.toArray();
      bytes[19] ^= 1;
      return Address.wrap(bytes);
    }
    if (value instanceof UInt256 number) {
      return number.add(UInt256.ONE);
    }
    if (value instanceof Bloom bloom) {
      byte[] bytes = bloom.unsafeArray().clone();
      bytes[0] ^= 1;
      return Bloom.wrap(bytes);
    }
    if (value instanceof Bytes) {
      return Bytes.wrap(new byte[33]);
    }
    return (Long) value + (value.equals(0L) ? 1 : -1);
  }
}
