// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A query for TXT records and its response (RFC 1035, section 4; RFC 6891 for the size of a UDP
 * response). Threading: any thread.
 */
final class DnsMessage {
  /** Longest response over UDP, which avoids fragments. */
  static final int MAX_UDP_BYTES = 1_232;

  private static final int TYPE_TXT = 16;
  private static final int TYPE_OPT = 41;
  private static final int CLASS_IN = 1;
  private static final int FLAG_RESPONSE = 0x8000;
  private static final int FLAG_TRUNCATED = 0x0200;
  private static final int FLAG_RECURSION_DESIRED = 0x0100;
  private static final int CODE_NO_SUCH_NAME = 3;
  private static final int MAX_LABEL_BYTES = 63;
  private static final int MAX_RECORDS = 64;

  private DnsMessage() {}

  /** The response was cut off: the query must be repeated over TCP. */
  static final class TruncatedException extends IOException {
    private static final long serialVersionUID = 1L;

    TruncatedException() {
      super("the DNS response is truncated");
    }
  }

  /**
   * Encodes a query.
   *
   * @param id 16 bits, which the response repeats
   * @throws IllegalArgumentException when the name has an empty or too long label
   */
  static byte[] query(int id, String name) {
    ByteBuffer out = ByteBuffer.allocate(512);
    out.putShort((short) id).putShort((short) FLAG_RECURSION_DESIRED);
    out.putShort((short) 1).putShort((short) 0).putShort((short) 0).putShort((short) 1);
    for (String label : name.split("\\.", -1)) {
      byte[] bytes = label.getBytes(StandardCharsets.US_ASCII);
      if (bytes.length == 0 || bytes.length > MAX_LABEL_BYTES || out.remaining() < 128) {
        throw new IllegalArgumentException("a DNS name with a label of " + bytes.length + " bytes");
      }
      out.put((byte) bytes.length).put(bytes);
    }
    out.put((byte) 0).putShort((short) TYPE_TXT).putShort((short) CLASS_IN);
    out.put((byte) 0).putShort((short) TYPE_OPT).putShort((short) MAX_UDP_BYTES);
    out.putInt(0).putShort((short) 0);
    byte[] query = new byte[out.position()];
    out.flip().get(query);
    return query;
  }

  /**
   * Decodes the response to a query.
   *
   * @return the TXT records, each with its strings joined; empty when the name does not exist
   * @throws TruncatedException when the query must be repeated over TCP
   * @throws IOException when the response is of another query, malformed, or an error
   */
  static List<String> response(byte[] message, int id, String name) throws IOException {
    try {
      return parse(ByteBuffer.wrap(message), id, name);
    } catch (BufferUnderflowException cutOff) {
      throw new IOException("the DNS response is cut off");
    }
  }

  private static List<String> parse(ByteBuffer in, int id, String name) throws IOException {
    int responseId = in.getShort() & 0xffff;
    int flags = in.getShort() & 0xffff;
    int questions = in.getShort() & 0xffff;
    int records = in.getShort() & 0xffff;
    in.getInt();
    if (responseId != id || (flags & FLAG_RESPONSE) == 0 || questions != 1) {
      throw new IOException("a DNS message that is not the response");
    }
    String asked = readName(in);
    if (!asked.equals(name.toLowerCase(Locale.ROOT)) || in.getShort() != TYPE_TXT) {
      throw new IOException("a DNS response to another question");
    }
    in.getShort();
    if ((flags & FLAG_TRUNCATED) != 0) {
      throw new TruncatedException();
    }
    int code = flags & 15;
    if (code != 0 && code != CODE_NO_SUCH_NAME) {
      throw new IOException("the DNS server reports error " + code);
    }
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < Math.min(records, MAX_RECORDS); i++) {
      skipName(in);
      int type = in.getShort();
      in.getShort();
      in.getInt();
      ByteBuffer data = slice(in, in.getShort() & 0xffff);
      if (type == TYPE_TXT) {
        texts.add(readText(data));
      }
    }
    return texts;
  }

  private static ByteBuffer slice(ByteBuffer in, int length) {
    if (length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    ByteBuffer part = in.slice().limit(length);
    in.position(in.position() + length);
    return part;
  }

  /** Joins the strings of a TXT record: each has at most 255 bytes. */
  private static String readText(ByteBuffer data) {
    StringBuilder text = new StringBuilder();
    while (data.hasRemaining()) {
      byte[] part = new byte[data.get() & 0xff];
      data.get(part);
      text.append(new String(part, StandardCharsets.ISO_8859_1));
    }
    return text.toString();
  }

  /** Reads the name of the question, which is never compressed, in lower case. */
  private static String readName(ByteBuffer in) throws IOException {
    StringBuilder name = new StringBuilder();
    for (int length = in.get(); length != 0; length = in.get()) {
      if (length < 0) {
        throw new IOException("a compressed name in a DNS question");
      }
      byte[] label = new byte[length];
      in.get(label);
      name.append(name.isEmpty() ? "" : ".").append(new String(label, StandardCharsets.ISO_8859_1));
    }
    return name.toString().toLowerCase(Locale.ROOT);
  }

  /** Skips a name: labels up to an empty one or to a pointer. */
  private static void skipName(ByteBuffer in) {
    while (true) {
      int length = in.get() & 0xff;
      if (length == 0) {
        return;
      }
      if (length > MAX_LABEL_BYTES) {
        in.get();
        return;
      }
      slice(in, length);
    }
  }
}
