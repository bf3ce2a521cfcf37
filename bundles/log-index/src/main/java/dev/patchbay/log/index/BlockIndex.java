// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.log.index;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.LogIndex.Progress;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the blocks of a chain have logs of: the latest in memory, in chunks but for the very last,
 * older ones in sections. A thread follows the head first, and then makes the sections that are
 * missing, the newest first; it rests as long as it works, so that the node keeps half of the
 * processor for others.
 *
 * <p>Blocks that have been pruned are not indexed; sections, chunks and blocks of which nothing is
 * left are removed.
 *
 * <p>What is known is true of the chain that ends in {@link #seen}. Whoever asks looks whether that
 * block is canonical; when it is not, the thread throws away what is not true any more.
 *
 * <p>Threading: any thread.
 */
final class BlockIndex implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(BlockIndex.class);

  /** A section is made when this many blocks stand on it: so it hardly ever has to go again. */
  private static final int SETTLED = 64;

  /** Blocks after which the thread looks for a new head, and rests. */
  private static final int AT_ONCE = Chunk.BLOCKS;

  private static final long RETRY_MILLIS = 1_000;
  private static final long REPORT_NANOS = 10_000_000_000L;

  private final ChainReader chain;
  private final Path folder;
  private final Map<Long, Section> sections = new ConcurrentHashMap<>();
  private final Map<Long, Chunk> chunks = new ConcurrentHashMap<>();

  /** Blocks that are in neither. */
  private final NavigableMap<Long, Chunk.Block> latest = new ConcurrentSkipListMap<>();

  private final Loop loop =
      new Loop(
          "log-index-build-0", new Failures("the log index", LOG::warn, LOG::info), this::step);

  private boolean opened;
  private volatile @Nullable Seen seen;
  private long reported = System.nanoTime();

  /** The thread has been through all blocks up to here. */
  private long followed = -1;

  private record Seen(long number, Hash hash) {}

  BlockIndex(ChainReader chain, Path folder) {
    this.chain = chain;
    this.folder = folder;
  }

  void start() {
    loop.start();
  }

  /** Says that the head has moved. */
  void wake() {
    loop.wake();
  }

  /** Returns the latest failure as one line; null when the latest step succeeded. */
  @Nullable String failure() {
    return loop.failure();
  }

  /** Ends the thread, which is not interrupted: that would close the files of a store. */
  @Override
  public void close() {
    loop.close();
  }

  // ---- asking

  BitSet candidates(long from, long to, List<long[]> groups) {
    BitSet out = new BitSet((int) (to - from + 1));
    if (groups.isEmpty() || !isCanonical()) {
      out.set(0, (int) (to - from + 1));
      return out;
    }
    for (long number = Section.of(from); number <= Section.of(to); number++) {
      long first = Math.max(from, number * Section.BLOCKS);
      long last = Math.min(to, (number + 1) * Section.BLOCKS - 1);
      BitSet found = ofSection(number, groups);
      if (found == null) {
        BitSet inLatest = ofLatest(first, last, groups);
        // a section that is made meanwhile is there before its blocks are removed from the latest
        found = ofSection(number, groups);
        found = found == null ? inLatest : found;
      }
      long start = number * Section.BLOCKS;
      for (int i = found.nextSetBit((int) (first - start));
          i >= 0 && start + i <= last;
          i = found.nextSetBit(i + 1)) {
        out.set((int) (start + i - from));
      }
    }
    return out;
  }

  /** Returns the blocks of a part of a section that may match, as positions in the section. */
  private BitSet ofLatest(long first, long last, List<long[]> groups) {
    BitSet out = new BitSet();
    long section = Section.of(first) * Section.BLOCKS;
    for (long chunk = Chunk.of(first); chunk <= Chunk.of(last); chunk++) {
      int start = (int) (chunk * Chunk.BLOCKS - section);
      for (long rest = ofChunk(chunk, groups); rest != 0; rest &= rest - 1) {
        out.set(start + Long.numberOfTrailingZeros(rest));
      }
    }
    return out;
  }

  /** Returns a bit for each block of a chunk that may match; a block that is not indexed may. */
  private long ofChunk(long number, List<long[]> groups) {
    Chunk chunk = chunks.get(number);
    long found = 0;
    for (int i = 0; i < Chunk.BLOCKS && chunk == null; i++) {
      Chunk.Block block = latest.get(number * Chunk.BLOCKS + i);
      if (block == null) {
        chunk = chunks.get(number); // it is there before its blocks are removed from the latest
      }
      if (block == null || LogKeys.match(groups, block.keys())) {
        found |= 1L << i;
      }
    }
    return chunk == null ? found : chunk.candidates(groups);
  }

  private @Nullable BitSet ofSection(long number, List<long[]> groups) {
    Section section = sections.get(number);
    if (section == null) {
      return null;
    }
    try {
      return section.candidates(groups);
    } catch (IOException broken) {
      LOG.warn("{} cannot be read ({}): it is made again", section.file(), broken.toString());
      sections.remove(number, section);
      wake();
      return null;
    }
  }

  private boolean isCanonical() {
    Seen known = seen;
    return known != null && known.hash.equals(chain.canonicalHash(known.number));
  }

  Progress progress() {
    Seen known = seen;
    return new Progress(
        (long) sections.size() * Section.BLOCKS
            + (long) chunks.size() * Chunk.BLOCKS
            + latest.size(),
        known == null ? 0 : known.number);
  }

  // ---- indexing

  /** Does what is to be done; returns for how many milliseconds nothing will be. */
  private long step() throws IOException {
    try {
      if (!opened) {
        openSections();
        opened = true;
      }
      follow();
      Long missing = newestMissing();
      if (missing == null) {
        return Loop.UNTIL_WOKEN;
      }
      make(missing);
      return 0;
    } catch (StorageUnavailableException unavailable) {
      return RETRY_MILLIS; // a store is being exchanged, and reports its health itself
    }
  }

  private void openSections() throws IOException {
    Files.createDirectories(folder);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        Long number = Section.numberOf(file);
        if (number != null) {
          try {
            sections.put(number, Section.open(file, number));
          } catch (IOException broken) {
            LOG.warn("{}; it is made again", broken.getMessage());
            Files.deleteIfExists(file);
          }
        } else if (Section.isUnfinished(file)) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  /** Returns the first block that belongs to no settled section. */
  private static long firstLatest(long head) {
    return Math.max(0, head - SETTLED + 1) / Section.BLOCKS * Section.BLOCKS;
  }

  /** Indexes the blocks up to the head that are in no section. */
  private void follow() throws IOException {
    for (boolean more = true; more && !loop.isClosed(); ) {
      Block head = chain.head();
      if (!isCanonical()) {
        dropUntrue();
      }
      long oldest = chain.retention().oldestBlock();
      dropPruned(oldest);
      seen = new Seen(head.number(), head.hash());
      long start = System.nanoTime();
      int done = 0;
      long number = head.number();
      long first = Math.max(firstFollowed(head.number(), oldest), followed + 1);
      for (; number >= first && done < AT_ONCE; number--) {
        if (!isKnown(number)) {
          Chunk.Block next = index(number);
          if (next != null) {
            latest.put(number, next);
            gather(Chunk.of(number));
            done++;
          }
        }
      }
      more = done == AT_ONCE;
      if (!more) {
        followed = head.number();
      } else {
        rest(System.nanoTime() - start);
      }
    }
  }

  /**
   * Returns the first block to follow the head from: where no section can be made before the latest
   * blocks, the first block that is not pruned.
   */
  private static long firstFollowed(long head, long oldest) {
    long first = firstLatest(head);
    return first - Section.BLOCKS < oldest ? oldest : first;
  }

  /** Removes sections, chunks and blocks that are pruned. */
  private void dropPruned(long oldest) throws IOException {
    if (oldest == 0) {
      return;
    }
    latest.headMap(oldest).clear();
    chunks.keySet().removeIf(number -> (number + 1) * Chunk.BLOCKS <= oldest);
    for (Section section : sections.values()) {
      if ((section.number() + 1) * Section.BLOCKS <= oldest) {
        sections.remove(section.number(), section);
        Files.deleteIfExists(section.file());
      }
    }
  }

  private boolean isKnown(long number) {
    return latest.containsKey(number)
        || chunks.containsKey(Chunk.of(number))
        || sections.containsKey(Section.of(number));
  }

  /** Makes a chunk when all of its blocks are there. */
  private void gather(long number) {
    long first = number * Chunk.BLOCKS;
    Map<Long, Chunk.Block> own = latest.subMap(first, true, first + Chunk.BLOCKS - 1, true);
    Chunk chunk = own.size() == Chunk.BLOCKS ? Chunk.of(List.copyOf(own.values())) : null;
    if (chunk != null) {
      chunks.put(number, chunk);
      own.clear(); // whoever finds a block in neither looks at it
    }
  }

  private void dropUntrue() throws IOException {
    followed = -1;
    latest
        .entrySet()
        .removeIf(entry -> !entry.getValue().hash().equals(chain.canonicalHash(entry.getKey())));
    chunks
        .entrySet()
        .removeIf(
            entry -> {
              long end = (entry.getKey() + 1) * Chunk.BLOCKS - 1;
              return !entry.getValue().last().equals(chain.canonicalHash(end));
            });
    for (Section section : sections.values()) {
      long end = (section.number() + 1) * Section.BLOCKS - 1;
      if (!section.last().equals(chain.canonicalHash(end))) {
        sections.remove(section.number());
        Files.deleteIfExists(section.file());
      }
    }
  }

  /**
   * Returns the index of a canonical block; null when there is none, it has no receipts, or they
   * have been pruned.
   */
  private Chunk.@Nullable Block index(long number) {
    Hash hash = chain.canonicalHash(number);
    if (hash == null) {
      return null;
    }
    BlockHeader header = chain.header(hash);
    List<Receipt> receipts;
    try {
      receipts = chain.receipts(hash);
    } catch (PrunedException pruned) {
      return null;
    }
    return header == null || receipts == null
        ? null
        : new Chunk.Block(hash, header.parentHash(), LogKeys.of(receipts));
  }

  private @Nullable Long newestMissing() {
    Seen known = seen;
    if (known != null) {
      long whole = Section.of(chain.retention().oldestBlock() + Section.BLOCKS - 1);
      for (long n = Section.of(firstLatest(known.number)) - 1; n >= whole; n--) {
        if (!sections.containsKey(n)) {
          return n;
        }
      }
    }
    return null;
  }

  /** Makes a section, out of what is in memory and of the chain. */
  private void make(long number) throws IOException {
    long first = number * Section.BLOCKS;
    long[] entries = new long[1 << 12];
    int count = 0;
    Hash last = Hash.ZERO;
    long start = System.nanoTime();
    for (int offset = 0; offset < Section.BLOCKS; offset += Chunk.BLOCKS) {
      Chunk known = chunks.get(Chunk.of(first + offset));
      Chunk chunk = known == null ? chunk(first + offset) : known;
      if (chunk == null || (offset > 0 && !chunk.parent().equals(last)) || loop.isClosed()) {
        return; // the chain is reorganized, or set back
      }
      int added = chunk.entries().length;
      if (entries.length - count < added) {
        entries = Arrays.copyOf(entries, Math.max(2 * entries.length, count + added));
      }
      count = chunk.addTo(entries, count, offset);
      last = chunk.last();
      rest(System.nanoTime() - start);
      follow();
      start = System.nanoTime();
    }
    if (!last.equals(chain.canonicalHash(first + Section.BLOCKS - 1))) {
      return;
    }
    sections.put(number, Section.write(folder, number, last, entries, count));
    for (int offset = 0; offset < Section.BLOCKS; offset += Chunk.BLOCKS) {
      chunks.remove(Chunk.of(first + offset));
    }
    latest.subMap(first, true, first + Section.BLOCKS - 1, true).clear();
    report();
  }

  /** Returns a chunk of blocks, some of which are known; null when they are not all there. */
  private @Nullable Chunk chunk(long first) {
    List<Chunk.Block> blocks = new ArrayList<>();
    for (long number = first; number < first + Chunk.BLOCKS; number++) {
      Chunk.Block known = latest.get(number);
      Chunk.Block block = known == null ? index(number) : known;
      if (block == null) {
        return null;
      }
      blocks.add(block);
    }
    return Chunk.of(blocks);
  }

  private void report() {
    if (newestMissing() == null || System.nanoTime() - reported > REPORT_NANOS) {
      reported = System.nanoTime();
      Progress progress = progress();
      LOG.info("log index: {} of {} blocks", progress.blocks(), progress.head() + 1);
    }
  }

  private static void rest(long nanos) {
    LockSupport.parkNanos(Math.min(nanos, 1_000_000_000L));
  }
}
