// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.rpc.RpcError;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts the memory that requests, responses and notifications of all listeners take together, and
 * refuses what would exceed a limit. Each account has some bytes that are not counted, so that
 * small requests are answered also when large ones have taken all.
 *
 * <p>Threading: any thread.
 */
final class MemoryBudget {
  /** Bytes of each account that are not counted. */
  static final long FREE_BYTES = 64 << 10;

  private final long limit;
  private final AtomicLong used = new AtomicLong();

  /**
   * Creates a budget of which nothing is used.
   *
   * @param limit bytes
   */
  MemoryBudget(long limit) {
    this.limit = limit;
  }

  /** Returns the bytes that are counted now. */
  long used() {
    return used.get();
  }

  /** Opens an account for one message, or for what waits to be sent to one client. */
  Account open() {
    return new Account();
  }

  /** Memory that an account has for its next growth. */
  interface Reservation extends AutoCloseable {
    @Override
    void close();
  }

  /** What one message takes, or what waits to be sent to one client. */
  final class Account implements AutoCloseable {
    private long bytes;

    /** Bytes that were added by {@link #reserve} and are not taken yet. */
    private long reserved;

    private boolean closed;

    /**
     * Adds memory that is about to be taken.
     *
     * @return false when there is not so much, or the account is closed; then nothing is added
     */
    synchronized boolean tryGrow(long more) {
      if (closed) {
        return false;
      }
      long taken = Math.min(reserved, more);
      if (!tryAdd(more - taken)) {
        return false;
      }
      reserved -= taken;
      return true;
    }

    private boolean tryAdd(long more) {
      long counted = counted(bytes + more) - counted(bytes);
      long before;
      do {
        before = used.get();
        if (counted > limit - before) {
          return false;
        }
      } while (!used.compareAndSet(before, before + counted));
      bytes += more;
      return true;
    }

    /**
     * Adds memory that is about to be taken.
     *
     * @throws RpcError of the kind {@code LIMIT} when there is not so much; then nothing is added
     */
    void grow(long more) throws RpcError {
      if (!tryGrow(more)) {
        throw full();
      }
    }

    /**
     * Adds memory that the next growth takes: so much is not refused any more. Adds nothing to a
     * closed account, whose client has left.
     *
     * @return gives back what has not been taken
     * @throws RpcError of the kind {@code LIMIT} when there is not so much; then nothing is added
     */
    synchronized Reservation reserve(long more) throws RpcError {
      if (!closed) {
        grow(more);
        reserved += more;
      }
      return this::releaseReserved;
    }

    private synchronized void releaseReserved() {
      shrink(reserved);
      reserved = 0;
    }

    /** Gives memory back. */
    synchronized void shrink(long less) {
      long next = Math.max(0, bytes - Math.max(0, less));
      used.addAndGet(counted(next) - counted(bytes));
      bytes = next;
    }

    /** Gives back what exceeds a number of bytes. */
    synchronized void shrinkTo(long most) {
      shrink(bytes - most);
    }

    /** Gives everything back; nothing can be added any more. */
    @Override
    public synchronized void close() {
      closed = true;
      shrink(Long.MAX_VALUE);
    }

    private static long counted(long bytes) {
      return Math.max(0, bytes - FREE_BYTES);
    }
  }

  /** Returns the error for what is refused. */
  static RpcError full() {
    return new RpcError(
        RpcError.Kind.LIMIT,
        "the memory of the node for requests and responses is in use; try again, or ask for less at a time");
  }

  /**
   * Returns an upper bound of the memory that parsed JSON takes, in bytes: a map for each object, a
   * list for each array, an entry for each member or element, and text of up to two bytes for each
   * character.
   */
  static long ofParsed(byte[] json) {
    long bytes = 2L * json.length;
    for (byte b : json) {
      bytes +=
          switch (b) {
            case '{' -> 200;
            case '[' -> 80;
            case ':' -> 90;
            case ',' -> 40;
            default -> 0;
          };
    }
    return bytes;
  }
}
