// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.trie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Hash;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class TrieTest {
  /** A store in memory that also checks that only existing entries are removed. */
  private static final class Memory implements NodeStore, NodeSink {
    final Map<String, byte[]> nodes = new TreeMap<>();

    private static String key(byte[] path) {
      return new String(path, StandardCharsets.ISO_8859_1);
    }

    @Override
    public byte[] get(byte[] path) {
      return nodes.get(key(path));
    }

    @Override
    public void put(byte[] path, byte[] rlp) {
      nodes.put(key(path), rlp);
    }

    @Override
    public void remove(byte[] path) {
      assertThat(nodes.remove(key(path))).isNotNull();
    }
  }

  private static Map<String, byte[]> built(Map<Hash, byte[]> content) {
    Memory memory = new Memory();
    Trie trie = new Trie(memory);
    content.forEach((key, value) -> trie.put(key.toArray(), value));
    trie.commit(memory);
    return memory.nodes;
  }

  @Test
  void theEmptyTrieHasTheKnownRoot() {
    assertThat(Trie.inMemory().rootHash()).isEqualTo(Account.EMPTY_ROOT);
  }

  @Test
  void exampleOfTheWiki() {
    Trie trie = Trie.inMemory();
    String[][] entries = {
      {"do", "verb"}, {"dog", "puppy"}, {"doge", "coin"}, {"horse", "stallion"}
    };
    for (String[] entry : entries) {
      trie.put(
          entry[0].getBytes(StandardCharsets.UTF_8), entry[1].getBytes(StandardCharsets.UTF_8));
    }
    assertThat(trie.rootHash())
        .isEqualTo(
            Hash.fromHex("0x5991bb8c6514148a29db676a14ac506cd2cd5775ace63c30a4fe457715e9ac84"));
    assertThat(trie.get("doge".getBytes(StandardCharsets.UTF_8)))
        .isEqualTo("coin".getBytes(StandardCharsets.UTF_8));
  }

  /** Any history of commits leaves exactly the nodes that building the content afresh leaves. */
  @Test
  void theStoreHoldsExactlyTheNodesOfTheContent() {
    for (int seed = 0; seed < 40; seed++) {
      Random random = new Random(seed);
      Memory memory = new Memory();
      Trie trie = new Trie(memory);
      Map<Hash, byte[]> content = new TreeMap<>();
      List<Hash> keys = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        byte[] key = new byte[32];
        // few distinct bytes: long shared prefixes, so that extensions split and merge
        for (int j = 0; j < 32; j++) {
          key[j] =
              (byte) (j < 29 ? 0x11 * random.nextInt(j % 7 == 0 ? 2 : 1) : random.nextInt(256));
        }
        keys.add(Hash.of(key));
      }
      for (int round = 0; round < 30; round++) {
        for (int change = random.nextInt(12); change >= 0; change--) {
          Hash key = keys.get(random.nextInt(keys.size()));
          if (random.nextInt(5) < 2) {
            content.remove(key);
            trie.remove(key.toArray());
          } else {
            byte[] value = new byte[1 + random.nextInt(random.nextBoolean() ? 3 : 60)];
            random.nextBytes(value);
            content.put(key, value);
            trie.put(key.toArray(), value);
          }
        }
        trie.commit(memory);
        if (random.nextBoolean()) {
          trie = new Trie(memory);
        }
        Map<String, byte[]> expected = built(content);
        assertThat(memory.nodes.keySet()).isEqualTo(expected.keySet());
        expected.forEach((path, rlp) -> assertThat(memory.nodes.get(path)).isEqualTo(rlp));
        for (Hash key : keys) {
          byte[] found = trie.get(key.toArray());
          assertThat(Arrays.equals(found, content.get(key))).isTrue();
        }
      }
    }
  }

  @Test
  void proofsStartAtTheRootAndHashUpwards() {
    Trie trie = Trie.inMemory();
    for (int i = 0; i < 200; i++) {
      trie.put(Hash.keccak(new byte[] {(byte) i}).toArray(), new byte[40]);
    }
    List<byte[]> proof = trie.proof(Hash.keccak(new byte[] {7}).toArray());
    assertThat(proof.size()).isGreaterThan(1);
    assertThat(Hash.keccak(proof.get(0))).isEqualTo(trie.rootHash());
  }

  @Test
  void aDamagedNodeIsNoticed() {
    Memory memory = new Memory();
    Trie trie = new Trie(memory);
    for (int i = 0; i < 200; i++) {
      trie.put(Hash.keccak(new byte[] {(byte) i}).toArray(), new byte[40]);
    }
    trie.commit(memory);
    String victim = memory.nodes.keySet().stream().filter(p -> p.length() == 1).findFirst().get();
    memory.nodes.remove(victim);
    byte[] key = new byte[32];
    key[0] = (byte) (victim.charAt(0) << 4);
    assertThatThrownBy(() -> new Trie(memory).get(key)).isInstanceOf(MissingNodeException.class);
  }
}
