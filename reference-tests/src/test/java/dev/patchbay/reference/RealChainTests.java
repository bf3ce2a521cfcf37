// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.chain.Chains;
import dev.patchbay.consensus.engine.EngineRules;
import dev.patchbay.evm.engine.DefaultEvmEngine;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bloom;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.storage.memory.MemoryStore;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The chain of execution-apis: 54 blocks, from Frontier through every fork to BPO2. */
class RealChainTests {
  private record Given(JsonNode genesis, List<Block> blocks, Hash head) {}

  private static Given read() throws Exception {
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
    return Chains.of(given.genesis, new MemoryStore(), new DefaultEvmEngine(), new EngineRules());
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

  private static void wrongField(Chains.Wired chain, Block block, RecordComponent wrong)
      throws Exception {
    RecordComponent[] components = BlockHeader.class.getRecordComponents();
    Object[] values = new Object[components.length];
    Class<?>[] types = new Class<?>[components.length];
    boolean changed = false;
    for (int i = 0; i < components.length; i++) {
      types[i] = components[i].getType();
      values[i] = components[i].getAccessor().invoke(block.header());
      if (components[i].getName().equals(wrong.getName()) && values[i] != null) {
        values[i] =
            wrong.getName().equals("gasLimit")
                ? 2 * block.header().gasLimit() // one more or less may well be right
                : other(values[i]);
        changed = true;
      }
    }
    boolean
        free = // not wrong by itself: the work is not checked, and no code here reads the randao
        wrong.getName().equals("mixHash")
                || (wrong.getName().equals("nonce") && !block.header().difficulty().isZero());
    if (!changed || free) {
      return; // or a field of a later fork
    }
    BlockHeader header = BlockHeader.class.getDeclaredConstructor(types).newInstance(values);
    ImportResult result =
        chain
            .importer()
            .importBlock(
                new Block(header, block.transactions(), block.ommers(), block.withdrawals()));
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
