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
 * one reaches the end of the next, the two become one; when it comes to another block of that
 * number, the next one is cut.
 *
 * <p>Threading: writes under the import lock; reads any thread. Nothing is kept in memory.
 */
final class StagedBlocks {
  /** Segments that are kept; the lowest go first. */
  static final int MAX_SEGMENTS = 8;

  private static final int MAX_DELETED_AT_ONCE = 1_024;

  private final Chain chain;

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
    byte[] stored = store.get(Columns.META, Keys.STAGED);
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

  private static byte[] encode(List<Segment> segments) {
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

  /**
   * Puts a new head on top. What is here at and above the number of its lowest block is deleted.
   *
   * @param run the head and ancestors of it, downwards
   * @param bodies the bodies of those blocks that have come with them
   */
  void place(KeyReader store, List<BlockHeader> run, Function<Hash, @Nullable Block> bodies) {
    BlockHeader lowest = run.get(run.size() - 1);
    while (!segments(store).isEmpty() && segments(store).get(0).high >= lowest.number()) {
      cut(store, 0, lowest.number());
    }
    List<Segment> next = new ArrayList<>(segments(store));
    WriteSet writes = new WriteSet();
    for (BlockHeader header : run) {
      put(writes, header, bodies.apply(header.computeHash()));
    }
    BlockHeader head = run.get(0);
    Segment first =
        new Segment(head.number(), head.computeHash(), lowest.number(), lowest.parentHash());
    addFirst(next, first);
    write(writes, next);
    while (segments(store).size() > MAX_SEGMENTS) {
      cut(store, segments(store).size() - 1, 0);
    }
  }

  /** Puts a segment before others, and makes it one with the next where they meet. */
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
    List<Segment> all = segments(store);
    Segment first = all.get(0);
    WriteSet writes = new WriteSet();
    long low = first.low;
    Hash parent = first.parent;
    for (BlockHeader header : headers) {
      put(writes, header, null);
      low = header.number();
      parent = header.parentHash();
      if (ChainStore.header(store, parent) != null || isTopBelow(store, all, low, parent)) {
        break;
      }
    }
    cutOthers(store, low); // before the headers of this branch take their place
    List<Segment> next = new ArrayList<>(segments(store).subList(1, segments(store).size()));
    addFirst(next, new Segment(first.high, first.highHash, low, parent));
    write(writes, next);
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

  /** Deletes what lower segments have at a number and above: blocks of other branches. */
  private void cutOthers(KeyReader store, long number) {
    while (segments(store).size() > 1 && segments(store).get(1).high >= number) {
      cut(store, 1, number);
    }
  }

  /** Deletes the segments below one. */
  void deleteBelow(KeyReader store, Segment segment) {
    for (List<Segment> all = segments(store);
        all.get(all.size() - 1).high < segment.low;
        all = segments(store)) {
      cut(store, all.size() - 1, 0);
    }
  }

  /** Deletes a segment. */
  void delete(KeyReader store, Segment segment) {
    for (int i = indexOf(store, segment); i >= 0; i = indexOf(store, segment)) {
      cut(store, i, 0);
    }
  }

  private static int indexOf(KeyReader store, Segment segment) {
    List<Segment> all = segments(store);
    for (int i = 0; i < all.size(); i++) {
      if (all.get(i).low == segment.low) {
        return i;
      }
    }
    return -1;
  }

  /** Deletes all. */
  void clear(KeyReader store) {
    while (!segments(store).isEmpty()) {
      cut(store, 0, 0);
    }
  }

  /** Deletes what a segment has at a number and above, the highest blocks first. */
  private void cut(KeyReader store, int index, long number) {
    Segment segment = segments(store).get(index);
    long from = Math.max(Math.max(number, segment.low), segment.high - MAX_DELETED_AT_ONCE + 1);
    WriteSet writes = new WriteSet();
    for (long at = from; at <= segment.high; at++) {
      delete(writes, at);
    }
    List<Segment> next = new ArrayList<>(segments(store));
    next.remove(index);
    Hash below = from > segment.low ? hashAt(store, from - 1) : null;
    if (below != null) { // else all of it goes
      next.add(index, new Segment(from - 1, below, segment.low, segment.parent));
    }
    write(writes, next);
  }

  /** Adds the body of a block whose header is here. */
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
      next.set(
          index, new Segment(segment.high, segment.highHash, segment.low + 1, lowest.hash()));
    }
    WriteSet writes = new WriteSet();
    delete(writes, segment.low);
    putSegments(writes, next);
    return writes;
  }

  private static void put(WriteSet writes, BlockHeader header, @Nullable Block block) {
    byte[] key = Keys.number(header.number());
    writes.put(Columns.STAGED_HEADERS, key, header.encode());
    if (block != null) {
      writes.put(Columns.STAGED_BODIES, key, block.encodeBody());
    }
  }

  private static void delete(WriteSet writes, long number) {
    writes.delete(Columns.STAGED_HEADERS, Keys.number(number));
    writes.delete(Columns.STAGED_BODIES, Keys.number(number));
  }

  private static void putSegments(WriteSet writes, List<Segment> segments) {
    if (segments.isEmpty()) {
      writes.delete(Columns.META, Keys.STAGED);
    } else {
      writes.put(Columns.META, Keys.STAGED, encode(segments));
    }
  }

  private void write(WriteSet writes, List<Segment> segments) {
    putSegments(writes, segments);
    chain.storage().write(writes.toBatch());
  }
}
