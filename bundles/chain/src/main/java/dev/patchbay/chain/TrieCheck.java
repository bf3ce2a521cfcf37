// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Hash;
import dev.patchbay.trie.StackTrie;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Computes a trie from its values in ascending order, and compares its nodes with the stored ones.
 * It holds the nodes of one part of the trie at a time: those whose paths begin with the same
 * nibbles.
 *
 * <p>Threading: one thread.
 */
final class TrieCheck {
  /** Nibbles that the paths of a part begin with. */
  private static final int PART = 3;

  private static final int MAX_DIFFERENCES = 10;

  /** A trie with fewer nodes than this is one part. */
  private final int minNodes;

  private final @Nullable Cursor stored;
  private final Column column;
  private final byte[] prefix;
  private final StackTrie trie = new StackTrie(this::computed);

  /** Computed nodes of the part, and those above all parts. */
  private final TreeMap<byte[], Hash> part = new TreeMap<>(Arrays::compareUnsigned);

  private final TreeMap<byte[], Hash> top = new TreeMap<>(Arrays::compareUnsigned);

  /** Stored nodes above all parts. */
  private final TreeMap<byte[], Hash> storedTop = new TreeMap<>(Arrays::compareUnsigned);

  private final List<Difference> differences = new ArrayList<>();
  private byte @Nullable [] latestPart;
  private long nodes;

  /**
   * A stored node that is not the computed one.
   *
   * @param path nibbles from the root to the node, one a byte
   */
  record Difference(byte[] path, String what) {}

  /**
   * What was found.
   *
   * @param root root hash of the values
   * @param storedRoot hash of the stored root node, that of the empty trie without one
   * @param nodes number of nodes that the trie has
   * @param differences the first nodes that are stored otherwise
   */
  record Result(Hash root, Hash storedRoot, long nodes, List<Difference> differences) {}

  /**
   * Creates a check of a trie.
   *
   * @param stored the entries of {@code column}, at the first whose key begins with the prefix;
   *     null to compute the root alone
   * @param prefix begins the keys of the nodes
   * @param minNodes a part has at least this many nodes
   */
  TrieCheck(@Nullable Cursor stored, Column column, byte[] prefix, int minNodes) {
    this.stored = stored;
    this.column = column;
    this.prefix = prefix;
    this.minNodes = minNodes;
  }

  Column column() {
    return column;
  }

  /** Returns whether the nodes are computed alone. */
  boolean isWithoutNodes() {
    return stored == null;
  }

  byte[] prefix() {
    return prefix;
  }

  /**
   * Adds a value.
   *
   * @throws IllegalArgumentException when it cannot be in a trie; nothing was changed
   */
  void add(byte[] key, byte[] value) {
    trie.add(key, value);
    byte[] next = {nibble(key[0] >> 4), nibble(key[0]), nibble(key[1] >> 4)};
    byte[] before = latestPart;
    if (part.size() >= minNodes && before != null && !Arrays.equals(before, next)) {
      compare(next);
    }
    latestPart = next;
  }

  private static byte nibble(int bits) {
    return (byte) (bits & 0xf);
  }

  Result end() {
    Hash root = trie.root();
    compare(null);
    Hash storedRoot = storedTop.getOrDefault(new byte[0], Account.EMPTY_ROOT);
    storedTop.forEach((path, hash) -> compare(path, hash, top.remove(path)));
    top.forEach((path, hash) -> missing(path));
    return new Result(root, storedRoot, nodes, List.copyOf(differences));
  }

  private void computed(byte[] path, Hash hash) {
    nodes++;
    if (stored != null) {
      (path.length < PART ? top : part).put(path, hash);
    }
  }

  /** Compares the computed nodes with the stored ones up to a path, or to the end. */
  private void compare(byte @Nullable [] end) {
    Cursor cursor = stored;
    if (cursor == null) {
      return;
    }
    byte[] bound = end == null ? null : Keys.pair(prefix, end);
    for (Cursor.Entry entry = cursor.peek();
        entry != null && entry.startsWith(prefix) && (bound == null || entry.isBelow(bound));
        entry = cursor.peek()) {
      cursor.next();
      byte[] path = Arrays.copyOfRange(entry.key(), prefix.length, entry.key().length);
      Hash hash = Hash.keccak(entry.value());
      if (path.length < PART) {
        storedTop.put(path, hash);
      } else {
        compare(path, hash, part.remove(path));
      }
    }
    part.forEach((path, hash) -> missing(path));
    part.clear();
  }

  private void compare(byte[] path, Hash found, @Nullable Hash expected) {
    if (expected == null) {
      differ(path, "the trie has no node at this path");
    } else if (!expected.equals(found)) {
      differ(path, "the node has the hash " + found + ", not " + expected);
    }
  }

  private void missing(byte[] path) {
    differ(path, "the node is missing");
  }

  /** Keeps the first differences, and the one with the longest path, which is nearest its cause. */
  private void differ(byte[] path, String what) {
    Difference difference = new Difference(path, what);
    if (differences.size() < MAX_DIFFERENCES) {
      differences.add(difference);
    } else if (path.length > differences.get(MAX_DIFFERENCES - 1).path.length) {
      differences.set(MAX_DIFFERENCES - 1, difference);
    }
  }
}
