// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.api.rpc.SharedCache;
import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.NamedServices;
import dev.patchbay.rpc.server.WaitingRequests.Turn;
import java.io.IOException;
import java.time.Duration;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.bundle.Capability;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
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
 * Answers messages of JSON-RPC 2.0 with the methods of the namespaces that are present. A request
 * that needs a part of the node which is being replaced waits until the part is back.
 */
@Capability(
    namespace = "osgi.service",
    attribute = "objectClass:List<String>=\"dev.patchbay.rpc.server.Dispatcher\"")
@Component(
    name = Dispatcher.PID,
    service = {},
    immediate = true,
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

    /** Seconds that a request waits for a part that is being replaced. */
    @AttributeDefinition(
        description =
            "Seconds that a request waits for a bundle that is being updated or restarted, after it has stopped; 0: it is refused at once")
    int waiting_seconds() default 5;

    /** Requests that wait for a part that is being replaced. */
    @AttributeDefinition(
        description =
            "Requests of one listener that may wait for a bundle that is being updated or restarted")
    int waiting_requests() default 1_000;

    /** Share of the heap for requests and responses. */
    @AttributeDefinition(
        description =
            "Percent of the heap that requests, responses and notifications may take together")
    int memory_percent() default 25;

    /** Seconds that the removal of a namespace waits for its requests. */
    @AttributeDefinition(
        description =
            "Seconds that the stop of a bundle waits for the requests under way in its namespaces")
    int drain_seconds() default 2;
  }

  static final String PID = "dev.patchbay.rpc.server";

  private static final Logger LOG = LoggerFactory.getLogger(Dispatcher.class);
  private static final int MAX_DEPTH = 64;

  /** Buffers of parsers, some 90 kB, that are used again; by default each thread would keep one. */
  private static final int KEPT_BUFFERS = 16;

  private static final int MAX_SECONDS = 3_600;

  /** A request may wait for several bundles one after the other, but for so many times at most. */
  private static final int MAX_REPLACEMENTS = 6;

  private final JsonMapper json =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxNumberLength(100)
                          .build())
                  .recyclerPool(JsonRecyclerPools.newBoundedPool(KEPT_BUFFERS))
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .disable(StreamWriteFeature.AUTO_CLOSE_CONTENT)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .addModule(new SimpleModule().addSerializer(new HexSerializer()))
          .build();

  private final Responses responses = new Responses(json, () -> this.shared);
  private final Gate gate;
  private final MemoryBudget memory;
  private final Replacements replacements;
  private final Methods methods;
  private final Calls calls;
  private final WaitingRequests waiting;
  private final Duration maxWait;
  private final int maxWaiting;
  private final Duration drain;

  private volatile boolean closed;
  private @Nullable ServiceRegistration<?> registration;

  /** Ends what the activation began outside of this object. */
  private volatile Runnable release = () -> {};

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

  /** Takes how many expensive calls run at a time, and how long requests wait for a part. */
  @Activate
  public Dispatcher(BundleContext context, Config config, Map<String, Object> properties) {
    this(
        config,
        properties,
        new Replacements(
            context::getBundles,
            maxWait(config, ConfigurationValues.of(PID, properties)),
            System::nanoTime));
    context.addBundleListener(replacements);
    release = () -> context.removeBundleListener(replacements);
  }

  Dispatcher(Config config, Map<String, Object> properties, Replacements replacements) {
    ConfigurationValues values =
        ConfigurationValues.of(PID, properties).reportUnknown(Config.class, LOG::warn);
    int expensive = values.integer("expensive.calls", config::expensive_calls, 0, 1_000);
    int expensiveWaiting = values.integer("expensive.waiting", config::expensive_waiting, 0, 48);
    maxWaiting = values.integer("waiting.requests", config::waiting_requests, 0, 1_000_000);
    int drainSeconds = values.integer("drain.seconds", config::drain_seconds, 0, MAX_SECONDS);
    int percent = values.integer("memory.percent", config::memory_percent, 0, 80);
    memory = new MemoryBudget(Runtime.getRuntime().maxMemory() / 100 * percent);
    int processors = Runtime.getRuntime().availableProcessors();
    gate =
        new Gate(
            expensive == 0 ? Math.max(1, processors - 1) : expensive,
            expensiveWaiting,
            this::isImporting);
    this.replacements = replacements;
    maxWait = maxWait(config, values);
    drain = Duration.ofSeconds(drainSeconds);
    methods = new Methods(replacements, this::drain);
    calls = new Calls(methods, gate, responses);
    waiting =
        new WaitingRequests(
            replacements,
            maxWait.multipliedBy(MAX_REPLACEMENTS),
            System::nanoTime,
            name -> methods.get(name) != null,
            this::resume);
  }

  private static Duration maxWait(Config config, ConfigurationValues values) {
    return Duration.ofSeconds(
        values.integer("waiting.seconds", config::waiting_seconds, 0, MAX_SECONDS));
  }

  private boolean isImporting() {
    BlockImporter known = importer;
    return known != null && known.isImporting();
  }

  /**
   * Registers the service. The container would register it before it creates this component: where
   * the configuration is wrong, each user of the service would fail too.
   */
  @Activate
  void register(BundleContext context) {
    registration = context.registerService(Dispatcher.class, this, new Hashtable<>());
  }

  @Deactivate
  void close() {
    ServiceRegistration<?> registered = registration;
    if (registered != null) {
      registered.unregister();
      registration = null;
    }
    closed = true;
    release.run();
    waiting.close().forEach(message -> message.refuseAll(calls));
    gate.close();
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addNamespace(RpcNamespace namespace, Map<String, Object> properties) {
    methods.add(NamedServices.Registration.of(properties), namespace);
    waiting.wake();
  }

  void removeNamespace(RpcNamespace namespace, Map<String, Object> properties) {
    if (!closed) {
      methods.remove(NamedServices.Registration.of(properties));
    }
  }

  /** Returns the memory that requests and responses of all listeners share. */
  MemoryBudget memory() {
    return memory;
  }

  /** Returns how many threads of a listener may wait for expensive calls. */
  int expensiveCalls() {
    return gate.capacity();
  }

  /** Returns how long a listener that stops waits for its requests under way. */
  Duration drain() {
    return replacements.isStopping() ? Duration.ZERO : drain;
  }

  /** Returns how long a request waits for a part that is being replaced. */
  Duration maxWait() {
    return maxWait;
  }

  /** Returns a quota of the requests of one listener that wait. */
  Quota waitingQuota() {
    return new Quota(maxWaiting);
  }

  /** Returns the namespaces that have methods now. */
  Set<String> namespaces() {
    return methods.namespaces();
  }

  /**
   * Answers a message: a request or a batch. A request that needs a part which is being replaced
   * waits for it without a thread: then the response comes later, from another thread.
   *
   * @param terms how the listener serves
   * @param exchange what the message came by
   * @param reply takes the response; called before this returns unless a request waits
   */
  void answer(byte[] message, Terms terms, RpcSession session, Exchange exchange, Reply reply) {
    Answer response;
    try {
      exchange.memory().grow(MemoryBudget.ofParsed(message));
      Object request = json.readValue(message, Object.class);
      response = refuse(request, terms);
      if (response == null) {
        Message parsed = new Message(request, terms, session, exchange, reply);
        Turn turn = waiting.turn(parsed);
        if (turn == Turn.LATER) {
          return;
        }
        if (turn == Turn.NOW && terms.requests().tryEnter()) {
          proceed(parsed);
          return;
        }
        response = tooMany(request, terms);
      }
    } catch (RpcError full) {
      response = noMemory(terms);
    } catch (JsonProcessingException malformed) {
      response = parseError("parse error: " + malformed.getOriginalMessage());
    } catch (IOException impossible) {
      response = parseError("parse error");
    } catch (Throwable failure) { // an Error, say: the client must have an answer
      reply.failed(failure);
      return;
    }
    reply.answered(response);
  }

  /** Returns the response to a message for which there is no memory. */
  Answer noMemory(Terms terms) {
    RpcError full = MemoryBudget.full();
    return responses.error(null, full.code(terms.errors()), String.valueOf(full.getMessage()));
  }

  private Answer parseError(String message) {
    return responses.error(null, RpcError.PARSE_ERROR, message);
  }

  /** Returns the response to a batch that is refused whole; null for other messages. */
  private @Nullable Answer refuse(@Nullable Object request, Terms terms) {
    if (!(request instanceof List<?> batch)) {
      return null;
    }
    if (batch.isEmpty()) {
      return responses.error(null, RpcError.INVALID_REQUEST, "empty batch");
    }
    int most = terms.limits().batchItems();
    return batch.size() <= most
        ? null
        : responses.error(
            null,
            RpcError.Kind.LIMIT.code(terms.errors()),
            "batch too large: " + batch.size() + " items, at most " + most);
  }

  /** Returns the response to a message above the limit; null for a notification. */
  private @Nullable Answer tooMany(@Nullable Object request, Terms terms) {
    return Message.isNotification(request)
        ? null
        : responses.error(
            Message.id(request),
            RpcError.Kind.LIMIT.code(terms.errors()),
            "too many requests at a time; try again");
  }

  /**
   * Resumes a message that has waited, whether there is a place for it or not; throws nothing. What
   * of it is not answered is refused when its client has left.
   */
  private void resume(Message message) {
    try {
      if (message.isClientGone()) {
        message.refuseAll(calls);
        return;
      }
    } catch (Throwable failure) { // also an Error: the message must end
      message.fail(failure);
      return;
    }
    message.terms().requests().enter();
    proceed(message);
  }

  /**
   * Answers the unanswered requests of a message until all are answered or one waits. The message
   * has a place among the requests at a time, which is given back. Throws nothing.
   */
  private void proceed(Message message) {
    Quota places = message.terms().requests();
    boolean placed = true;
    try {
      for (AbsentException absent = lacking(message); absent != null; absent = lacking(message)) {
        places.leave();
        placed = false;
        if (waiting.add(absent, message)) {
          return;
        }
        places.enter();
        placed = true;
        message.answer(absent.refusal());
      }
    } catch (Throwable failure) { // also an Error: the client must not wait without end
      message.fail(failure);
      return;
    } finally {
      if (placed) {
        places.leave();
      }
    }
    message.complete();
  }

  /** Answers requests of a message; returns what the next one lacks, null when all are answered. */
  private @Nullable AbsentException lacking(Message message) {
    try {
      message.proceed(calls);
      return null;
    } catch (AbsentException absent) {
      return absent;
    }
  }

  /** Returns a notification of a subscription, as of {@link Responses#notification}. */
  byte[] notification(String method, String subscription, Object result) {
    return responses.notification(method, subscription, result);
  }
}
