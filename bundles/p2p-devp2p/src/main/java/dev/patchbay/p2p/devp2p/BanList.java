// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.PeerBan;
import dev.patchbay.binding.DurableFiles;
import dev.patchbay.p2p.devp2p.discovery.DamagedFiles;
import dev.patchbay.p2p.devp2p.discovery.Outage;
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
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The nodes that are refused for a while. They are kept in a file with one node per line: its id,
 * the end of its ban, as {@code 2026-01-31T12:00:00Z}, and the reason, which may be missing. A
 * thread writes the file after a change; changes during a write are written together after it.
 *
 * <p>Threading: any thread. No call but {@link #close} waits for the disk.
 */
final class BanList implements AutoCloseable {
  /**
   * With more bans, the one is evicted that ends first: one of the operator only when all others
   * are of the operator, too.
   */
  private static final int MAX_BANS = 1_000;

  private static final int MAX_FILE_BYTES = 1 << 20;
  private static final int MAX_REASON = 200;

  /** For how long {@link #close} waits for the disk. */
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);

  /** Null when the bans are not stored. */
  private final @Nullable Path file;

  private final InstantSource clock;
  private final Consumer<String> warn;
  private final Outage outage;
  private final Replacement replacement;
  private final NamedThreads threads = new NamedThreads("bans");
  private final ExecutorService writer = threads.executor();

  /** The bans, the latest one last; guarded by this. */
  private final Map<NodeId, Ban> bans = new LinkedHashMap<>();

  /** Whether the file is older than the bans; guarded by this. */
  private boolean unsaved;

  /** Whether a write has been submitted and has not begun; guarded by this. */
  private boolean queued;

  /**
   * A ban.
   *
   * @param until when it ends
   * @param reason why, in one line of printable ASCII; empty when it is not known
   */
  record Ban(NodeId id, Instant until, String reason) {
    boolean isByOperator() {
      return reason.equals(PeerBan.BY_OPERATOR);
    }
  }

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
    this.outage = new Outage(warn, written -> {});
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
    String[] parts = line.split(" ", 3);
    try {
      if (parts.length > 1) {
        String reason = parts.length > 2 ? printable(parts[2]) : "";
        put(new Ban(NodeId.parse(parts[0]), Instant.parse(parts[1]), reason));
      }
      return parts.length > 1 || line.isBlank();
    } catch (IllegalArgumentException | DateTimeException malformed) {
      return false;
    }
  }

  /** Returns a text that has one line in a file and on a terminal: a peer may have chosen it. */
  private static String printable(String text) {
    String line = text.replaceAll("[^\\x20-\\x7e]", "?").strip();
    return line.length() > MAX_REASON ? line.substring(0, MAX_REASON) : line;
  }

  private void put(Ban ban) {
    bans.remove(ban.id);
    bans.put(ban.id, ban);
    if (bans.size() > MAX_BANS) {
      bans.values().stream()
          .filter(one -> one != ban || !ban.isByOperator())
          .min(Comparator.comparing(Ban::isByOperator).thenComparing(Ban::until))
          .ifPresent(evicted -> bans.remove(evicted.id));
    }
  }

  private void removeEnded() {
    Instant now = clock.instant();
    bans.values().removeIf(ban -> !now.isBefore(ban.until));
  }

  /**
   * Bans a node from now on; the reason may have any characters. A ban of the operator is not
   * replaced by another one that ends earlier.
   */
  synchronized void ban(NodeId id, Duration duration, String reason) {
    removeEnded();
    Ban added = new Ban(id, clock.instant().plus(duration), printable(reason));
    Ban known = bans.get(id);
    boolean isKept =
        known != null
            && known.isByOperator()
            && !added.isByOperator()
            && added.until.isBefore(known.until);
    if (!isKept) {
      put(added);
      save();
    }
  }

  /** Returns the bans that have not ended, the one first that ends first. */
  synchronized List<Ban> list() {
    removeEnded();
    return bans.values().stream().sorted(Comparator.comparing(Ban::until)).toList();
  }

  /** Ends a ban; returns false when the node is not banned now. */
  synchronized boolean unban(NodeId id) {
    Ban ended = bans.remove(id);
    if (ended == null) {
      return false;
    }
    save();
    return clock.instant().isBefore(ended.until);
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
    List<Ban> all;
    synchronized (this) {
      queued = false;
      if (file == null || !unsaved) {
        return;
      }
      unsaved = false;
      all = List.copyOf(bans.values());
    }
    StringBuilder lines = new StringBuilder();
    for (Ban ban : all) {
      lines.append((ban.id + " " + ban.until + " " + ban.reason).strip()).append('\n');
    }
    try {
      replacement.replace(file, lines.toString().getBytes(StandardCharsets.ISO_8859_1));
      outage.succeeded("the bans are written");
    } catch (Throwable failure) { // the thread would end with a stack trace
      synchronized (this) {
        unsaved = true;
      }
      warnUnsaved(failure);
    }
  }

  private void warnUnsaved(Throwable failure) {
    outage.failed("the bans last until the node stops: " + file + " cannot be written: " + failure);
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
    Ban ban = bans.get(id);
    return ban != null && clock.instant().isBefore(ban.until);
  }
}
