// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import org.eclipse.jetty.io.Content;

/**
 * Reads the body of a request as it comes, without a thread that waits, and counts its memory.
 *
 * <p>Threading: one thread at a time.
 */
final class BodyReader implements Runnable {
  private final Content.Source source;
  private final int most;
  private final MemoryBudget.Account memory;
  private final Outcome outcome;
  private final ByteArrayOutputStream body = new ByteArrayOutputStream();

  /** Takes what the read leads to: one of its methods is called, once. */
  interface Outcome {
    /** Takes the whole body. */
    void read(byte[] bytes);

    /** The body is longer than allowed; its rest is not read. */
    void tooLong();

    /** There is no memory for the body; its rest is not read. */
    void noMemory();

    /** The body cannot be read. */
    void failed(Throwable failure);
  }

  /**
   * Creates a reader.
   *
   * @param most bytes that a body may have
   * @param memory counts the body, and the copy that is handed out
   */
  BodyReader(Content.Source source, int most, MemoryBudget.Account memory, Outcome outcome) {
    this.source = source;
    this.most = most;
    this.memory = memory;
    this.outcome = outcome;
  }

  /** Reads what is there, and goes on when more has come. */
  @Override
  public void run() {
    try {
      while (true) {
        Content.Chunk chunk = source.read();
        if (chunk == null) {
          source.demand(this);
          return;
        }
        if (Content.Chunk.isFailure(chunk)) {
          outcome.failed(chunk.getFailure());
          return;
        }
        boolean last = chunk.isLast();
        try {
          if (!append(chunk.getByteBuffer())) {
            return;
          }
        } finally {
          chunk.release();
        }
        if (last) {
          outcome.read(body.toByteArray());
          return;
        }
      }
    } catch (Throwable failure) { // the caller, a thread of Jetty, would drop it
      outcome.failed(failure);
    }
  }

  private boolean append(ByteBuffer bytes) {
    int length = bytes.remaining();
    if (length > most - body.size()) {
      outcome.tooLong();
      return false;
    }
    if (!memory.tryGrow(2L * length)) {
      outcome.noMemory();
      return false;
    }
    byte[] copy = new byte[length];
    bytes.get(copy);
    body.writeBytes(copy);
    return true;
  }
}
