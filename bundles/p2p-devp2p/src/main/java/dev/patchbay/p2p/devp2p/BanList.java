// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.binding.DurableFiles;
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
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The nodes that are refused for a while. They are kept in a file with one node per line: its id
 * and the end of its ban, as {@code 2026-01-31T12:00:00Z}.
 *
 * <p>Threading: any thread.
 */
final class BanList {
  /** With more bans, the oldest one is evicted. */
  private static final int MAX_BANS = 1_000;

  private static final int MAX_FILE_BYTES = 1 << 20;

  private final @Nullable Path file;
  private final InstantSource clock;
  private final Consumer<String> warn;

  /** Until when each node is banned; guarded by this. */
  private final Map<NodeId, Instant> until = new LinkedHashMap<>();

  /**
   * Reads the file. A line that cannot be read is skipped, with a warning.
   *
   * @param file where the bans are kept; null for none
   */
  BanList(@Nullable Path file, InstantSource clock, Consumer<String> warn) {
    this.file = file;
    this.clock = clock;
    this.warn = warn;
    if (file != null && Files.exists(file)) {
      read(file);
    }
  }

  private void read(Path from) {
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
      warn.accept("the bans in " + from + " are ignored: " + failure.getMessage());
    }
    if (skipped > 0) {
      warn.accept(skipped + " lines of " + from + " are not bans, and are ignored");
    }
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
    if (file != null) {
      write(file);
    }
  }

  /** Ends a ban; returns false when the node is not banned now. */
  synchronized boolean unban(NodeId id) {
    Instant end = until.remove(id);
    if (end == null) {
      return false;
    }
    if (file != null) {
      write(file);
    }
    return clock.instant().isBefore(end);
  }

  private void write(Path to) {
    StringBuilder lines = new StringBuilder();
    until.forEach((id, end) -> lines.append(id).append(' ').append(end).append('\n'));
    try {
      DurableFiles.replace(to, lines.toString().getBytes(StandardCharsets.ISO_8859_1));
    } catch (IOException failure) {
      warn.accept("the bans last until the node stops: " + to + " cannot be written: " + failure);
    }
  }

  /** Returns whether a node is banned now. */
  synchronized boolean isBanned(NodeId id) {
    Instant end = until.get(id);
    return end != null && clock.instant().isBefore(end);
  }
}
