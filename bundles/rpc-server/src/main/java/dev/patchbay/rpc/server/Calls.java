// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcExpensive;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.binding.DeferredInterruptThread;
import dev.patchbay.binding.Lease;
import dev.patchbay.binding.NotBoundException;
import dev.patchbay.primitives.Hex;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers single requests: finds the method, calls it, and turns the outcome into a response.
 * Threading: any thread.
 */
final class Calls implements Message.Caller {
  private static final Logger LOG = LoggerFactory.getLogger(Calls.class);

  private final Methods methods;
  private final Gate gate;
  private final Responses responses;

  Calls(Methods methods, Gate gate, Responses responses) {
    this.methods = methods;
    this.gate = gate;
    this.responses = responses;
  }

  @Override
  public @Nullable Answer call(
      @Nullable Object request, Terms terms, RpcSession session, Exchange exchange)
      throws AbsentException {
    if (!(request instanceof Map<?, ?> map)) {
      return responses.error(null, RpcError.INVALID_REQUEST, "invalid request: not an object");
    }
    Object id = map.get("id");
    boolean validId = id == null || id instanceof String || id instanceof Number;
    if (!validId
        || !"2.0".equals(map.get("jsonrpc"))
        || !(map.get("method") instanceof String name)) {
      return responses.error(validId ? id : null, RpcError.INVALID_REQUEST, "invalid request");
    }
    boolean notification = Message.isNotification(request);
    Object params = map.get("params");
    if (params != null && !(params instanceof List)) {
      return notification ? null : responses.error(id, RpcError.INVALID_PARAMS, "non-array args");
    }
    @SuppressWarnings("unchecked") // JSON arrays hold anything
    List<@Nullable Object> list = params == null ? List.of() : (List<@Nullable Object>) params;
    try {
      Answer response = call(id, name, list, terms, session, exchange);
      return notification ? null : response;
    } catch (AbsentException absent) {
      throw notification ? absent.ofNotification() : absent;
    }
  }

  @Override
  public @Nullable Answer tooLarge(@Nullable Object request, Terms terms) {
    int code = RpcError.Kind.RESPONSE_TOO_LARGE.code(terms.errors());
    return refusal(request, code, "response too large");
  }

  @Override
  public @Nullable Answer stopping(@Nullable Object request) {
    return refusal(request, RpcError.SERVER_ERROR, "the server is stopping; ask again");
  }

  private @Nullable Answer refusal(@Nullable Object request, int code, String message) {
    return Message.isNotification(request)
        ? null
        : responses.error(Message.id(request), code, message);
  }

  private @Nullable Answer call(
      @Nullable Object id,
      String name,
      List<@Nullable Object> params,
      Terms terms,
      RpcSession session,
      Exchange exchange)
      throws AbsentException {
    int underscore = name.indexOf('_');
    if (underscore < 0 || !terms.namespaces().contains(name.substring(0, underscore))) {
      return notFound(id, name);
    }
    while (true) {
      Methods.Served served = methods.get(name);
      if (served == null) {
        Answer refusal = notFound(id, name);
        if (methods.isExpectedBack(name)) {
          throw AbsentException.ofMethod(name, refusal);
        }
        if (methods.get(name) == null) {
          return refusal;
        }
        continue; // it was added meanwhile
      }
      try {
        return call(id, name, served, params, terms, session, exchange);
      } catch (NotBoundException removed) {
        if (methods.get(name) == served) {
          return failed(id, name, removed);
        }
      }
    }
  }

  private @Nullable Answer call(
      @Nullable Object id,
      String name,
      Methods.Served served,
      List<@Nullable Object> params,
      Terms terms,
      RpcSession session,
      Exchange exchange)
      throws AbsentException {
    // a client must not miss the id of a filter that it has made, or the hash of a transaction
    try (MemoryBudget.Reservation held = exchange.memory().reserve(AnswerBuffer.COUNTED_BYTES)) {
      return call(id, served, params, terms, session, exchange);
    } catch (BrokenAnswerException broken) {
      LOG.debug("{}: an answer ends before its end", name, broken);
      throw broken;
    } catch (RpcError failure) {
      Answer error = responses.error(id, failure, terms, exchange);
      if (failure.isAbsence()) {
        throw new AbsentException("a part that a method names", error);
      }
      return error;
    } catch (Deadline.ExceededException late) {
      return error(id, RpcError.Kind.TIMEOUT.code(terms.errors()), late);
    } catch (StorageUnavailableException unavailable) {
      throw new AbsentException("the store", error(id, RpcError.STORAGE_UNAVAILABLE, unavailable));
    } catch (NotReadyException missing) {
      throw new AbsentException("a part of the kernel", error(id, RpcError.SERVER_ERROR, missing));
    } catch (PrunedException pruned) {
      return error(id, RpcError.PRUNED_HISTORY, pruned);
    } catch (StorageException | IllegalStateException failure) {
      return error(id, RpcError.SERVER_ERROR, failure);
    } catch (NotBoundException removed) {
      throw removed;
    } catch (RuntimeException | StackOverflowError | LinkageError failure) {
      if (failure instanceof LinkageError && methods.get(name) != served) {
        return notFound(id, name); // a class was first needed when its bundle had been replaced
      }
      return failed(id, name, failure);
    }
  }

  private Answer failed(@Nullable Object id, String name, Throwable failure) {
    LOG.error("{} failed: {}", name, failure.toString(), failure);
    return responses.error(id, RpcError.INTERNAL_ERROR, "internal error");
  }

  /**
   * Calls a method while the removal of its namespace waits, but for the time that an expensive
   * call waits for its turn.
   *
   * @throws NotBoundException when the namespace is removed
   */
  private @Nullable Answer call(
      @Nullable Object id,
      Methods.Served served,
      List<@Nullable Object> params,
      Terms terms,
      RpcSession session,
      Exchange exchange)
      throws RpcError {
    RpcExpensive expensive;
    try (DeferredInterruptThread.Section section = DeferredInterruptThread.beginSection();
        Lease<RpcNamespace> lease = served.namespace().lease()) {
      Object result = served.method().call(params, session);
      if (!(result instanceof RpcExpensive call)) {
        return responses.result(id, result, terms, exchange);
      }
      expensive = call;
    }
    return gate.call(
        terms.time(),
        session::isGone,
        () -> {
          try (Lease<RpcNamespace> lease = served.namespace().lease()) {
            return responses.result(id, expensive.call(), terms, exchange);
          }
        });
  }

  private Answer error(@Nullable Object id, int code, RuntimeException failure) {
    return responses.error(id, code, String.valueOf(failure.getMessage()));
  }

  private Answer notFound(@Nullable Object id, String name) {
    return responses.error(
        id,
        RpcError.METHOD_NOT_FOUND,
        "the method " + Hex.shown(name) + " does not exist/is not available");
  }
}
