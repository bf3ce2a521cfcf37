// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.rpc.RpcConstant;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcExpensive;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.api.rpc.RpcStream;
import dev.patchbay.api.rpc.SharedCache;
import dev.patchbay.api.rpc.SharedResult;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.binding.ConfigurationKeys;
import dev.patchbay.binding.NamedServices;
import dev.patchbay.primitives.Hex;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the method of a request among the namespaces that are present, and turns outcomes into
 * JSON-RPC 2.0 responses.
 */
@Component(
    name = "dev.patchbay.rpc.server",
    service = Dispatcher.class,
    configurationPolicy = ConfigurationPolicy.OPTIONAL)
@Designate(ocd = Dispatcher.Config.class)
public final class Dispatcher {
  /** Configuration of all listeners together. */
  @ObjectClassDefinition(name = "Patchbay JSON-RPC")
  public @interface Config {
    /** Expensive calls that run at a time. */
    @AttributeDefinition(
        description =
            "Traces, searches and simulations that run at a time; 0: one less than processors")
    int expensive_calls() default 0;

    /** Expensive calls that wait. */
    @AttributeDefinition(description = "Traces, searches and simulations that may wait; at most 48")
    int expensive_waiting() default 32;
  }

  private static final Logger LOG = LoggerFactory.getLogger(Dispatcher.class);
  private static final int MAX_DEPTH = 64;

  /** Characters of an error message; a message may show text of a client or of a contract. */
  private static final int MAX_MESSAGE = 4_096;

