// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.trie;

import dev.patchbay.crypto.Keccak;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A node of a trie in memory. Mutable: {@link Trie} alone touches it. */
abstract sealed class Node {
  /** Whether the store has this node with this content, be it in a parent's or a key's entry. */
  boolean stored;

  /** Whether the store has an entry of its own, maybe outdated, for what stands at this place. */
  boolean entry;

  private static final byte EMPTY = (byte) 0x80;
  private static final int HASH_BYTES = 32;

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
      int content = contentSize();
      RlpWriter writer = new RlpWriter(RlpWriter.sizeWithHeader(content)).beginList(content);
      writeContent(writer);
      known = writer.toArray();
      rlp = known;
    }
    return known;
  }

  /** Returns whether the node stands inside of its parent. */
  boolean inline() {
    return rlp().length < 32;
  }

  /** Returns how many bytes the parent holds for this node. */
  int referenceSize() {
    return inline() ? rlp().length : 1 + HASH_BYTES;
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

  /** Returns how many bytes the items of the node take in its RLP list. */
  abstract int contentSize();

  /** Appends the items of the node. */
  abstract void writeContent(RlpWriter writer);

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
    int contentSize() {
      throw new IllegalStateException("a reference has no content");
    }

    @Override
    void writeContent(RlpWriter writer) {
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
    int contentSize() {
      return compactSize(key) + RlpWriter.sizeOf(value);
    }

    @Override
    void writeContent(RlpWriter writer) {
      writer.bytes(compact(key, true)).bytes(value);
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
    int contentSize() {
      return compactSize(key) + child.referenceSize();
    }

    @Override
    void writeContent(RlpWriter writer) {
      writer.bytes(compact(key, false));
      child.writeReference(writer);
    }
  }

  /** Children of a decoded branch become nodes when they are asked for. */
  static final class Branch extends Node {
    byte @Nullable [] value;

    private final @Nullable Node[] children = new Node[16];

    /** The RLP that the branch was decoded from, and where its items begin and end in it. */
    private final byte[] source;

    private final int[] offsets;

    /** A bit for each child that is in the source alone. */
    private int unread;

    Branch() {
      source = new byte[0];
      offsets = new int[0];
    }

    private Branch(byte[] rlp, int[] offsets) {
      source = rlp;
      this.offsets = offsets;
      for (int i = 0; i < 16; i++) {
        if (rlp[offsets[i]] != EMPTY) {
          unread |= 1 << i;
        }
      }
      byte[] last = RlpReader.of(item(16)).byteArray();
      value = last.length == 0 ? null : last;
    }

    private byte[] item(int index) {
      return Arrays.copyOfRange(source, offsets[index], offsets[index + 1]);
    }

    boolean has(int index) {
      return children[index] != null || (unread & 1 << index) != 0;
    }

    @Nullable Node child(int index) {
      if ((unread & 1 << index) != 0) {
        set(index, Node.child(item(index)));
      }
      return children[index];
    }

    /** Returns a child if it was asked for before. */
    @Nullable Node known(int index) {
      return children[index];
    }

    void set(int index, @Nullable Node child) {
      unread &= ~(1 << index);
      children[index] = child;
    }

    @Override
    int contentSize() {
      int size = value == null ? 1 : RlpWriter.sizeOf(value);
      for (int i = 0; i < 16; i++) {
        Node child = children[i];
        if (child != null) {
          size += child.referenceSize();
        } else {
          size += (unread & 1 << i) == 0 ? 1 : offsets[i + 1] - offsets[i];
        }
      }
      return size;
    }

    @Override
    void writeContent(RlpWriter writer) {
      for (int i = 0; i < 16; i++) {
        Node child = children[i];
        if (child != null) {
          child.writeReference(writer);
        } else if ((unread & 1 << i) != 0) {
          writer.raw(source, offsets[i], offsets[i + 1]);
        } else {
          writer.number(0);
        }
      }
      if (value == null) {
        writer.number(0);
      } else {
        writer.bytes(value);
      }
    }
  }

  /** Decodes a node that has an entry of its own; short children are decoded along with it. */
  static Node decode(byte[] rlp) {
    Node node = read(rlp);
    node.stored = true;
    node.entry = true;
    return node;
  }

  private static Node read(byte[] rlp) {
    RlpReader items = RlpReader.of(rlp).list();
    int[] offsets = new int[18];
    int count = 0;
    offsets[0] = items.offset();
    while (items.hasNext() && count < 17) {
      items.skip();
      offsets[++count] = items.offset();
    }
    items.expectEnd();
    Node node;
    if (count == 17) {
      node = new Branch(rlp, offsets);
    } else if (count == 2) {
      byte[] packed = RlpReader.of(Arrays.copyOfRange(rlp, offsets[0], offsets[1])).byteArray();
      byte[] rest = Arrays.copyOfRange(rlp, offsets[1], offsets[2]);
      byte[] key = nibblesOfCompact(packed);
      if ((packed[0] & 0x20) != 0) {
        node = new Leaf(key, RlpReader.of(rest).byteArray());
      } else if (rest[0] == EMPTY) {
        throw new MissingNodeException("extension without a child");
      } else {
        node = new Extension(key, child(rest));
      }
    } else {
      throw new MissingNodeException("a node has 2 or 17 items, not " + count);
    }
    node.rlp = rlp;
    return node;
  }

  /** Reads what a parent holds for a child that it has. */
  private static Node child(byte[] raw) {
    RlpReader reader = RlpReader.of(raw);
    if (!reader.nextIsList()) {
      return new Reference(reader.byteArray());
    }
    Node node = read(raw);
    node.stored = true;
    return node;
  }

  /** Returns how many bytes of RLP packed nibbles take; the first byte is below 0x40. */
  private static int compactSize(byte[] nibbles) {
    int length = nibbles.length / 2 + 1;
    return length == 1 ? 1 : RlpWriter.sizeWithHeader(length);
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
