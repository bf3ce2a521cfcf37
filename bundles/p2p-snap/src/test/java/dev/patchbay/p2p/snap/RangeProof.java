// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Checks that a trie has certain entries in a range and no others, from the proofs of both ends
 * alone: a model, written for the tests. It goes down from the root. What lies within the range is
 * built from the entries and compared with what its parent holds for it; what lies outside is
 * believed; a node that is cut by an end of the range must be among the nodes of the proof.
 */
final class RangeProof {
  private static final byte[] NOTHING = {(byte) 0x80};
  private static final int NIBBLES = 64;

  private final Map<Bytes, byte[]> nodes = new HashMap<>();
  private final TreeMap<byte[], byte[]> entries = new TreeMap<>(Arrays::compareUnsigned);
  private final byte[] first;
  private final byte[] last;

  private RangeProof(Hash first, Hash last, SortedMap<Hash, byte[]> entries, List<Bytes> proof) {
    this.first = nibbles(first.toArray());
    this.last = nibbles(last.toArray());
    entries.forEach((key, value) -> this.entries.put(nibbles(key.toArray()), value));
    proof.forEach(node -> nodes.put(Bytes.wrap(node.keccak().toArray()), node.toArray()));
  }

  /**
   * Fails unless the trie with a root has these entries from {@code origin} to the last of them and
   * no others, or no entries from {@code origin} on when there are none.
   *
   * @param proof RLP of nodes; empty when these are all entries of the trie
   */
  static void check(Hash root, Hash origin, SortedMap<Hash, byte[]> entries, List<Bytes> proof) {
    byte[] max = new byte[Hash.SIZE];
    Arrays.fill(max, (byte) 0xff);
    boolean isOpen = proof.isEmpty() || entries.isEmpty();
    Hash last = isOpen ? Hash.wrap(max) : entries.lastKey();
    RangeProof range = new RangeProof(proof.isEmpty() ? Hash.ZERO : origin, last, entries, proof);
    if (proof.isEmpty()) {
      assertThat(Hash.keccak(build(range.entries, 0))).isEqualTo(root);
    } else {
      assertThat(entries.keySet()).allMatch(key -> key.compareTo(origin) >= 0);
      range.checkHash(root.toArray(), new byte[0]);
    }
  }

  private void checkHash(byte[] hash, byte[] path) {
    byte[] node = nodes.get(Bytes.wrap(hash));
    assertThat(node).as("the proof has the node at " + Arrays.toString(path)).isNotNull();
    checkNode(node, path);
  }

  /** Checks what a parent holds for the child at a path. */
  private void checkReference(byte[] reference, byte[] path) {
    SortedMap<byte[], byte[]> below = below(path);
    byte[] lowest = fill(path, 0);
    byte[] highest = fill(path, 15);
    if (Arrays.compare(highest, first) < 0 || Arrays.compare(lowest, last) > 0) {
      assertThat(below).isEmpty();
    } else if (Arrays.compare(lowest, first) >= 0 && Arrays.compare(highest, last) <= 0) {
      byte[] expected = below.isEmpty() ? NOTHING : reference(build(below, path.length));
      assertThat(reference).as("below " + Arrays.toString(path)).isEqualTo(expected);
    } else if (Arrays.equals(reference, NOTHING)) {
      assertThat(below).isEmpty();
    } else if (RlpReader.of(reference).nextIsList()) {
      checkNode(reference, path);
    } else {
      checkHash(RlpReader.of(reference).byteArray(), path);
    }
  }

