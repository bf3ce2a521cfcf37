// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.BlockStage.Staged;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How blocks ahead of the chain lie in the store: in segments, each a run of blocks of one branch,
 * under their numbers. The first segment ends with the head that was named last and grows
 * downwards. The others, below it, are what is left of heads that were named before: when the first
 * one reaches the end of the next, the two are merged; when it reaches another block of that
 * number, the next one is cut. What is cut is only marked as obsolete, and deleted in portions: a
 * segment may have a million blocks.
 *
 * <p>Threading: writes under the import lock; reads any thread. Nothing is kept in memory.
 */
final class StagedBlocks {
  /** Segments that are kept; the lowest go first. */
  static final int MAX_SEGMENTS = 8;

  static final int MAX_DELETED_AT_ONCE = 1_024;

  private final Chain chain;

  /** How many blocks one batch deletes. */
  int maxDeletedAtOnce = MAX_DELETED_AT_ONCE;

  StagedBlocks(Chain chain) {
    this.chain = chain;
  }

  /**
   * A run of blocks.
   *
   * @param high number of its highest block
   * @param highHash hash of its highest block
   * @param low number of its lowest block
   * @param parent hash of the parent of its lowest block
   */
  record Segment(long high, Hash highHash, long low, Hash parent) {}

  // ---- reading

  /** Returns the segments, the highest first. */
  static List<Segment> segments(KeyReader store) {
    return read(store, Keys.STAGED);
  }

  /** Returns runs of blocks that are obsolete and not deleted yet. */
  static List<Segment> obsolete(KeyReader store) {
    return read(store, Keys.STAGED_OBSOLETE);
  }

  private static List<Segment> read(KeyReader store, byte[] key) {
    byte[] stored = store.get(Columns.META, key);
    return stored == null ? List.of() : decode(stored);
  }

  /**
   * Reads what {@link #encode} has written.
   *
   * @throws dev.patchbay.primitives.rlp.RlpException when it is something else
   */
  static List<Segment> decode(byte[] stored) {
    List<Segment> out = new ArrayList<>();
    for (RlpReader items = RlpReader.of(stored).list(); items.hasNext(); ) {
      RlpReader item = items.list();
      out.add(new Segment(item.number(), item.hash(), item.number(), item.hash()));
    }
    return List.copyOf(out);
  }

  static byte[] encode(List<Segment> segments) {
    RlpWriter writer = new RlpWriter();
    return writer
        .list(
            list ->
                segments.forEach(
                    s ->
                        list.list(
                            item ->
                                item.number(s.high).hash(s.highHash).number(s.low).hash(s.parent))))
        .toArray();
  }

  /** Returns the segment that ends with a head; null when there is none. */
  static @Nullable Segment of(KeyReader store, Hash head) {
    List<Segment> segments = segments(store);
    return segments.isEmpty() || !segments.get(0).highHash.equals(head) ? null : segments.get(0);
  }

  /** Returns the segment whose highest block is one; null when there is none. */
  static @Nullable Segment find(KeyReader store, Hash highest) {
    return segments(store).stream()
        .filter(segment -> segment.highHash.equals(highest))
        .findFirst()
        .orElse(null);
  }

  /** Returns whether the chain has the parent of the lowest block of a segment. */
  static boolean isLinked(KeyReader store, Segment segment) {
    return ChainStore.header(store, segment.parent) != null;
  }

  /** Returns blocks of a segment, upwards. */
  static List<Staged> blocks(KeyReader store, Segment segment, long from, int max) {
    List<Staged> out = new ArrayList<>();
    store.scan(
        Columns.STAGED_HEADERS,
        Keys.number(Math.max(from, segment.low)),
        (key, value) -> {
          if (out.size() >= max || Keys.number(key) > segment.high) {
            return false;
          }
          BlockHeader header = BlockHeader.read(RlpReader.of(value));
          byte[] body = store.get(Columns.STAGED_BODIES, key);
          out.add(new Staged(header, body == null ? null : block(header, body)));
          return true;
        });
    return out;
  }

  /**
   * Returns whether a segment has a block, looking at its highest blocks.
   *
   * @param max at how many
   * @return null when the block may be below those
   */
  static @Nullable Boolean contains(KeyReader store, Segment segment, Hash hash, int max) {
    Hash next = segment.highHash;
    for (long number = segment.high; number >= segment.low; number--) {
      if (next.equals(hash)) {
        return true;
      }
      byte[] rlp = store.get(Columns.STAGED_HEADERS, Keys.number(number));
      if (rlp == null || segment.high - number >= max) {
        return null;
      }
      next = BlockHeader.read(RlpReader.of(rlp)).parentHash();
    }
    return false;
  }

