// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.trie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class StackTrieTest {
  private final Random random = new Random(11);

  @Test
  void theEmptyTrieHasTheKnownRoot() {
    StackTrie trie =
        new StackTrie(
            (path, hash) -> {
              throw new AssertionError("an empty trie has no node");
            });
    assertThat(trie.root()).isEqualTo(Account.EMPTY_ROOT);
  }

  /** Roots and nodes are those of {@link Trie}, also with nodes inside of their parents. */
  @Test
  void rootAndNodesAreThoseOfATrie() {
    for (int round = 0; round < 400; round++) {
      int length = 1 + random.nextInt(round % 2 == 0 ? 3 : 32);
      int spread = round % 3 == 0 ? 256 : 1 + random.nextInt(40);
      TreeMap<byte[], byte[]> content = new TreeMap<>(Arrays::compareUnsigned);
      int size = 1 + random.nextInt(1 + round);
      for (int i = 0; i < size; i++) {
        byte[] key = new byte[length];
        for (int b = 0; b < length; b++) {
          key[b] = (byte) (random.nextInt(4) == 0 ? random.nextInt(spread) : 0);
        }
        byte[] value = new byte[1 + random.nextInt(round % 5 == 0 ? 60 : 3)];
        random.nextBytes(value);
        content.put(key, value);
      }
      Trie trie = Trie.inMemory();
      content.forEach(trie::put);
      Map<Bytes, Hash> expected = new HashMap<>();
      trie.commit(
          new NodeSink() {
            @Override
            public void put(byte[] path, byte[] rlp) {
              expected.put(Bytes.of(path), Hash.keccak(rlp));
            }

            @Override
            public void remove(byte[] path) {}
          });
      Map<Bytes, Hash> found = new HashMap<>();
      StackTrie stack = new StackTrie((path, hash) -> found.put(Bytes.of(path), hash));
      content.forEach(stack::add);
      assertThat(stack.root()).isEqualTo(trie.rootHash());
      assertThat(found).isEqualTo(expected);
    }
  }

  @Test
  void entriesOutOfOrderAreRefused() {
    StackTrie trie = new StackTrie((path, hash) -> {});
    trie.add(new byte[] {1, 2}, new byte[] {1});
    for (byte[] key : new byte[][] {{1, 2}, {1, 1}, {0, 3}, {2}, {2, 0, 0}}) {
      assertThatThrownBy(() -> trie.add(key, new byte[] {1}))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> trie.add(new byte[] {1, 3}, new byte[0]))
        .isInstanceOf(IllegalArgumentException.class);
    trie.add(new byte[] {1, (byte) 0x80}, new byte[] {1});
    assertThat(trie.root()).isNotEqualTo(Account.EMPTY_ROOT);
  }
}
