// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a stream into JSON objects and arrays, which follow one another with nothing or white space
 * in between. What is inside of them is not looked at but for brackets and strings. The memory of a
 * message is counted while it comes.
 *
 * <p>Threading: one thread at a time.
 */
final class JsonFrames {
  /** Bytes of a message that are counted at once. */
  private static final int STEP_BYTES = 1 << 12;

  private final InputStream in;
  private final int most;

  /** Reads from a stream; a message of more than {@code most} bytes ends it. */
  JsonFrames(InputStream in, int most) {
    this.in = in;
    this.most = most;
  }

  /**
   * Returns the next message, or null at the end of the stream. A message for which there is no
   * memory is skipped: then the array is empty.
   *
   * @param memory counts the message, and the copy that is returned
   * @throws IOException when what comes is neither an object nor an array, is too long or cut off
   */
  byte @Nullable [] next(MemoryBudget.Account memory) throws IOException {
    int first = in.read();
    while (first == ' ' || first == '\n' || first == '\r' || first == '\t') {
      first = in.read();
    }
    if (first < 0) {
      return null;
    }
    if (first != '{' && first != '[') {
      throw new IOException("a message begins with neither { nor [");
    }
    ByteArrayOutputStream message = new ByteArrayOutputStream(256);
    message.write(first);
    int length = 1;
    boolean refused = false;
    int depth = 1;
    boolean text = false;
    boolean escaped = false;
    while (depth > 0) {
      int next = in.read();
      if (next < 0) {
        throw new EOFException("a message is cut off");
      }
      if (length >= most) {
        throw new IOException("a message has more than " + most + " bytes");
      }
      if (length % STEP_BYTES == 0 && !refused && !memory.tryGrow(2 * STEP_BYTES)) {
        refused = true;
        message = new ByteArrayOutputStream();
        memory.shrinkTo(0);
      }
      if (!refused) {
        message.write(next);
      }
      length++;
      if (text) {
        text = escaped || next != '"';
        escaped = !escaped && next == '\\';
      } else if (next == '"') {
        text = true;
      } else if (next == '{' || next == '[') {
        depth++;
      } else if (next == '}' || next == ']') {
        depth--;
      }
    }
    return message.toByteArray();
  }
}