  private static final int CONSTANTS_BYTES = 32 << 20;
  private static final byte[] CONSTANT_HEAD =
      "{\"jsonrpc\":\"2.0\",\"id\":".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] CONSTANT_MIDDLE = ",\"result\":".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] NOTIFICATION_TAIL = "}}".getBytes(StandardCharsets.US_ASCII);

  private final NamedServices<RpcMethod> methods = new NamedServices<>("method", LOG::warn);
  private final JsonMapper json =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxNumberLength(100)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .disable(StreamWriteFeature.AUTO_CLOSE_CONTENT)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .addModule(new SimpleModule().addSerializer(new HexSerializer()))
          .build();

  private final Constants constants = new Constants(json, CONSTANTS_BYTES);
  private final Gate gate;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile @Nullable BlockImporter importer;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile @Nullable SharedCache shared;

  /** Takes how many expensive calls run at a time. */
  @Activate
  public Dispatcher(Config config, Map<String, Object> properties) {
    ConfigurationKeys.report("dev.patchbay.rpc.server", properties, Config.class, LOG::warn);
    int calls = config.expensive_calls();
    int waiting = config.expensive_waiting();
    if (calls < 0 || calls > 1_000 || waiting < 0 || waiting > 48) {
      throw new IllegalArgumentException(
          "dev.patchbay.rpc.server: expensive.calls is "
              + calls
              + " and expensive.waiting "
              + waiting
              + ", allowed are 0 to 1,000 and 0 to 48");
    }
    int processors = Runtime.getRuntime().availableProcessors();
    gate = new Gate(calls == 0 ? Math.max(1, processors - 1) : calls, waiting, this::isImporting);
  }

  private boolean isImporting() {
    BlockImporter known = importer;
    return known != null && known.isImporting();
  }

  @Deactivate
  void close() {
    gate.close();
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addNamespace(RpcNamespace namespace, Map<String, Object> properties) {
    methods.addAll(NamedServices.Registration.of(properties), namespace.methods());
  }

  void removeNamespace(RpcNamespace namespace, Map<String, Object> properties) {
    methods.remove(NamedServices.Registration.of(properties));
  }

  /** Returns the namespaces that have methods now. */
  Set<String> namespaces() {
    Set<String> out = new TreeSet<>();
    methods.names().forEach(name -> out.add(name.substring(0, name.indexOf('_'))));
    return out;
  }

  /**
   * Answers a message: a request or a batch.
   *
   * @param terms how the listener serves
   * @param exchange what the message came by
   * @return the response, or null when there is nothing to answer, or when all of it was written to
   *     the exchange's {@code direct}
   * @throws BrokenAnswerException when {@code direct} was opened and the response cannot be ended:
   *     the connection must be cut
   */
  byte @Nullable [] answer(byte[] message, Terms terms, RpcSession session, Exchange exchange) {
    Object request;
    try {
      request = json.readValue(message, Object.class);
    } catch (JsonProcessingException malformed) {
      return error(
          null, RpcError.PARSE_ERROR, "parse error: " + malformed.getOriginalMessage(), null);
    } catch (IOException impossible) {
      return error(null, RpcError.PARSE_ERROR, "parse error", null);
    }
    if (!terms.requests().tryEnter()) {
      return error(
          request instanceof Map<?, ?> map ? map.get("id") : null,
          RpcError.Kind.LIMIT.code(terms.errors()),
          "too many requests at a time; try again",
          null);
    }
    try {
      return parsed(request, terms, session, exchange);
    } finally {
      terms.requests().leave();
    }
  }

  private byte @Nullable [] parsed(
      @Nullable Object request, Terms terms, RpcSession session, Exchange exchange) {
    Limits limits = terms.limits();
    if (!(request instanceof List<?> batch)) {
      return one(request, terms, session, exchange);
    }
    if (batch.isEmpty()) {
      return error(null, RpcError.INVALID_REQUEST, "empty batch", null);
    }
    if (batch.size() > limits.batchItems()) {
      return error(
          null,
          RpcError.Kind.LIMIT.code(terms.errors()),
          "batch too large: " + batch.size() + " items, at most " + limits.batchItems(),
          null);
    }
    return batch(batch, terms, session, exchange.held());
  }

  private byte @Nullable [] batch(
      List<?> batch, Terms terms, RpcSession session, Exchange exchange) {
    List<byte[]> responses = new ArrayList<>();
    long size = 2;
    for (Object item : batch) {
      byte[] response;
      if (size > terms.limits().responseBytes()) {
        Object id = item instanceof Map<?, ?> map ? map.get("id") : null;
        response =
            error(
                id,
                RpcError.Kind.RESPONSE_TOO_LARGE.code(terms.errors()),
                "response too large",
                null);
      } else {
        response = one(item, terms, session, exchange);
      }
      if (response != null) {
        size += response.length + 1;
        responses.add(response);
      }
    }
    if (responses.isEmpty()) {
      return null;
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream((int) Math.min(size, 1 << 20));
    out.write('[');
    for (int i = 0; i < responses.size(); i++) {
      if (i > 0) {
        out.write(',');
      }
      out.writeBytes(responses.get(i));
    }
    out.write(']');
    return out.toByteArray();
  }

  private byte @Nullable [] one(
      @Nullable Object request, Terms terms, RpcSession session, Exchange exchange) {
    if (!(request instanceof Map<?, ?> map)) {
      return error(null, RpcError.INVALID_REQUEST, "invalid request: not an object", null);
    }
    Object id = map.get("id");
    boolean validId = id == null || id instanceof String || id instanceof Number;
    if (!validId
        || !"2.0".equals(map.get("jsonrpc"))
        || !(map.get("method") instanceof String name)) {
      return error(validId ? id : null, RpcError.INVALID_REQUEST, "invalid request", null);
    }
    Object params = map.get("params");
    byte[] response;
    if (params != null && !(params instanceof List)) {
      response = error(id, RpcError.INVALID_PARAMS, "non-array args", null);
    } else {
      @SuppressWarnings("unchecked") // JSON arrays hold anything
      List<@Nullable Object> list = params == null ? List.of() : (List<@Nullable Object>) params;
      response = call(id, name, list, terms, session, exchange);
    }
    return map.containsKey("id") ? response : null;
  }

  private byte @Nullable [] call(
      @Nullable Object id,
      String name,
      List<@Nullable Object> params,
      Terms terms,
      RpcSession session,
      Exchange exchange) {
    int underscore = name.indexOf('_');
    RpcMethod method = methods.get(name);
    if (method == null
        || underscore < 0
        || !terms.namespaces().contains(name.substring(0, underscore))) {
      return notFound(id, name);
    }
    try {
      Object result = method.call(params, session);
      return result instanceof RpcExpensive expensive
          ? gate.call(
              terms.time(),
              exchange.gone(),
              () -> result(id, expensive.call(), terms, exchange.direct()))
          : result(id, result, terms, exchange.direct());
    } catch (BrokenAnswerException broken) {
      LOG.debug("{}: an answer ends before its end", name, broken);
      throw broken;
    } catch (RpcError failure) {
      return error(
          id, failure.code(terms.errors()), String.valueOf(failure.getMessage()), failure.data());
    } catch (Deadline.ExceededException late) {
      return error(
          id, RpcError.Kind.TIMEOUT.code(terms.errors()), String.valueOf(late.getMessage()), null);
    } catch (StorageUnavailableException unavailable) {
      return error(
          id, RpcError.STORAGE_UNAVAILABLE, String.valueOf(unavailable.getMessage()), null);
    } catch (PrunedException pruned) {
      return error(id, RpcError.PRUNED_HISTORY, String.valueOf(pruned.getMessage()), null);
    } catch (StorageException | IllegalStateException failure) {
      return error(id, RpcError.SERVER_ERROR, String.valueOf(failure.getMessage()), null);
    } catch (RuntimeException | StackOverflowError | LinkageError failure) {
      if (failure instanceof LinkageError && methods.get(name) != method) {
        return notFound(id, name); // a class was first needed when its bundle had gone
      }
      LOG.error("{} failed: {}", name, failure.toString(), failure);
      return error(id, RpcError.INTERNAL_ERROR, "internal error", null);
    }
  }

  private byte[] notFound(@Nullable Object id, String name) {
    return error(
        id,
        RpcError.METHOD_NOT_FOUND,
        "the method " + Hex.shown(name) + " does not exist/is not available",
        null);
  }

  /** Writes a response; returns null when it went to {@code direct}. */
  private byte @Nullable [] result(
      @Nullable Object id,
      @Nullable Object result,
      Terms terms,
      @Nullable Supplier<OutputStream> direct)
      throws RpcError {
    if (result instanceof RpcConstant constant) {
      return constant(id, constant, terms);
    }
    boolean streams = result instanceof RpcStream;
    AnswerBuffer out = new AnswerBuffer(terms.limits().responseBytes(), streams ? direct : null);
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
      return out.end();
    } catch (IOException | UncheckedIOException unwritten) {
      cutIfBegun(out, unwritten);
      Throwable cause =
          unwritten instanceof UncheckedIOException ? unwritten.getCause() : unwritten;
      if (cause instanceof AnswerBuffer.FullException full) {
        throw full.told();
      }
      throw new IllegalArgumentException("a result is not JSON-neutral", cause);
    } catch (RpcError | RuntimeException | StackOverflowError | LinkageError failure) {
      cutIfBegun(out, failure);
      throw failure;
    }
  }

  private static void cutIfBegun(AnswerBuffer out, Throwable failure) {
    if (out.isDirect()) {
      throw new BrokenAnswerException(failure);
    }
  }

  private byte[] constant(@Nullable Object id, RpcConstant constant, Terms terms) throws RpcError {
    try {
      byte[] value = constants.of(constant, shared);
      byte[] own = json.writeValueAsBytes(id);
      long length =
          (long) CONSTANT_HEAD.length + own.length + CONSTANT_MIDDLE.length + value.length;
      int most = terms.limits().responseBytes();
      if (length + 1 > most) {
        throw new AnswerBuffer.FullException(most).told();
      }
      return ByteBuffer.allocate((int) length + 1)
          .put(CONSTANT_HEAD)
          .put(own)
          .put(CONSTANT_MIDDLE)
          .put(value)
          .put((byte) '}')
          .array();
    } catch (JsonProcessingException notNeutral) {
      throw new IllegalArgumentException("a result is not JSON-neutral", notNeutral);
    }
  }

  private byte[] error(@Nullable Object id, int code, String message, @Nullable Object data) {
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
    return write(response);
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