  /** Returns a block; null when its body is damaged, so that it is fetched again. */
  private static @Nullable Block block(BlockHeader header, byte[] body) {
    try {
      return Block.decodeBody(header, body);
    } catch (RlpException damaged) {
      return null;
    }
  }

  /** Returns whether a block is the lowest of a segment. */
  static boolean isLowest(KeyReader store, Segment segment, Block block) {
    return block.number() == segment.low && block.hash().equals(hashAt(store, segment.low));
  }

  private static @Nullable Hash hashAt(KeyReader store, long number) {
    byte[] rlp = store.get(Columns.STAGED_HEADERS, Keys.number(number));
    return rlp == null ? null : Hash.keccak(rlp);
  }

  // ---- writing

  /** What one batch changes. */
  private static final class Change {
    final KeyReader store;
    final List<Segment> segments;
    final List<Segment> obsolete;
    final WriteSet writes = new WriteSet();

    Change(KeyReader store) {
      this.store = store;
      segments = new ArrayList<>(StagedBlocks.segments(store));
      obsolete = new ArrayList<>(StagedBlocks.obsolete(store));
    }

    /** Marks what a segment has at a number and above as obsolete. */
    void cut(int index, long number) {
      Segment segment = segments.remove(index);
      Hash below = number > segment.low ? hashAt(store, number - 1) : null;
      if (below == null) { // all of it
        obsolete.add(segment);
      } else {
        segments.add(index, new Segment(number - 1, below, segment.low, segment.parent));
        obsolete.add(new Segment(segment.high, segment.highHash, number, below));
      }
    }

    /** Puts headers, downwards without gaps, and those bodies that are known. */
    void put(List<BlockHeader> headers, Function<Hash, @Nullable Block> bodies) {
      replace(headers.get(headers.size() - 1).number(), headers.get(0).number());
      for (BlockHeader header : headers) {
        byte[] key = Keys.number(header.number());
        writes.put(Columns.STAGED_HEADERS, key, header.encode());
        Block block = bodies.apply(header.computeHash());
        if (block != null) {
          writes.put(Columns.STAGED_BODIES, key, block.encodeBody());
        }
      }
    }

    /** Takes numbers out of what is obsolete, as other blocks take their place. */
    private void replace(long low, long high) {
      for (Segment old : List.copyOf(obsolete)) {
        if (old.low > high || old.high < low) {
          continue;
        }
        obsolete.remove(old);
        if (old.high > high) {
          obsolete.add(new Segment(old.high, old.highHash, high + 1, orZero(hashAt(store, high))));
        }
        if (old.low < low) {
          obsolete.add(new Segment(low - 1, orZero(hashAt(store, low - 1)), old.low, old.parent));
        }
        for (long at = Math.max(low, old.low); at <= Math.min(high, old.high); at++) {
          writes.delete(Columns.STAGED_BODIES, Keys.number(at));
        }
      }
    }

    /** Deletes obsolete blocks, the highest of a run first. */
    void delete(int max) {
      int left = max;
      while (left > 0 && !obsolete.isEmpty()) {
        Segment run = obsolete.remove(obsolete.size() - 1);
        long from = Math.max(run.low, run.high - left + 1);
        for (long at = from; at <= run.high; at++) {
          StagedBlocks.delete(writes, at);
        }
        left -= (int) (run.high - from + 1);
        if (from > run.low) {
          Hash below = orZero(hashAt(store, from - 1));
          obsolete.add(new Segment(from - 1, below, run.low, run.parent));
        }
      }
    }

    private static Hash orZero(@Nullable Hash hash) {
      return hash == null ? Hash.ZERO : hash; // damage, which a verification finds
    }
  }

  /** Writes a change, and deletes some of what is obsolete then. */
  private void write(Change change) {
    putSegments(change.writes, Keys.STAGED, change.segments);
    putSegments(change.writes, Keys.STAGED_OBSOLETE, change.obsolete);
    chain.storage().write(change.writes.toBatch());
    deleteObsolete(change.store);
  }

  /** Deletes some of the blocks that are obsolete; returns whether there are more. */
  boolean deleteObsolete(KeyReader store) {
    Change change = new Change(store);
    if (change.obsolete.isEmpty()) {
      return false;
    }
    change.delete(maxDeletedAtOnce);
    putSegments(change.writes, Keys.STAGED_OBSOLETE, change.obsolete);
    chain.storage().write(change.writes.toBatch());
    return !change.obsolete.isEmpty();
  }

