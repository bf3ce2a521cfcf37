// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.debug;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.tracing.TraceBudget;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerException;
import dev.patchbay.binding.Threads;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hex;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Replay;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code debug_subscribe} to {@code traceChain}: the traces of one block after the other. One
 * subscription is served at a time, as fast as its client reads; some wait.
 */
final class ChainTraces implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ChainTraces.class);
  private static final int MAX_WAITING = 4;
  private static final long PAUSE_MILLIS = 10;

  private final ChainReader chain;
  private final Replay replay;
  private final TraceMethods traces;
  private final Map<String, Wanted> active = new ConcurrentHashMap<>();
  private final ExecutorService thread =
      new ThreadPoolExecutor(
          0,
          1,
          1,
          TimeUnit.SECONDS,
          new ArrayBlockingQueue<>(MAX_WAITING),
          Threads.factory("rpc-debug-chain"));

  ChainTraces(ChainReader chain, Replay replay, TraceMethods traces) {
    this.chain = chain;
    this.replay = replay;
    this.traces = traces;
  }

  /**
   * What a client wants: the blocks above one, up to another.
   *
   * @param onClose ends the subscription with its connection
   */
  private record Wanted(
      RpcSession session,
      Block start,
      Block end,
      Map<String, @Nullable Object> options,
      Runnable onClose) {}

  Map<String, RpcMethod> methods() {
    return Map.of(
        "debug_subscribe",
        (p, session) -> subscribe(new Params(p), session),
        "debug_unsubscribe",
        (p, session) -> unsubscribe(new Params(p), session));
  }

  private Object subscribe(Params params, RpcSession session) throws RpcError {
    if (!session.canNotify()) {
      throw new RpcError(RpcError.METHOD_NOT_FOUND, "notifications not supported: use WebSocket");
    }
    Object kind = params.optional(0);
    if (!"traceChain".equals(kind)) {
      throw RpcError.invalidParams("no \"" + kind + "\" subscription in debug namespace");
    }
    Block start = params.requiredHeader(1, chain);
    Block end = params.requiredHeader(2, chain);
    if (start.number() >= end.number()) {
      throw RpcError.invalidParams(
          "end block (#"
              + end.number()
              + ") needs to come after start block (#"
              + start.number()
              + ")");
    }
    chain.retention().requireRange(start.number() + 1, end.number());
    String id = session.newSubscription();
    Runnable onClose = () -> active.remove(id);
    Wanted wanted = new Wanted(session, start, end, params.object(3), onClose);
    active.put(id, wanted);
    session.onClose(onClose);
    try {
      thread.execute(() -> send(id, wanted));
    } catch (RejectedExecutionException full) {
      end(id);
      throw new RpcError(
          RpcError.Kind.LIMIT,
          "too many subscriptions to traceChain: one is served and " + MAX_WAITING + " wait");
    }
    return id;
  }

  private Object unsubscribe(Params params, RpcSession session) throws RpcError {
    String id = String.valueOf(params.optional(0));
    Wanted wanted = active.get(id);
    if (wanted == null || wanted.session != session) {
      throw new RpcError(RpcError.SERVER_ERROR, "subscription not found");
    }
    return end(id);
  }

  /** Ends a subscription; returns whether it was active. */
  private boolean end(String id) {
    Wanted wanted = active.remove(id);
    if (wanted != null) {
      wanted.session.removeOnClose(wanted.onClose);
    }
    return wanted != null;
  }

  private void send(String id, Wanted wanted) {
    try {
      for (long number = wanted.start.number() + 1; number <= wanted.end.number(); number++) {
        while (active.containsKey(id) && !wanted.session.hasRoom()) {
          Thread.sleep(PAUSE_MILLIS);
        }
        Block block = active.containsKey(id) ? chain.block(number) : null;
        if (block == null) {
          return; // the client does not want more, or the chain was set back
        }
        boolean last = number == wanted.end.number();
        if (!block.transactions().isEmpty() || last) {
          Map<String, @Nullable Object> item = new LinkedHashMap<>();
          item.put("block", Hex.quantity(number));
          item.put("hash", block.hash().toString());
          item.put("traces", trace(block, wanted.options));
          wanted.session.notify("debug_subscription", id, item);
        }
      }
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
    } catch (RpcError | StorageException | StorageUnavailableException failure) {
      LOG.info("a subscription to traceChain ends: {}", failure.getMessage());
    } catch (Throwable failure) { // the thread serves other subscriptions
      LOG.error("a subscription to traceChain ends: {}", failure.toString(), failure);
    } finally {
      end(id);
    }
  }

  /** Returns what each transaction did, or why its trace failed. */
  private List<Object> trace(Block block, Map<String, @Nullable Object> options) throws RpcError {
    List<@Nullable Tracer> tracers = new ArrayList<>();
    TraceBudget budget = new TraceBudget();
    for (int i = 0; i < block.transactions().size(); i++) {
      tracers.add(traces.tracer(options, Replay.subject(block, i, budget)));
    }
    List<Object> out = new ArrayList<>();
    replay.run(
        block,
        tracers,
        (index, tracer) -> {
          Map<String, @Nullable Object> item = new LinkedHashMap<>();
          item.put("txHash", block.transactions().get(index).hash().toString());
          try {
            item.put("result", tracer.result());
          } catch (TracerException failure) {
            item.put("error", failure.getMessage());
          }
          out.add(item);
        });
    return out;
  }

  @Override
  public void close() {
    active.keySet().forEach(this::end);
    thread.shutdown();
  }
}
