// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Frames and JSON of the protocol, independent of those of the node. Threading: stateless. */
final class Wire {
  static final int MAX_FRAME = 8 * 1024 * 1024;
  static final int MAX_DEPTH = 32;

  static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxStringLength(MAX_FRAME)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private Wire() {}

  /** Returns a text as a frame. */
  static byte[] frame(byte[] text) {
    return ByteBuffer.allocate(Integer.BYTES + text.length).putInt(text.length).put(text).array();
  }

  static byte[] frame(String text) {
    return frame(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Returns a message as a frame; without data when that is null. */
  static byte[] message(String code, @Nullable JsonNode data) {
    ObjectNode whole = NODES.objectNode().put("code", code);
    if (data != null) {
      whole.set("data", data);
    }
    return frame(whole.toString());
  }

  /** Reads any JSON text. */
  static JsonNode json(String text) throws IOException {
    return JSON.readTree(text);
  }

  /**
   * Reads the text of a message.
   *
   * @throws IOException when it is not one
   */
  static Message parse(byte[] text) throws IOException {
    String decoded;
    try {
      decoded = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString();
    } catch (CharacterCodingException malformed) {
      throw new IOException("the text is not UTF-8", malformed);
    }
    JsonNode whole = JSON.readTree(decoded);
    if (!whole.isObject()) {
      throw new IOException("the message is no JSON object");
    }
    if (!whole.path("code").isTextual()) {
      throw new IOException("the message has no code");
    }
    return new Message(whole.get("code").asText(), whole, text.length);
  }

  /**
   * Reads the text of the next frame; null at the end of the stream.
   *
   * @throws IOException when the stream ends inside a frame, or the length is invalid
   */
  static byte @Nullable [] read(InputStream in) throws IOException {
    int first = in.read();
    if (first < 0) {
      return null;
    }
    DataInputStream data = new DataInputStream(in);
    long length = ((long) first << 24) | (data.readUnsignedShort() << 8) | data.readUnsignedByte();
    if (length < 2 || length > MAX_FRAME) {
      throw new IOException("a frame of " + length + " bytes");
    }
    byte[] text = in.readNBytes((int) length);
    if (text.length < length) {
      throw new EOFException("the connection ends inside a frame");
    }
    return text;
  }
}
