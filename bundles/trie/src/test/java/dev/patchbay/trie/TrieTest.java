// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.trie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Hash;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class TrieTest {
  /** A store in memory that also checks that only existing entries are removed. */
  private static final class Memory implements NodeStore, NodeSink {
    final Map<String, byte[]> nodes = new TreeMap<>();
    final TreeMap<byte[], byte[]> values = new TreeMap<>(Arrays::compareUnsigned);

    void commit(Trie trie, Map<Hash, byte[]> content) {
      trie.commit(this);
      values.clear();
      content.forEach((key, value) -> values.put(key.toArray(), value));
    }

    private static String key(byte[] path) {
      return new String(path, StandardCharsets.ISO_8859_1);
    }

    @Override
    public byte[] get(byte[] path) {
      return nodes.get(key(path));
    }

    @Override
    public byte[] value(byte[] key) {
      return values.get(key);
    }

    @Override
    public Entry first(byte[] from) {
      Map.Entry<byte[], byte[]> found = values.ceilingEntry(from);
      return found == null ? null : new Entry(found.getKey(), found.getValue());
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
        Map<Hash, byte[]> changes = new LinkedHashMap<>();
        for (int change = random.nextInt(40); change >= 0; change--) {
          byte[] value = null;
          if (random.nextInt(5) >= 2) {
            value = new byte[1 + random.nextInt(random.nextBoolean() ? 3 : 60)];
            random.nextBytes(value);
          }
          changes.put(keys.get(random.nextInt(keys.size())), value);
        }
        change(trie, changes, random.nextBoolean());
        changes.forEach(
            (key, value) -> {
              if (value == null) {
                content.remove(key);
              } else {
                content.put(key, value);
              }
            });
        memory.commit(trie, content);
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

  /** Changes a trie key by key, or all keys at once on several threads. */
  private static void change(Trie trie, Map<Hash, byte[]> changes, boolean together) {
    if (together) {
      Trie.Update update =
          trie.update(
              changes.entrySet().stream()
                  .map(entry -> new Trie.Change(entry.getKey().toArray(), entry.getValue()))
                  .toList());
      update.tasks().parallelStream().forEach(Runnable::run);
      update.end();
      return;
    }
    changes.forEach(
        (key, value) -> {
          if (value == null) {
            trie.remove(key.toArray());
          } else {
            trie.put(key.toArray(), value);
          }
        });
  }

  /** The keys of every part of the trie go, so that the root is left with one child or none. */
  @Test
  void anUpdateMayEmptyTheTrie() {
    for (int left = 0; left < 3; left++) {
      Memory memory = new Memory();
      Map<Hash, byte[]> content = new TreeMap<>();
      for (int i = 0; i < 100; i++) {
        content.put(Hash.keccak(new byte[] {(byte) i}), new byte[40]);
      }
      Trie trie = new Trie(memory);
      content.forEach((key, value) -> trie.put(key.toArray(), value));
      memory.commit(trie, content);
      Map<Hash, byte[]> changes = new LinkedHashMap<>();
      content.keySet().stream().skip(left).forEach(key -> changes.put(key, null));
      Trie again = new Trie(memory);
      change(again, changes, true);
      content.keySet().removeAll(changes.keySet());
      Map<String, byte[]> expected = built(content);
      memory.commit(again, content);
      assertThat(memory.nodes.keySet()).isEqualTo(expected.keySet());
      expected.forEach((path, rlp) -> assertThat(memory.nodes.get(path)).isEqualTo(rlp));
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
  void nodesAreFoundAtTheirPaths() {
    Map<Hash, byte[]> content = new TreeMap<>();
    for (int i = 0; i < 300; i++) {
      content.put(Hash.keccak(new byte[] {(byte) i, (byte) (i >> 8)}), new byte[] {(byte) (i | 1)});
    }
    Memory memory = new Memory();
    Trie built = new Trie(memory);
    content.forEach((key, value) -> built.put(key.toArray(), value));
    memory.commit(built, content);
    for (Hash key : content.keySet()) {
      byte[] path = Trie.nibbles(key.toArray());
      List<byte[]> proof = new Trie(memory).proof(key.toArray());
      List<byte[]> found = new ArrayList<>();
      for (int length = 0; length <= path.length; length++) {
        byte[] node = new Trie(memory).node(Arrays.copyOf(path, length));
        if (node != null) {
          found.add(node);
        }
      }
      assertThat(found).as("leaves, too").containsExactlyElementsOf(proof);
    }
    assertThat(new Trie(memory).node(new byte[65])).isNull();
    assertThat(Trie.inMemory().node(new byte[0])).isNull();
  }

  @Test
  void aDamagedNodeIsNoticed() {
    Memory memory = new Memory();
    Trie trie = new Trie(memory);
    for (int i = 0; i < 200; i++) {
      trie.put(Hash.keccak(new byte[] {(byte) i}).toArray(), new byte[40]);
    }
    trie.commit(memory); // without the values, as if the leaves' keys were lost as well
    String victim = memory.nodes.keySet().stream().filter(p -> p.length() == 1).findFirst().get();
    memory.nodes.remove(victim);
    byte[] key = new byte[32];
    key[0] = (byte) (victim.charAt(0) << 4);
    assertThatThrownBy(() -> new Trie(memory).get(key)).isInstanceOf(MissingNodeException.class);
  }

  /** A leaf is made from the store's value, so a wrong value is noticed as well. */
  @Test
  void aDamagedValueIsNoticed() {
    Memory memory = new Memory();
    Map<Hash, byte[]> content = new TreeMap<>();
    for (int i = 0; i < 200; i++) {
      content.put(Hash.keccak(new byte[] {(byte) i}), new byte[40]);
    }
    Trie trie = new Trie(memory);
    content.forEach((key, value) -> trie.put(key.toArray(), value));
    memory.commit(trie, content);
    byte[] key = memory.values.firstKey();
    memory.values.put(key, new byte[41]);
    assertThatThrownBy(() -> new Trie(memory).get(key)).isInstanceOf(MissingNodeException.class);
  }
}
