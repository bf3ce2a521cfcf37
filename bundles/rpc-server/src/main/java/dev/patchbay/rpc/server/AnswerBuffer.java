// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import dev.patchbay.api.rpc.RpcError;
import java.io.IOException;
import java.io.OutputStream;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Holds an answer, up to a limit. One that may be sent while it is made is held only at its start,
 * so that an early failure can still be told; then it goes on in large pieces, since each one costs
 * the connection a call of the system.
 */
final class AnswerBuffer extends OutputStream {
  private static final int HELD_BYTES = 1 << 16;

  /** The least that is counted at once; a response of half as many bytes needs no more. */
  static final long COUNTED_BYTES = 1 << 12;

  private final int most;
  private final @Nullable Supplier<OutputStream> direct;

  /** In pieces: a long answer is not copied each time that it grows. */
  private final ByteArrayBuilder held = new ByteArrayBuilder(256);

  private final MemoryBudget.Account memory;

  /** Bytes that are counted; more than are held. */
  private long counted;

  private @Nullable OutputStream open;

  /**
   * Creates an empty one.
   *
   * @param most bytes that are held
   * @param direct opens the way to the client; null: all is held
   * @param memory counts what is held
   */
  AnswerBuffer(int most, @Nullable Supplier<OutputStream> direct, MemoryBudget.Account memory) {
    this.most = most;
    this.direct = direct;
    this.memory = memory;
  }

  /**
   * Thrown when an answer is longer than what may be held. It is checked, because Jackson wraps
   * what is not.
   */
  static final class FullException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient RpcError error;

    private FullException(RpcError error) {
      super(error.getMessage());
      this.error = error;
    }

    static FullException tooLarge(int most) {
      return new FullException(
          new RpcError(
              RpcError.Kind.RESPONSE_TOO_LARGE, "response too large: at most " + most + " bytes"));
    }

    /** Returns what a client is told. */
    RpcError toRpcError() {
      return error;
    }
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    if (direct != null && held.size() + length > Math.min(HELD_BYTES, most)) {
      sendHeld(direct);
    }
    OutputStream way = open;
    if (way != null && length > HELD_BYTES) {
      way.write(bytes, offset, length);
    } else if (way == null && length > most - held.size()) {
      throw FullException.tooLarge(most);
    } else {
      count(held.size() + (long) length);
      held.write(bytes, offset, length);
    }
  }

  /** Counts what is held, and as much for the copy at the end, in pieces that grow. */
  private void count(long size) throws FullException {
    while (2 * size > counted) {
      long more = Math.max(COUNTED_BYTES, counted / 2);
      if (!memory.tryGrow(more)) {
        throw new FullException(MemoryBudget.full());
      }
      counted += more;
    }
  }

  /** Gives back all that was counted: the answer is not sent, or is counted elsewhere. */
  void uncount() {
    countOnly(0);
  }

  private void countOnly(long bytes) {
    memory.shrink(counted - bytes);
    counted = bytes;
  }

  private void sendHeld(Supplier<OutputStream> direct) throws IOException {
    OutputStream way = open == null ? direct.get() : open;
    open = way;
    way.write(held.toByteArray());
    held.reset();
  }

  /** Returns whether something was sent. */
  boolean isDirect() {
    return open != null;
  }

  /**
   * Returns the answer when all of it was held, and counts its length alone; otherwise sends the
   * rest, gives back all that was counted and returns null.
   */
  byte @Nullable [] end() throws IOException {
    OutputStream way = open;
    if (way == null) {
      byte[] whole = held.toByteArray();
      countOnly(whole.length);
      return whole;
    }
    way.write(held.toByteArray());
    uncount();
    return null;
  }
}
