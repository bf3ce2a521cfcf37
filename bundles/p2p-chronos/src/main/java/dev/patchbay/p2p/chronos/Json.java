// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * JSON of messages. What is read is bounded: in depth, tokens, and the lengths of names and
 * numbers. Duplicate members, trailing data and malformed UTF-8 are errors. Members of the message
 * that the protocol does not define are skipped. Threading: stateless.
 */
final class Json {
  /** Deepest nesting of objects and arrays. */
  static final int MAX_DEPTH = 32;

  /** Most names, values and brackets; a block of 8 MiB has fewer than 100,000 transactions. */
  static final int MAX_TOKENS = 131_072;

  private static final long VERSION = 1;
  private static final int CHARACTERS = 4_096;
  private static final int MAX_NAME = 64;
  private static final int MAX_NUMBER = 100;

  /** The largest id: the largest integer that all implementations of JSON read exactly. */
  static final long MAX_ID = (1L << 53) - 1;

  private static final JsonFactory FACTORY =
      new JsonFactoryBuilder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(JsonFactory.Feature.CHARSET_DETECTION)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxTokenCount(MAX_TOKENS)
                  .maxNameLength(MAX_NAME)
                  .maxNumberLength(MAX_NUMBER)
                  .maxStringLength(Limits.MAX_BLOCK_FRAME)
                  .build())
          .recyclerPool(JsonRecyclerPools.nonRecyclingPool()) // no thread keeps buffers
          .build();

  /**
   * A number that is no integer of 64 bits.
   *
   * @param text as it was written
   */
  record OtherNumber(String text) {}

  private Json() {}

  /**
   * Reads a message.
   *
   * @throws WireException when it is not one; it ends the connection
   */
  static Message read(byte[] frame) throws WireException {
    if (!isUtf8(frame)) {
      throw malformed("the message is not UTF-8");
    }
    try (JsonParser parser = FACTORY.createParser(frame)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw malformed("the message is no JSON object");
      }
      Message message = members(parser);
      if (parser.nextToken() != null) {
        throw malformed("data follows the JSON object");
      }
      return message;
    } catch (JsonProcessingException malformed) {
      throw malformed(String.valueOf(malformed.getOriginalMessage()));
    } catch (IOException | StackOverflowError unexpected) {
      throw malformed(unexpected.toString());
    }
  }

  /** The parser accepts overlong forms and surrogates; most frames have ASCII only. */
  private static boolean isUtf8(byte[] text) {
    int ascii = 0;
    while (ascii < text.length && text[ascii] >= 0) {
      ascii++;
    }
    if (ascii == text.length) {
      return true;
    }
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(text, ascii, text.length - ascii);
    CharBuffer out = CharBuffer.allocate(CHARACTERS);
    CoderResult result = decoder.decode(in, out, true);
    while (result.isOverflow()) {
      out.clear();
      result = decoder.decode(in, out, true);
    }
    return !result.isError();
  }

  private static Message members(JsonParser parser) throws IOException, WireException {
    String code = null;
    Object data = null;
    Long id = null;
    for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
      parser.nextToken();
      switch (name) {
        case "code" -> {
          if (parser.currentToken() != JsonToken.VALUE_STRING) {
            throw malformed("the code of the message is no string");
          }
          code = parser.getText();
        }
        case "data" -> data = value(parser);
        case "id" -> id = id(value(parser));
        case "v" -> {
          if (!Long.valueOf(VERSION).equals(value(parser))) {
            throw WireException.closing("unsupported_version", "this node speaks version 1");
          }
        }
        default -> parser.skipChildren();
      }
    }
    if (code == null) {
      throw malformed("the message has no code");
    }
    return new Message(code, data, id);
  }

  private static Long id(@Nullable Object value) throws WireException {
    if (value instanceof Long number && number >= 0 && number <= MAX_ID) {
      return number;
    }
    throw malformed("the id of the message is no integer from 0 to 2^53 - 1");
  }

  private static @Nullable Object value(JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case START_OBJECT -> {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
          parser.nextToken();
          out.put(name, value(parser));
        }
        yield out;
      }
      case START_ARRAY -> {
        List<@Nullable Object> out = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          out.add(value(parser));
        }
        yield out;
      }
      case VALUE_NUMBER_INT ->
          parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
              ? new OtherNumber(parser.getText())
              : (Object) parser.getLongValue();
      case VALUE_NUMBER_FLOAT -> new OtherNumber(parser.getText());
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      default -> parser.getText();
    };
  }

  private static WireException malformed(String reason) {
    return WireException.closing("malformed", reason);
  }

  /** Writes a message. */
  static byte[] write(MessageCode code, Object data, @Nullable Long id) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = FACTORY.createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("code", code.name());
      json.writeFieldName("data");
      write(json, data);
      if (id != null) {
        json.writeNumberField("id", id);
      }
      json.writeEndObject();
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return out.toByteArray();
  }

  private static void write(JsonGenerator json, @Nullable Object value) throws IOException {
    if (value instanceof Map<?, ?> map) {
      json.writeStartObject();
      for (Map.Entry<?, ?> member : map.entrySet()) {
        json.writeFieldName(String.valueOf(member.getKey()));
        write(json, member.getValue());
      }
      json.writeEndObject();
    } else if (value instanceof List<?> list) {
      json.writeStartArray();
      for (Object item : list) {
        write(json, item);
      }
      json.writeEndArray();
    } else if (value instanceof Number number) {
      json.writeNumber(number.longValue());
    } else if (value instanceof Boolean truth) {
      json.writeBoolean(truth);
    } else if (value == null) {
      json.writeNull();
    } else {
      json.writeString(value.toString());
    }
  }
}