  /**
   * Puts a new head on top. What is staged at and above the number of its lowest block is obsolete.
   *
   * @param run the head and ancestors of it, downwards
   * @param bodies the bodies of those blocks that are known
   */
  void place(KeyReader store, List<BlockHeader> run, Function<Hash, @Nullable Block> bodies) {
    BlockHeader head = run.get(0);
    BlockHeader lowest = run.get(run.size() - 1);
    Change change = new Change(store);
    while (!change.segments.isEmpty() && change.segments.get(0).high >= lowest.number()) {
      change.cut(0, lowest.number());
    }
    change.put(run, bodies);
    addFirst(
        change.segments,
        new Segment(head.number(), head.computeHash(), lowest.number(), lowest.parentHash()));
    while (change.segments.size() > MAX_SEGMENTS) {
      change.cut(change.segments.size() - 1, 0);
    }
    write(change);
  }

  /** Puts a segment before others, and merges it with the next one when they are adjacent. */
  private static void addFirst(List<Segment> others, Segment first) {
    Segment next = others.isEmpty() ? null : others.get(0);
    if (next != null && isParent(next, first.low, first.parent)) {
      others.set(0, new Segment(first.high, first.highHash, next.low, next.parent));
    } else {
      others.add(0, first);
    }
  }

  /** Returns whether a segment ends with the parent of a block: a number may be false. */
  private static boolean isParent(Segment segment, long number, Hash parent) {
    return segment.highHash.equals(parent) && segment.high == number - 1;
  }

  /**
   * Adds headers to the lower end of the first segment, until they reach the chain or the next
   * segment.
   *
   * @param headers downwards; the first is the parent of the lowest block
   */
  void extend(KeyReader store, List<BlockHeader> headers) {
    Change change = new Change(store);
    List<Segment> all = List.copyOf(change.segments);
    int count = 0;
    long low;
    Hash parent;
    do {
      low = headers.get(count).number();
      parent = headers.get(count).parentHash();
      count++;
    } while (count < headers.size()
        && ChainStore.header(store, parent) == null
        && !isTopBelow(store, all, low, parent));
    Segment first = change.segments.remove(0);
    while (!change.segments.isEmpty() && change.segments.get(0).high >= low) {
      change.cut(0, low); // the headers of this branch take their place
    }
    change.put(headers.subList(0, count), hash -> null);
    addFirst(change.segments, new Segment(first.high, first.highHash, low, parent));
    write(change);
  }

  /** Returns whether a lower segment ends with a block once what is above it is cut. */
  private static boolean isTopBelow(KeyReader store, List<Segment> all, long number, Hash parent) {
    for (Segment segment : all.subList(1, all.size())) {
      if (segment.low < number && number - 1 <= segment.high) {
        return parent.equals(hashAt(store, number - 1));
      }
    }
    return false;
  }

  /** Makes the segments below one obsolete. */
  void removeBelow(KeyReader store, Segment segment) {
    Change change = new Change(store);
    int before = change.segments.size();
    while (change.segments.get(change.segments.size() - 1).high < segment.low) {
      change.cut(change.segments.size() - 1, 0);
    }
    if (change.segments.size() < before) {
      write(change);
    }
  }

  /** Makes a segment obsolete. */
  void remove(KeyReader store, Segment segment) {
    Change change = new Change(store);
    change.cut(change.segments.indexOf(segment), 0);
    write(change);
  }

  /** Makes all segments obsolete. */
  void clear(KeyReader store) {
    Change change = new Change(store);
    while (!change.segments.isEmpty()) {
      change.cut(0, 0);
    }
    if (!change.obsolete.isEmpty()) {
      write(change);
    }
  }

  /** Adds the body of a block whose header is staged. */
  static void putBody(KeyReader store, WriteSet writes, Segment segment, Block block) {
    if (block.number() >= segment.low
        && block.number() <= segment.high
        && block.hash().equals(hashAt(store, block.number()))) {
      writes.put(Columns.STAGED_BODIES, Keys.number(block.number()), block.encodeBody());
    }
  }

  /** Returns the writes that delete the lowest block of a segment. */
  static WriteSet removal(KeyReader store, Segment segment, Block lowest) {
    List<Segment> next = new ArrayList<>(segments(store));
    int index = next.indexOf(segment);
    if (segment.low == segment.high) {
      next.remove(index);
    } else {
      next.set(index, new Segment(segment.high, segment.highHash, segment.low + 1, lowest.hash()));
    }
    WriteSet writes = new WriteSet();
    delete(writes, segment.low);
    putSegments(writes, Keys.STAGED, next);
    return writes;
  }

  private static void delete(WriteSet writes, long number) {
    writes.delete(Columns.STAGED_HEADERS, Keys.number(number));
    writes.delete(Columns.STAGED_BODIES, Keys.number(number));
  }

  private static void putSegments(WriteSet writes, byte[] key, List<Segment> segments) {
    if (segments.isEmpty()) {
      writes.delete(Columns.META, key);
    } else {
      writes.put(Columns.META, key, encode(segments));
    }
  }
}