  private void checkNode(byte[] node, byte[] path) {
    List<byte[]> items = items(node);
    if (items.size() == 17) {
      for (int i = 0; i < 16; i++) {
        checkReference(items.get(i), append(path, new byte[] {(byte) i}));
      }
      return;
    }
    byte[] packed = RlpReader.of(items.get(0)).byteArray();
    byte[] all = nibbles(packed);
    byte[] key = Arrays.copyOfRange(all, (all[0] & 1) == 1 ? 1 : 2, all.length);
    byte[] end = append(path, key);
    SortedMap<byte[], byte[]> below = below(path);
    if (all[0] < 2) { // an extension
      assertThat(below).hasSameSizeAs(below(end));
      checkReference(items.get(1), end);
      return;
    }
    assertThat(end).hasSize(NIBBLES);
    if (Arrays.compare(end, first) >= 0 && Arrays.compare(end, last) <= 0) {
      assertThat(below.keySet()).containsExactly(end);
      assertThat(RlpReader.of(items.get(1)).byteArray()).isEqualTo(below.get(end));
    } else {
      assertThat(below).isEmpty();
    }
  }

  private SortedMap<byte[], byte[]> below(byte[] path) {
    return entries.subMap(fill(path, 0), true, fill(path, 15), true);
  }

  // ---- building

  /** Returns the RLP of the node that holds entries whose paths agree up to a depth. */
  private static byte[] build(SortedMap<byte[], byte[]> entries, int depth) {
    byte[] one = entries.firstKey();
    if (entries.size() == 1) {
      byte[] value = entries.get(one);
      return list(string(compact(Arrays.copyOfRange(one, depth, one.length), true)), string(value));
    }
    int common = Arrays.mismatch(one, entries.lastKey());
    if (common > depth) {
      byte[] key = compact(Arrays.copyOfRange(one, depth, common), false);
      return list(string(key), reference(build(entries, common)));
    }
    byte[][] items = new byte[17][];
    Arrays.fill(items, NOTHING);
    for (int i = 0; i < 16; i++) {
      byte[] path = append(Arrays.copyOf(one, depth), new byte[] {(byte) i});
      TreeMap<byte[], byte[]> child = new TreeMap<>(Arrays::compareUnsigned);
      entries.forEach(
          (key, value) -> {
            if (key[depth] == path[depth]) {
              child.put(key, value);
            }
          });
      if (!child.isEmpty()) {
        items[i] = reference(build(child, depth + 1));
      }
    }
    return list(items);
  }

  private static byte[] reference(byte[] node) {
    return node.length < 32 ? node : string(Hash.keccak(node).toArray());
  }

  private static byte[] string(byte[] value) {
    return new RlpWriter().bytes(value).toArray();
  }

  private static byte[] list(byte[]... items) {
    return new RlpWriter().list(w -> List.of(items).forEach(w::raw)).toArray();
  }

  private static List<byte[]> items(byte[] node) {
    List<byte[]> out = new ArrayList<>();
    for (RlpReader items = RlpReader.of(node).list(); items.hasNext(); ) {
      out.add(items.raw());
    }
    return out;
  }

  // ---- nibbles

  static byte[] nibbles(byte[] bytes) {
    byte[] out = new byte[2 * bytes.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (byte) (((i & 1) == 0 ? bytes[i / 2] >> 4 : bytes[i / 2]) & 15);
    }
    return out;
  }

  static byte[] compact(byte[] nibbles, boolean isLeaf) {
    boolean isOdd = (nibbles.length & 1) == 1;
    int flag = (isLeaf ? 2 : 0) + (isOdd ? 1 : 0);
    byte[] all = append(isOdd ? new byte[] {(byte) flag} : new byte[] {(byte) flag, 0}, nibbles);
    byte[] out = new byte[all.length / 2];
    for (int i = 0; i < out.length; i++) {
      out[i] = (byte) (all[2 * i] << 4 | all[2 * i + 1]);
    }
    return out;
  }

  private static byte[] fill(byte[] path, int nibble) {
    byte[] out = Arrays.copyOf(path, NIBBLES);
    Arrays.fill(out, path.length, NIBBLES, (byte) nibble);
    return out;
  }

  private static byte[] append(byte[] path, byte[] more) {
    byte[] out = Arrays.copyOf(path, path.length + more.length);
    System.arraycopy(more, 0, out, path.length, more.length);
    return out;
  }
}
