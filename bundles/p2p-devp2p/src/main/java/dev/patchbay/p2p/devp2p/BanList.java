// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.binding.DurableFiles;
import dev.patchbay.p2p.devp2p.discovery.DamagedFiles;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The nodes that are refused for a while. They are kept in a file with one node per line: its id
 * and the end of its ban, as {@code 2026-01-31T12:00:00Z}. A thread writes the file after a change;
 * changes during a write are written together after it.
 *
 * <p>Threading: any thread. No call but {@link #close} waits for the disk.
 */
final class BanList implements AutoCloseable {
  /** With more bans, the oldest one is evicted. */
  private static final int MAX_BANS = 1_000;

  private static final int MAX_FILE_BYTES = 1 << 20;

  /** For how long {@link #close} waits for the disk. */
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);

  /** Null when the bans are not stored. */
  private final @Nullable Path file;

  private final InstantSource clock;
  private final Consumer<String> warn;
  private final Replacement replacement;
  private final NamedThreads threads = new NamedThreads("bans");
  private final ExecutorService writer = threads.executor();

  /** Until when each node is banned; guarded by this. */
  private final Map<NodeId, Instant> until = new LinkedHashMap<>();

  /** Whether the file is older than the bans; guarded by this. */
  private boolean unsaved;

  /** Whether a write has been submitted and has not begun; guarded by this. */
  private boolean queued;

  /** Replaces a file as {@link DurableFiles#replace(Path, byte[])} does. */
  interface Replacement {
    /** Replaces a file; returns when it is on the disk. */
    void replace(Path file, byte[] content) throws IOException;
  }

  /**
   * Reads the file. A line that cannot be read is skipped, with a warning, and the file is then
   * moved aside.
   *
   * @param file where the bans are kept; null for none
   */
  BanList(@Nullable Path file, InstantSource clock, Consumer<String> warn) {
    this(file, clock, warn, DurableFiles::replace);
  }

  BanList(
      @Nullable Path file, InstantSource clock, Consumer<String> warn, Replacement replacement) {
    this.clock = clock;
    this.warn = warn;
    this.replacement = replacement;
    String fault = file == null || !Files.exists(file) ? null : read(file);
    if (file == null || fault == null) {
      this.file = file;
      return;
    }
    DamagedFiles.Outcome outcome = DamagedFiles.moveAside(file);
    warn.accept(fault + "; " + outcome.text());
    this.file = outcome.moved() ? file : null;
    unsaved = true;
    write();
  }

  /** Returns what of the file is ignored, as a text for the log; null when it was read. */
  private @Nullable String read(Path from) {
    int skipped = 0;
    try (BufferedReader lines = Files.newBufferedReader(from, StandardCharsets.ISO_8859_1)) {
      if (Files.size(from) > MAX_FILE_BYTES) {
        throw new IOException("it has more than " + MAX_FILE_BYTES + " bytes");
      }
      String line = lines.readLine();
      while (line != null) {
        skipped += readLine(line) ? 0 : 1;
        line = lines.readLine();
      }
    } catch (IOException failure) {
      return "the bans in " + from + " are ignored (" + failure.getMessage() + ")";
    }
    return skipped == 0 ? null : skipped + " lines of " + from + " are not bans, and are ignored";
  }

  private boolean readLine(String line) {
    int space = line.indexOf(' ');
    try {
      if (space > 0) {
        put(NodeId.parse(line.substring(0, space)), Instant.parse(line.substring(space + 1)));
      }
      return space > 0 || line.isBlank();
    } catch (IllegalArgumentException | DateTimeException malformed) {
      return false;
    }
  }

  private void put(NodeId id, Instant end) {
    until.remove(id);
    until.put(id, end);
    if (until.size() > MAX_BANS) {
      until.remove(until.keySet().iterator().next());
    }
  }

  /** Bans a node from now on. */
  synchronized void ban(NodeId id, Duration duration) {
    Instant now = clock.instant();
    until.values().removeIf(end -> !now.isBefore(end));
    put(id, now.plus(duration));
    save();
  }

  /** Ends a ban; returns false when the node is not banned now. */
  synchronized boolean unban(NodeId id) {
    Instant end = until.remove(id);
    if (end == null) {
      return false;
    }
    save();
    return clock.instant().isBefore(end);
  }

  /** Submits a write, unless one has not begun: that one writes the bans of this moment, too. */
  private void save() {
    unsaved = true;
    if (file == null || queued) {
      return;
    }
    try {
      writer.execute(this::write);
      queued = true;
    } catch (RejectedExecutionException | Error failure) { // closed, or no memory for a thread
      warnUnsaved(failure);
    }
  }

  private void write() {
    Map<NodeId, Instant> bans;
    synchronized (this) {
      queued = false;
      if (file == null || !unsaved) {
        return;
      }
      unsaved = false;
      bans = new LinkedHashMap<>(until);
    }
    StringBuilder lines = new StringBuilder();
    bans.forEach((id, end) -> lines.append(id).append(' ').append(end).append('\n'));
    try {
      replacement.replace(file, lines.toString().getBytes(StandardCharsets.ISO_8859_1));
    } catch (Throwable failure) { // the thread would end with a stack trace
      synchronized (this) {
        unsaved = true;
      }
      warnUnsaved(failure);
    }
  }

  private void warnUnsaved(Throwable failure) {
    warn.accept("the bans last until the node stops: " + file + " cannot be written: " + failure);
  }

  /** Waits until the latest bans are in the file; later ones are not stored. */
  @Override
  public void close() {
    writer.shutdown();
    if (threads.join(CLOSE_LIMIT)) {
      write(); // what has failed before
    } else {
      warn.accept("the disk is slow: " + file + " is still being written");
    }
  }

  /** Returns whether a node is banned now. */
  synchronized boolean isBanned(NodeId id) {
    Instant end = until.get(id);
    return end != null && clock.instant().isBefore(end);
  }
}
