// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.p2p.PeerId;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How many blocks are requested from each peer at a time: 2 at first, one more for each block that
 * comes, half as many after a failure, and never more than are expected to have 8 MiB. The sizes of
 * a peer's blocks are kept over its connections, for the latest 256 peers. Threading: any thread.
 */
final class Windows {
  /** Most blocks of a reply; a peer gives 20 a second. */
  static final int MAX_BLOCKS = 32;

  private static final int FIRST = 2;
  private static final long MAX_BYTES = 8L * 1024 * 1024;
  private static final int MAX_PEERS = 256;

  private static final class Window {
    private int count = FIRST;

    /** Size of a block in bytes: follows larger ones at once, and smaller ones by and by. */
    private long bytes = 1;
  }

  /** The peers in the order of their first requests; guarded by this. */
  private final Map<PeerId, Window> windows = new LinkedHashMap<>();

  private Window window(PeerId peer) {
    Window window = windows.computeIfAbsent(peer, absent -> new Window());
    if (windows.size() > MAX_PEERS) {
      windows.remove(windows.keySet().iterator().next());
    }
    return window;
  }

  /** Returns how many blocks to request now, at least 1 and at most {@code count}. */
  synchronized int size(PeerId peer, int count) {
    Window window = window(peer);
    long fitting = Math.max(1, MAX_BYTES / window.bytes);
    return (int) Math.min(count, Math.min(window.count, fitting));
  }

  /**
   * Notes that a requested block has come.
   *
   * @param bytes size of its message
   */
  synchronized void received(PeerId peer, int bytes) {
    Window window = window(peer);
    window.count = Math.min(MAX_BLOCKS, window.count + 1);
    window.bytes = Math.max(1, Math.max(bytes, (3 * window.bytes + bytes) / 4));
  }

  /** Notes that the peer has not replied. */
  synchronized void failed(PeerId peer) {
    Window window = window(peer);
    window.count = Math.max(1, window.count / 2);
  }
}
