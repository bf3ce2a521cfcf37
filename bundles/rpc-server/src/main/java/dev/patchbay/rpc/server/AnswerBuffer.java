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

  private final int most;
  private final @Nullable Supplier<OutputStream> direct;

  /** In pieces: a long answer is not copied each time that it grows. */
  private final ByteArrayBuilder held = new ByteArrayBuilder(256);

  private @Nullable OutputStream open;

  /**
   * Creates an empty one.
   *
   * @param most bytes that are held
   * @param direct opens the way to the client; null: all is held
   */
  AnswerBuffer(int most, @Nullable Supplier<OutputStream> direct) {
    this.most = most;
    this.direct = direct;
  }

  /**
   * Thrown when an answer is longer than what may be held. It is checked, because Jackson wraps
   * what is not.
   */
  static final class FullException extends IOException {
    private static final long serialVersionUID = 1L;

    FullException(int most) {
      super("response too large: at most " + most + " bytes");
    }

    /** Returns what a client is told. */
    RpcError told() {
      return new RpcError(RpcError.Kind.RESPONSE_TOO_LARGE, String.valueOf(getMessage()));
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
      throw new FullException(most);
    } else {
      held.write(bytes, offset, length);
    }
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

  /** Returns the answer when all of it was held; otherwise sends the rest and returns null. */
  byte @Nullable [] end() throws IOException {
    OutputStream way = open;
    if (way == null) {
      return held.toByteArray();
    }
    way.write(held.toByteArray());
    return null;
  }
}
