// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.log.index;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.LogIndex.Progress;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
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
 * What the blocks of a chain have logs of: the latest in memory, older ones in sections. A thread
 * follows the head first, and then makes the sections that are missing, the newest first; it rests
 * as long as it works, so that the node keeps half of the processor for others.
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
  private static final int AT_ONCE = 64;

  private static final long RETRY_MILLIS = 1_000;
  private static final long REPORT_NANOS = 10_000_000_000L;

  private final ChainReader chain;
  private final Path folder;
  private final Map<Long, Section> sections = new ConcurrentHashMap<>();
  private final NavigableMap<Long, Latest> latest = new ConcurrentSkipListMap<>();
  private final Thread thread = new Thread(this::run, "log-index");
  private final Object signal = new Object();
  private boolean signalled;
  private volatile boolean closed;
  private volatile @Nullable Seen seen;
  private long reported = System.nanoTime();

  /** The thread has been through all blocks up to here. */
  private long followed = -1;

  /** A block, and the numbers of its logs. */
  private record Latest(Hash hash, long[] keys) {}

  private record Seen(long number, Hash hash) {}

  BlockIndex(ChainReader chain, Path folder) {
    this.chain = chain;
    this.folder = folder;
  }

  void start() {
    thread.setDaemon(true);
    thread.start();
  }

  /** Says that the head has moved. */
  void wake() {
    synchronized (signal) {
      signalled = true;
      signal.notifyAll();
    }
  }

  /** Ends the thread, which is not interrupted: that would close the files of a store. */
  @Override
  public void close() {
    closed = true;
    wake();
    try {
      thread.join(10_000);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- asking

  BitSet candidates(long from, long to, List<long[]> groups) {
    BitSet out = new BitSet((int) (to - from + 1));
    if (groups.isEmpty() || !isCanonical()) {
      out.set(0, (int) (to - from + 1));
      return out;
    }
    for (long number = Section.of(from); number <= Section.of(to); number++) {
      long start = number * Section.BLOCKS;
      BitSet found = ofSection(number, groups);
      if (found != null) {
        for (int i = found.nextSetBit(0); i >= 0; i = found.nextSetBit(i + 1)) {
          if (start + i >= from && start + i <= to) {
            out.set((int) (start + i - from));
          }
        }
      } else {
        long end = Math.min(to, start + Section.BLOCKS - 1);
        for (long block = Math.max(from, start); block <= end; block++) {
          Latest known = latest.get(block);
          if (known == null || LogKeys.match(groups, known.keys)) {
            out.set((int) (block - from));
          }
        }
      }
    }
    return out;
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
        (long) sections.size() * Section.BLOCKS + latest.size(), known == null ? 0 : known.number);
  }

  // ---- indexing

  private void run() {
    boolean opened = false;
    while (!closed) {
      try {
        if (!opened) {
          openSections();
          opened = true;
        }
        follow();
        Long missing = newestMissing();
        if (missing == null) {
          await(0);
        } else {
          make(missing);
        }
      } catch (StorageException | StorageUnavailableException unavailable) {
        await(RETRY_MILLIS); // a store is being exchanged
      } catch (IOException failure) {
        LOG.warn("the log index cannot be written: {}; searches go on without", failure.toString());
        await(60 * RETRY_MILLIS);
      } catch (RuntimeException failure) {
        LOG.error("the log index has a fault; it tries again", failure);
        await(60 * RETRY_MILLIS);
      }
    }
  }

  /** Waits for a new head; with a time at most so long. */
  private void await(long millis) {
    synchronized (signal) {
      try {
        if (!signalled && !closed) {
          signal.wait(millis);
        }
      } catch (InterruptedException interrupted) {
        closed = true;
      }
      signalled = false;
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
        } else if (String.valueOf(file.getFileName()).endsWith(".part")) {
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
    for (boolean more = true; more && !closed; ) {
      Block head = chain.head();
      if (!isCanonical()) {
        dropUntrue();
      }
      seen = new Seen(head.number(), head.hash());
      long start = System.nanoTime();
      int done = 0;
      long number = head.number();
      long first = Math.max(firstLatest(head.number()), followed + 1);
      for (; number >= first && done < AT_ONCE; number--) {
        if (!latest.containsKey(number) && !sections.containsKey(Section.of(number))) {
          Latest next = index(number);
          if (next != null) {
            latest.put(number, next);
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

  private void dropUntrue() throws IOException {
    followed = -1;
    latest
        .entrySet()
        .removeIf(entry -> !entry.getValue().hash.equals(chain.canonicalHash(entry.getKey())));
    for (Section section : sections.values()) {
      long end = (section.number() + 1) * Section.BLOCKS - 1;
      if (!section.last().equals(chain.canonicalHash(end))) {
        sections.remove(section.number());
        Files.deleteIfExists(section.file());
      }
    }
  }

  /** Returns the index of a canonical block; null when there is none, or it has no receipts. */
  private @Nullable Latest index(long number) {
    Hash hash = chain.canonicalHash(number);
    List<Receipt> receipts = hash == null ? null : chain.receipts(hash);
    return hash == null || receipts == null ? null : new Latest(hash, LogKeys.of(receipts));
  }

  private @Nullable Long newestMissing() {
    Seen known = seen;
    if (known != null) {
      for (long n = Section.of(firstLatest(known.number)) - 1; n >= 0; n--) {
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
    for (int offset = 0; offset < Section.BLOCKS; offset++) {
      Latest known = latest.get(first + offset);
      Latest block = known == null ? index(first + offset) : known;
      if (block == null || closed) {
        return;
      }
      if (entries.length - count < block.keys.length) {
        entries = Arrays.copyOf(entries, Math.max(2 * entries.length, count + block.keys.length));
      }
      for (long key : block.keys) {
        entries[count++] = Section.entry(key, offset);
      }
      last = block.hash;
      if (offset % AT_ONCE == AT_ONCE - 1) {
        rest(System.nanoTime() - start);
        follow();
        start = System.nanoTime();
      }
    }
    if (!last.equals(chain.canonicalHash(first + Section.BLOCKS - 1)) || !isCanonical()) {
      return; // the chain was reorganised meanwhile
    }
    sections.put(number, Section.write(folder, number, last, entries, count));
    latest.subMap(first, true, first + Section.BLOCKS - 1, true).clear();
    report();
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
