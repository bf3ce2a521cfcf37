// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.trace;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcStream;
import dev.patchbay.primitives.Block;
import dev.patchbay.rpc.codec.Params;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code trace_filter}: the calls of a range of blocks by who made them and who was called. */
final class TraceFilter {
  private static final long MAX_BLOCKS = 100;

  private final TraceNamespace traces;
  private final ChainReader chain;

  TraceFilter(TraceNamespace traces, ChainReader chain) {
    this.traces = traces;
    this.chain = chain;
  }

  RpcStream search(Params params) throws RpcError {
    Map<String, @Nullable Object> query = params.object(0);
    long from = bound(query, "fromBlock");
    long to = bound(query, "toBlock");
    if (from > to) {
      throw RpcError.invalidParams("invalid block range: " + from + " is after " + to);
    }
    chain.retention().requireRange(from, to);
    if (to - from >= MAX_BLOCKS) {
      throw new RpcError(
          RpcError.Kind.LIMIT,
          "block range of " + (to - from + 1) + " is too large, at most " + MAX_BLOCKS + " blocks");
    }
    Set<String> senders = addresses(query, "fromAddress");
    Set<String> receivers = addresses(query, "toAddress");
    long skipped = query.get("after") == null ? 0 : Params.quantity64("after", query.get("after"));
    long wanted =
        query.get("count") == null
            ? Long.MAX_VALUE
            : Params.quantity64("count", query.get("count"));
    return out -> {
      long[] left = {skipped, wanted};
      out.beginArray();
      for (long number = from; number <= to && left[1] > 0; number++) {
        Deadline.check();
        Block block = chain.block(number);
        if (block != null) {
          traces.forEachTrace(
              block,
              trace -> {
                if (matches(trace, senders, receivers) && left[0]-- <= 0 && left[1]-- > 0) {
                  out.value(trace);
                }
              });
        }
      }
      out.endArray();
    };
  }

  private long bound(Map<String, @Nullable Object> query, String name) throws RpcError {
    Object value = query.get(name);
    if ("earliest".equals(value)) {
      return chain.retention().oldestBlock(); // as eth_getLogs
    }
    Block block = Params.headerOf(chain, () -> Params.block(value, chain));
    if (block == null) {
      throw new RpcError(RpcError.SERVER_ERROR, "unknown block " + value);
    }
    return block.number();
  }

  private static Set<String> addresses(Map<String, @Nullable Object> query, String name)
      throws RpcError {
    Set<String> out = new HashSet<>();
    if (query.get(name) != null) {
      for (Object address : Params.list(name, query.get(name))) {
        out.add(Params.address(name, address).toString());
      }
    }
    return out;
  }

  static boolean matches(Object trace, Set<String> senders, Set<String> receivers) {
    Map<?, ?> item = (Map<?, ?>) trace;
    Map<?, ?> action = item.get("action") instanceof Map<?, ?> map ? map : Map.of();
    Map<?, ?> result = item.get("result") instanceof Map<?, ?> map ? map : Map.of();
    boolean sent =
        senders.isEmpty()
            || senders.contains(String.valueOf(action.get("from")))
            || senders.contains(String.valueOf(action.get("address")));
    boolean received =
        receivers.isEmpty()
            || receivers.contains(String.valueOf(action.get("to")))
            || receivers.contains(String.valueOf(action.get("refundAddress")))
            || receivers.contains(String.valueOf(action.get("author")))
            || receivers.contains(String.valueOf(result.get("address")));
    return sent && received;
  }
}
