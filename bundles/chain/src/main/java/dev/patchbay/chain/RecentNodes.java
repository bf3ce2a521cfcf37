// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Trie nodes that the latest blocks have written, and the store has not: blocks rewrite the same
 * nodes near the root, and the store gets what is left of many blocks at once. The store names the
 * block whose tries it holds ({@link Keys#TRIES}); all else in it is that of the head. Nothing is
 * lost with this object: the tries follow from the flat values and the change sets since that block
 * ({@link FlatState#catchUp}).
 *
 * <p>Threading: one thread at a time changes it, under the import lock; any number take views.
 */
final class RecentNodes {
  /** Bounds the blocks to catch up with after a crash. */
  static final int MAX_BLOCKS = 64;

  private static final long MIN_BYTES = 4L << 20;
  private static final long MAX_BYTES = 16L << 20;
  private static final int HEAP_SHARE = 64;

  /** A table entry, a key and two array headers. */
  private static final int OVERHEAD = 120;

  private static final byte[] DELETED = new byte[0];

  private final int maxBlocks;
  private final long limit =
      Math.max(MIN_BYTES, Math.min(MAX_BYTES, Runtime.getRuntime().maxMemory() / HEAP_SHARE));

  private volatile View view = new View(Hash.ZERO, Hash.ZERO, 0, new Nodes());
  private long baseNumber;
  private int blocks;
  private long bytes;

  /** What a node became with one version; older versions are for views that are still read. */
  private record Entry(long version, byte[] value, @Nullable Entry older) {}

  private static final class Nodes {
    final Map<Bytes, Entry> account = new ConcurrentHashMap<>();
    final Map<Bytes, Entry> storage = new ConcurrentHashMap<>();

    Map<Bytes, Entry> of(Column trie) {
      return trie == Columns.ACCOUNT_TRIE ? account : storage;
    }
  }

  /**
   * The nodes as of one head.
   *
   * @param head the head whose tries these nodes and the store make together
   * @param base the block whose tries the store holds
   */
  record View(Hash head, Hash base, long version, Nodes nodes) {
    /** Returns whether what a store or snapshot holds goes together with these nodes. */
    boolean fits(KeyReader store) {
      return is(head, store.get(Columns.META, Keys.HEAD))
          && is(base, store.get(Columns.META, Keys.TRIES));
    }

    private static boolean is(Hash expected, byte @Nullable [] stored) {
      return stored != null && Arrays.equals(expected.unsafeArray(), stored);
    }

    /** Puts the nodes in front of those of a store. Tries are not scanned. */
    KeyReader over(KeyReader store) {
      return new KeyReader() {
        @Override
        public byte @Nullable [] get(Column column, byte[] key) {
          Entry entry =
              WriteSet.TRIES.contains(column) ? nodes.of(column).get(Bytes.wrap(key)) : null;
          while (entry != null && entry.version > version) {
            entry = entry.older;
          }
          if (entry == null) {
            return store.get(column, key);
          }
          return entry.value == DELETED ? null : entry.value.clone();
        }

        @Override
        public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
          if (WriteSet.TRIES.contains(column)) {
            throw new IllegalArgumentException("trie nodes are not scanned");
          }
          store.scan(column, from, visitor);
        }
      };
    }
  }

  /** Starts with no nodes, to keep those of fewer than {@code maxBlocks} blocks. */
  RecentNodes(int maxBlocks) {
    this.maxBlocks = maxBlocks;
  }

  /** Returns the nodes as of the latest head. */
  View view() {
    return view;
  }

  /** Returns the number of the block whose tries the store holds. */
  long baseNumber() {
    return baseNumber;
  }

  /** Forgets all nodes: the store holds the tries of its head. */
  void reset(Hash head, long number) {
    baseNumber = number;
    blocks = 0;
    bytes = 0;
    view = new View(head, head, view.version + 1, new Nodes());
  }

  /** Returns whether the store should get the nodes with the next block. */
  boolean isFull() {
    return bytes >= limit || blocks + 1 >= maxBlocks;
  }

  /** Adds all nodes, those of {@code next} over the others, to a batch whose head is a block. */
  void flushInto(WriteBatch batch, WriteSet next, Hash head) {
    for (Column column : WriteSet.TRIES) {
      Map<byte[], byte[]> nodes = new TreeMap<>(Arrays::compareUnsigned);
      view.nodes.of(column).forEach((key, entry) -> nodes.put(key.unsafeArray(), entry.value));
      next.forEach(column, (key, value) -> nodes.put(key, value == null ? DELETED : value));
      nodes.forEach(
          (key, value) -> {
            if (value == DELETED) {
              batch.delete(column, key);
            } else {
              batch.put(column, key, value);
            }
          });
    }
    batch.put(Columns.META, Keys.TRIES, head.toArray());
  }

  /** Takes the nodes that a block has written; the store has got everything else of it. */
  void add(WriteSet next, Hash head) {
    View old = view;
    long version = old.version + 1;
    for (Column column : WriteSet.TRIES) {
      Map<Bytes, Entry> recent = old.nodes.of(column);
      next.forEach(
          column,
          (key, value) -> {
            Bytes path = Bytes.wrap(key);
            byte[] now = value == null ? DELETED : value;
            recent.put(path, new Entry(version, now, recent.get(path)));
            bytes += OVERHEAD + key.length + now.length;
          });
    }
    blocks++;
    view = new View(head, old.base, version, old.nodes);
  }
}
