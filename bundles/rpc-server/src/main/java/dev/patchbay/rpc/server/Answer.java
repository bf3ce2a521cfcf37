// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The response to a request or to a batch, as JSON in pieces that follow one another. A long result
 * that is the same for all clients is a piece that responses share: it is not copied.
 *
 * @param pieces must not be changed
 */
record Answer(List<byte[]> pieces) {
  /**
   * Bytes that are given to a connection at once: the JVM copies all that it is given, whatever the
   * connection takes of it.
   */
  private static final int SENT_BYTES = 1 << 18;

  private static final int SHORT_BYTES = 1 << 16;

  private static final byte[] BEGIN = {'['};
  private static final byte[] COMMA = {','};
  private static final byte[] END = {']'};
  private static final byte[] NEWLINE = {'\n'};

  /** Makes an answer of pieces, which must not be changed. */
  static Answer of(byte[]... pieces) {
    return new Answer(List.of(pieces));
  }

  /** Returns the answer to a batch. */
  static Answer batch(List<Answer> answers) {
    List<byte[]> pieces = new ArrayList<>();
    byte[] before = BEGIN;
    for (Answer answer : answers) {
      pieces.add(before);
      pieces.addAll(answer.pieces);
      before = COMMA;
    }
    pieces.add(END);
    return new Answer(pieces);
  }

  /** Returns the answer as a line. */
  Answer line() {
    List<byte[]> line = new ArrayList<>(pieces);
    line.add(NEWLINE);
    return new Answer(line);
  }

  /** Returns the number of bytes. */
  int length() {
    return pieces.stream().mapToInt(piece -> piece.length).sum();
  }

  /** Returns all pieces as one array, which must not be changed. */
  byte[] toByteArray() {
    if (pieces.size() == 1) {
      return pieces.get(0);
    }
    ByteBuffer out = ByteBuffer.allocate(length());
    pieces.forEach(out::put);
    return out.array();
  }

  /** Returns what to give to a connection, one after the other: short pieces together. */
  List<ByteBuffer> buffers() {
    List<ByteBuffer> out = new ArrayList<>();
    int from = 0;
    int length = 0;
    for (int i = 0; i < pieces.size(); i++) {
      byte[] piece = pieces.get(i);
      if (piece.length >= SHORT_BYTES || length + piece.length > SENT_BYTES) {
        addTogether(out, pieces.subList(from, i));
        from = i;
        length = 0;
      }
      length += piece.length;
    }
    addTogether(out, pieces.subList(from, pieces.size()));
    return out;
  }

  private static void addTogether(List<ByteBuffer> out, List<byte[]> together) {
    addSlices(out, new Answer(together).toByteArray());
  }

  private static void addSlices(List<ByteBuffer> out, byte[] bytes) {
    for (int from = 0; from < bytes.length; from += SENT_BYTES) {
      out.add(ByteBuffer.wrap(bytes, from, Math.min(SENT_BYTES, bytes.length - from)));
    }
  }
}
