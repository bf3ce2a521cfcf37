// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.rpc.codec.Params;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A search for logs: which logs, and in which blocks. Holds nothing else of the request.
 *
 * @param blockHash the only block; null for a range
 * @param from first block of the range
 * @param to last block of the range
 */
record LogCriteria(LogSearch.Query query, @Nullable Hash blockHash, Bound from, Bound to) {
  /** A block that a range begins or ends with. */
  static final class Bound {
    private final @Nullable Object json;
    private final Resolver resolver;

    private Bound(@Nullable Object json, Resolver resolver) {
      this.json = json;
      this.resolver = resolver;
    }

    private boolean is(String tag) {
      return tag.equals(json == null ? "latest" : json);
    }

    /** Returns its number now; {@link Long#MAX_VALUE} when there is no such block. */
    long number(ChainReader chain, long head) throws RpcError {
      return resolver.number(chain, head);
    }
  }

  private interface Resolver {
    long number(ChainReader chain, long head) throws RpcError;
  }

  private record Fixed(long number) implements Resolver {
    @Override
    public long number(ChainReader chain, long head) {
      return number;
    }
  }

  static LogCriteria parse(Map<String, @Nullable Object> object) throws RpcError {
    LogSearch.Query query = LogSearch.Query.parse(object);
    Object from = object.get("fromBlock");
    Object to = object.get("toBlock");
    Object blockHash = object.get("blockHash");
    if (blockHash != null && (from != null || to != null)) {
      throw RpcError.invalidParams(
          "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other");
    }
    Hash hash = blockHash == null ? null : Params.hash("blockHash", blockHash);
    return new LogCriteria(query, hash, bound(from), bound(to));
  }

  /**
   * Returns the logs of new blocks that a filter or a subscription with these criteria reports. As
   * in geth, a number bounds the blocks, and of the tags only {@code latest} and, as the first
   * block, {@code earliest} are valid.
   *
   * @throws RpcError when the range is invalid
   */
  LiveLogs live() throws RpcError {
    if (from.is("pending") || to.is("pending")) {
      throw RpcError.invalidParams("pending logs are not supported");
    }
    if (from.is("latest") && to.is("latest")) {
      return new LiveLogs(query, 0, Long.MAX_VALUE);
    }
    long first = from.is("earliest") ? 0 : number(from);
    long last = to.is("latest") ? Long.MAX_VALUE : number(to);
    if (first > last) {
      throw invalidRange();
    }
    return new LiveLogs(query, first, last);
  }

  private static long number(Bound bound) throws RpcError {
    if (bound.resolver instanceof Fixed fixed) {
      return fixed.number;
    }
    throw invalidRange();
  }

  private static RpcError invalidRange() {
    return RpcError.invalidParams("invalid block range params");
  }

  /** Returns what {@link #parse} makes equal criteria of. */
  Map<String, @Nullable Object> toJson() {
    Map<String, @Nullable Object> out = query.toJson();
    if (blockHash != null) {
      out.put("blockHash", blockHash.toString());
    }
    out.put("fromBlock", from.json);
    out.put("toBlock", to.json);
    return out;
  }

  private static Bound bound(@Nullable Object value) throws RpcError {
    return new Bound(value, resolver(value));
  }

  private static Resolver resolver(@Nullable Object value) throws RpcError {
    if (value == null || value.equals("latest") || value.equals("pending")) {
      return (chain, head) -> head;
    }
    if (value.equals("safe") || value.equals("finalized")) {
      String tag = value.equals("safe") ? "safe" : "finalized";
      return (chain, head) -> {
        Block tagged = Params.headerOf(chain, () -> Params.marked(tag, chain));
        return tagged == null ? Long.MAX_VALUE : tagged.number();
      };
    }
    if (value.equals("earliest")) {
      // as geth: the first block that can be searched
      return (chain, head) -> chain.retention().oldestBlock();
    }
    UInt256 quantity = Params.quantity("block number", value);
    boolean fits = quantity.fitsLong() && quantity.longValue() >= 0;
    return new Fixed(fits ? quantity.longValue() : Long.MAX_VALUE);
  }
}
