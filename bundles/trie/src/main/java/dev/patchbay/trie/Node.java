// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.trie;

import dev.patchbay.crypto.Keccak;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A node of a trie in memory. Mutable: {@link Trie} alone touches it. */
abstract sealed class Node {
  /** Whether the store has an entry for this node, with this content, at the node's path. */
  boolean stored;

  /** The RLP, kept until the node changes. */
  private byte @Nullable [] rlp;

  private byte @Nullable [] reference;

  /** Forgets what was computed from the content. */
  final void changed() {
    rlp = null;
    reference = null;
  }

  final byte[] rlp() {
    byte[] known = rlp;
    if (known == null) {
      RlpWriter writer = new RlpWriter();
      encode(writer);
      known = writer.toArray();
      rlp = known;
    }
    return known;
  }

  /** Returns whether the node stands inside of its parent. */
  boolean inline() {
    return rlp().length < 32;
  }

  /**
   * Appends what the parent holds: the hash as a byte string, or the node itself when it is short.
   */
  void writeReference(RlpWriter writer) {
    if (inline()) {
      writer.raw(rlp());
    } else {
      writer.bytes(hash());
    }
  }

  final byte[] hash() {
    byte[] known = reference;
    if (known == null) {
      known = this instanceof Reference r ? r.hash : Keccak.hash256(rlp());
      reference = known;
    }
    return known;
  }

  abstract void encode(RlpWriter writer);

  /** A node that was not read yet. */
  static final class Reference extends Node {
    final byte[] hash;

    Reference(byte[] hash) {
      this.hash = hash;
      this.stored = true;
    }

    @Override
    boolean inline() {
      return false;
    }

    @Override
    void encode(RlpWriter writer) {
      throw new IllegalStateException("a reference has no content");
    }
  }

  static final class Leaf extends Node {
    byte[] key;
    byte[] value;

    Leaf(byte[] key, byte[] value) {
      this.key = key;
      this.value = value;
    }

    @Override
    void encode(RlpWriter writer) {
      writer.list(w -> w.bytes(compact(key, true)).bytes(value));
    }
  }

  static final class Extension extends Node {
    byte[] key;
    Node child;

    Extension(byte[] key, Node child) {
      this.key = key;
      this.child = child;
    }

    @Override
    void encode(RlpWriter writer) {
      writer.list(
          w -> {
            w.bytes(compact(key, false));
            child.writeReference(w);
          });
    }
  }

  static final class Branch extends Node {
    final @Nullable Node[] children = new Node[16];
    byte @Nullable [] value;

    @Override
    void encode(RlpWriter writer) {
      writer.list(
          w -> {
            for (Node child : children) {
              if (child == null) {
                w.number(0);
              } else {
                child.writeReference(w);
              }
            }
            w.bytes(value == null ? new byte[0] : value);
          });
    }
  }

  /** Decodes a stored node; short children are decoded along with it. */
  static Node decode(byte[] rlp, boolean stored) {
    Node node = read(RlpReader.of(rlp).list());
    node.stored = stored;
    node.rlp = rlp;
    return node;
  }

  private static Node read(RlpReader items) {
    RlpReader ahead = items;
    byte[][] raw = new byte[17][];
    int count = 0;
    while (ahead.hasNext() && count < 17) {
      raw[count++] = ahead.raw();
    }
    ahead.expectEnd();
    if (count == 2) {
      byte[] packed = RlpReader.of(raw[0]).byteArray();
      byte[] key = nibblesOfCompact(packed);
      if ((packed[0] & 0x20) != 0) {
        return new Leaf(key, RlpReader.of(raw[1]).byteArray());
      }
      Node child = child(raw[1]);
      if (child == null) {
        throw new MissingNodeException("extension without a child");
      }
      return new Extension(key, child);
    }
    if (count != 17) {
      throw new MissingNodeException("a node has 2 or 17 items, not " + count);
    }
    Branch branch = new Branch();
    for (int i = 0; i < 16; i++) {
      branch.children[i] = child(raw[i]);
    }
    byte[] value = RlpReader.of(raw[16]).byteArray();
    branch.value = value.length == 0 ? null : value;
    return branch;
  }

  private static @Nullable Node child(byte[] raw) {
    RlpReader reader = RlpReader.of(raw);
    if (reader.nextIsList()) {
      return decode(raw, false);
    }
    byte[] hash = reader.byteArray();
    return hash.length == 0 ? null : new Reference(hash);
  }

  /** Packs nibbles with the flag of the kind of node (Yellow Paper, appendix C). */
  private static byte[] compact(byte[] nibbles, boolean leaf) {
    int odd = nibbles.length & 1;
    byte[] out = new byte[nibbles.length / 2 + 1];
    out[0] = (byte) ((leaf ? 0x20 : 0) | (odd << 4) | (odd == 1 ? nibbles[0] : 0));
    for (int i = odd, o = 1; i < nibbles.length; i += 2) {
      out[o++] = (byte) (nibbles[i] << 4 | nibbles[i + 1]);
    }
    return out;
  }

  private static byte[] nibblesOfCompact(byte[] packed) {
    byte[] all = Trie.nibbles(packed);
    return Arrays.copyOfRange(all, (packed[0] & 0x10) != 0 ? 1 : 2, all.length);
  }
}
