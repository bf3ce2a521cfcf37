// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** The open WebSockets of a listener, up to a limit. Threading: any thread. */
final class OpenSockets {
  private final int limit;
  private final Set<Socket> open = new HashSet<>();
  private int places;
  private boolean finishing;

  OpenSockets(int limit) {
    this.limit = limit;
  }

  /** Takes a place for a WebSocket; returns false when there is none. */
  synchronized boolean tryEnter() {
    if (finishing || places >= limit) {
      return false;
    }
    places++;
    return true;
  }

  /** Gives a place back. */
  synchronized void leave() {
    places--;
    if (places == 0) {
      notifyAll();
    }
  }

  /** Notes that a WebSocket is open; while all are ended, it is ended. */
  void opened(Socket socket) {
    synchronized (this) {
      open.add(socket);
      if (!finishing) {
        return;
      }
    }
    socket.finish();
  }

  /** Notes that a WebSocket is closed. */
  synchronized void closed(Socket socket) {
    open.remove(socket);
  }

  /** Returns how many places are taken. */
  synchronized int count() {
    return places;
  }

  /** Ends all WebSockets after the responses to their requests under way, and waits for that. */
  void finish(Duration time) throws InterruptedException {
    List<Socket> all;
    synchronized (this) {
      finishing = true;
      all = new ArrayList<>(open);
    }
    all.forEach(Socket::finish);
    synchronized (this) {
      long end = System.nanoTime() + time.toNanos();
      for (long left = time.toNanos(); places > 0 && left > 0; left = end - System.nanoTime()) {
        TimeUnit.NANOSECONDS.timedWait(this, left);
      }
    }
  }
}
