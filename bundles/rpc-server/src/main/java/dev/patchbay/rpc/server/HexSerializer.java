// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import dev.patchbay.primitives.Bytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Writes bytes as hexadecimal text, to a generator of UTF-8, without a string for each: a block may
 * hold thousands of transactions, and blobs are long. Threading: stateless.
 */
final class HexSerializer extends StdSerializer<Bytes> {
  private static final long serialVersionUID = 1L;
  private static final byte[] DIGITS = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
  private static final int MIN_ROOM = 1_024;

  HexSerializer() {
    super(Bytes.class);
  }

  @Override
  public void serialize(Bytes value, JsonGenerator generator, SerializerProvider provider)
      throws IOException {
    byte[] bytes = value.unsafeArray();
    int length = 2 + 2 * bytes.length;
    byte[] text = room(length, provider);
    for (int i = 0, to = 2; i < bytes.length; i++) {
      text[to++] = DIGITS[(bytes[i] >> 4) & 0xf];
      text[to++] = DIGITS[bytes[i] & 0xf];
    }
    generator.writeRawUTF8String(text, 0, length);
  }

  /** Returns an array that the values of one result share; it begins with the prefix. */
  private static byte[] room(int length, SerializerProvider provider) {
    if (provider.getAttribute(HexSerializer.class) instanceof byte[] known
        && known.length >= length) {
      return known;
    }
    byte[] text = new byte[Math.max(length, MIN_ROOM)];
    text[0] = '0';
    text[1] = 'x';
    provider.setAttribute(HexSerializer.class, text);
    return text;
  }
}
