// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.patchbay.api.rpc.RpcConstant;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcStream;
import dev.patchbay.api.rpc.SharedCache;
import dev.patchbay.api.rpc.SharedResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes responses and notifications of JSON-RPC 2.0. Threading: any thread. */
final class Responses {
  private static final Logger LOG = LoggerFactory.getLogger(Responses.class);

  /** Characters of an error message; a message may show text of a client or of a contract. */
  private static final int MAX_MESSAGE = 4_096;

  private static final int CONSTANTS_BYTES = 32 << 20;

  private static final byte[] CONSTANT_HEAD =
      "{\"jsonrpc\":\"2.0\",\"id\":".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] CONSTANT_MIDDLE = ",\"result\":".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] CONSTANT_TAIL = {'}'};
  private static final byte[] NOTIFICATION_TAIL = "}}".getBytes(StandardCharsets.US_ASCII);

  private final JsonMapper json;
  private final Supplier<@Nullable SharedCache> shared;
  private final Constants constants;

  /**
   * Creates a writer.
   *
   * @param shared returns where other nodes put what they have made, or null
   */
  Responses(JsonMapper json, Supplier<@Nullable SharedCache> shared) {
    this.json = json;
    this.shared = shared;
    constants = new Constants(CONSTANTS_BYTES);
  }

  /**
   * Writes a response; returns null when it went to the exchange's {@code direct}.
   *
   * @throws BrokenAnswerException when {@code direct} was opened and the response cannot be ended
   */
  @Nullable Answer result(
      @Nullable Object id, @Nullable Object result, Terms terms, Exchange exchange)
      throws RpcError {
    if (result instanceof RpcConstant constant) {
      return constant(id, constant, terms, exchange);
    }
    AnswerBuffer out =
        new AnswerBuffer(
            terms.limits().responseBytes(),
            result instanceof RpcStream ? exchange.direct() : null,
            exchange.memory());
    try {
      JsonGenerator generator = json.getFactory().createGenerator(out);
      generator.writeStartObject();
      generator.writeStringField("jsonrpc", "2.0");
      generator.writeFieldName("id");
      generator.writePOJO(id);
      generator.writeFieldName("result");
      if (result instanceof RpcStream stream) {
        stream.writeTo(new GeneratedJson(generator));
      } else {
        generator.writePOJO(result);
      }
      generator.writeEndObject();
      generator.close();
      byte[] whole = out.end();
      return whole == null ? null : Answer.of(whole);
    } catch (IOException | UncheckedIOException unwritten) {
      abandon(out, unwritten);
      throw toRpcError(
          unwritten instanceof UncheckedIOException ? unwritten.getCause() : unwritten);
    } catch (RpcError | RuntimeException | StackOverflowError | LinkageError failure) {
      abandon(out, failure);
      throw failure;
    }
  }

  private static RpcError toRpcError(@Nullable Throwable unwritten) {
    if (unwritten instanceof AnswerBuffer.FullException full) {
      return full.toRpcError();
    }
    throw new IllegalArgumentException("a result is not JSON-neutral", unwritten);
  }

  /** Gives back the memory of an answer that failed; throws when a part of it was sent. */
  private static void abandon(AnswerBuffer out, Throwable failure) {
    out.uncount();
    if (out.isDirect()) {
      throw new BrokenAnswerException(failure);
    }
  }

  private Answer constant(@Nullable Object id, RpcConstant constant, Terms terms, Exchange exchange)
      throws RpcError {
    try {
      byte[] value = constants.of(constant, shared.get(), v -> written(v, terms, exchange));
      byte[] own = json.writeValueAsBytes(id);
      long length =
          (long) CONSTANT_HEAD.length + own.length + CONSTANT_MIDDLE.length + value.length + 1;
      int most = terms.limits().responseBytes();
      if (length > most) {
        throw AnswerBuffer.FullException.tooLarge(most).toRpcError();
      }
      exchange.memory().grow(length);
      return Answer.of(CONSTANT_HEAD, own, CONSTANT_MIDDLE, value, CONSTANT_TAIL);
    } catch (JsonProcessingException notNeutral) {
      throw new IllegalArgumentException("a result is not JSON-neutral", notNeutral);
    }
  }

  private byte[] written(@Nullable Object value, Terms terms, Exchange exchange) throws RpcError {
    AnswerBuffer out = new AnswerBuffer(terms.limits().responseBytes(), null, exchange.memory());
    try {
      json.writeValue(out, value);
      return Objects.requireNonNull(out.end()); // all of it is held
    } catch (IOException unwritten) {
      throw toRpcError(unwritten);
    } finally {
      out.uncount(); // the response is counted with what precedes the result
    }
  }

  /** Returns a response with an error without data; a long message is shortened. */
  Answer error(@Nullable Object id, int code, String message) {
    return Answer.of(write(errorOf(id, code, message, null)));
  }

  /**
   * Returns a response with an error; a long message is shortened. Data that are too long, or for
   * which there is no memory, are left out.
   */
  Answer error(@Nullable Object id, RpcError error, Terms terms, Exchange exchange) {
    int code = error.code(terms.errors());
    String message = String.valueOf(error.getMessage());
    if (error.data() != null) {
      AnswerBuffer out = new AnswerBuffer(terms.limits().responseBytes(), null, exchange.memory());
      try {
        json.writeValue(out, errorOf(id, code, message, error.data()));
        byte[] whole = out.end();
        if (whole != null) {
          return Answer.of(whole);
        }
      } catch (IOException unwritten) {
        out.uncount();
        LOG.debug("the data of an error are left out: {}", unwritten.toString());
      }
    }
    return error(id, code, message);
  }

  private static Map<String, @Nullable Object> errorOf(
      @Nullable Object id, int code, String message, @Nullable Object data) {
    Map<String, @Nullable Object> error = new LinkedHashMap<>();
    error.put("code", code);
    error.put(
        "message",
        message.length() > MAX_MESSAGE ? message.substring(0, MAX_MESSAGE) + "…" : message);
    if (data != null) {
      error.put("data", data);
    }
    Map<String, @Nullable Object> response = new LinkedHashMap<>();
    response.put("jsonrpc", "2.0");
    response.put("id", id);
    response.put("error", error);
    return response;
  }

  /**
   * Returns a notification of a subscription.
   *
   * @param result JSON-neutral value, or a {@link SharedResult}, which is serialized once
   */
  byte[] notification(String method, String subscription, Object result) {
    byte[] before =
        ("{\"jsonrpc\":\"2.0\",\"method\":\""
                + method
                + "\",\"params\":{\"subscription\":\""
                + subscription
                + "\",\"result\":")
            .getBytes(StandardCharsets.US_ASCII);
    byte[] value = result instanceof SharedResult shared ? shared.json(this::write) : write(result);
    return ByteBuffer.allocate(before.length + value.length + NOTIFICATION_TAIL.length)
        .put(before)
        .put(value)
        .put(NOTIFICATION_TAIL)
        .array();
  }

  /** Writes a value as JSON. */
  private byte[] write(Object value) {
    try {
      return json.writeValueAsBytes(value);
    } catch (JsonProcessingException notNeutral) {
      LOG.error("a result is not JSON-neutral: {}", notNeutral.getOriginalMessage());
      return "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32603,\"message\":\"internal error\"}}"
          .getBytes(StandardCharsets.UTF_8);
    }
  }
}
