// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import java.net.InetAddress;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Remembers which messages were logged about which IP address, the latest 256: a node that is
 * dialed again each minute is not reported each minute. Threading: any thread.
 */
final class Warnings {
  private static final int MAX_ENTRIES = 256;

  private record Entry(@Nullable InetAddress source, String kind) {}

  /** Guarded by this. */
  private final Set<Entry> logged = new LinkedHashSet<>();

  /**
   * Returns whether a message has to be logged: not for the same address before.
   *
   * @param source IP address of the peer; null when it is not known
   * @param kind which message; a fixed text, not one that the peer chooses
   */
  synchronized boolean isFirst(@Nullable InetAddress source, String kind) {
    Entry entry = new Entry(source, kind);
    boolean isFirst = !logged.remove(entry);
    logged.add(entry);
    if (logged.size() > MAX_ENTRIES) {
      Iterator<Entry> oldest = logged.iterator();
      oldest.next();
      oldest.remove();
    }
    return isFirst;
  }
}
