// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Bytes that all connections together may hold. When there are too few the largest share is
 * revoked, so that a peer which holds many bytes does not end the connections of others.
 *
 * <p>Threading: any thread. A share is revoked in the thread of another one, outside of locks.
 */
final class ByteBudget {
  private final long max;

  /** Bytes of the shares that are not revoked; guarded by this. */
  private long held;

  /** The shares that hold bytes and are not revoked; guarded by this. */
  private final Set<Share> shares = new HashSet<>();

  ByteBudget(long max) {
    this.max = max;
  }

  /** The bytes that one connection holds. */
  final class Share {
    private final Runnable revoke;

    // guarded by the budget
    private long bytes;
    private boolean isRevoked;

    private Share(Runnable revoke) {
      this.revoke = revoke;
    }

    /**
     * Reserves bytes.
     *
     * @return false, and reserves none, when the share is revoked: it is the largest one
     */
    boolean reserve(long more) {
      List<Share> revoked = new ArrayList<>();
      boolean isReserved = ByteBudget.this.reserve(this, more, revoked);
      revoked.forEach(one -> one.revoke.run());
      return isReserved;
    }

    /** Returns bytes that were reserved. */
    void release(long less) {
      ByteBudget.this.release(this, less);
    }

    long bytes() {
      synchronized (ByteBudget.this) {
        return bytes;
      }
    }
  }

  /**
   * Creates a share without bytes.
   *
   * @param revoke ends the connection; called when the share is revoked, not when its own {@link
   *     Share#reserve} returns false
   */
  Share share(Runnable revoke) {
    return new Share(revoke);
  }

  private synchronized boolean reserve(Share share, long more, List<Share> revoked) {
    if (share.isRevoked) {
      return false;
    }
    share.bytes += more;
    held += more;
    shares.add(share);
    while (held > max) {
      Share largest = share;
      for (Share one : shares) {
        largest = one.bytes > largest.bytes ? one : largest;
      }
      shares.remove(largest);
      held -= largest.bytes;
      largest.isRevoked = true;
      if (largest == share) {
        share.bytes -= more;
        return false;
      }
      revoked.add(largest);
    }
    return true;
  }

  private synchronized void release(Share share, long less) {
    share.bytes -= less;
    if (!share.isRevoked) {
      held -= less;
      if (share.bytes == 0) {
        shares.remove(share);
      }
    }
  }

  synchronized long held() {
    return held;
  }
}
