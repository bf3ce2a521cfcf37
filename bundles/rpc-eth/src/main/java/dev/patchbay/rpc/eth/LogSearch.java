// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.LogIndex;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcExpensive;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.api.rpc.RpcSession.LogLimits;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bloom;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.rpc.codec.Params;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Finds logs by address and topics: block by block, skipping those that an index, when there is
 * one, or their bloom filter excludes.
 */
final class LogSearch {
  private static final int MAX_ALTERNATIVES = 1_000;

  /** A search of no more than this is no expensive call: asking the index takes less than 1 ms. */
  private static final long QUICK_RANGE = 100_000;

  private static final int QUICK_ALTERNATIVES = 16;
  private static final int QUICK_BLOCKS = 4;

  /** A search begins again after a reorg, so many times in all. */
  private static final int MAX_ATTEMPTS = 3;

  private final ChainReader chain;
  private final Supplier<@Nullable LogIndex> index;

  /** Searches a chain, with the help of an index as long as there is one. */
  LogSearch(ChainReader chain, Supplier<@Nullable LogIndex> index) {
    this.chain = chain;
    this.index = index;
  }

  /**
   * What to look for.
   *
   * @param addresses any of these; empty: any address
   * @param topics for each position any of these; empty: any topic
   */
  record Query(Set<Address> addresses, List<Set<Hash>> topics) {
    static Query parse(Map<String, @Nullable Object> object) throws RpcError {
      Set<Address> addresses = new HashSet<>();
      Object address = object.get("address");
      if (address instanceof List<?> list) {
        for (Object item : list) {
          addresses.add(Params.address("address", item));
        }
      } else if (address != null) {
        addresses.add(Params.address("address", address));
      }
      List<Set<Hash>> topics = new ArrayList<>();
      if (object.get("topics") != null) {
        for (Object position : Params.list("topics", object.get("topics"))) {
          Set<Hash> any = new HashSet<>();
          if (position instanceof List<?> list) {
            for (Object item : list) {
              if (item == null) {
                any.clear();
                break;
              }
              any.add(Params.hash("topic", item));
            }
          } else if (position != null) {
            any.add(Params.hash("topic", position));
          }
          topics.add(any);
        }
      }
      if (topics.size() > 4) {
        throw RpcError.invalidParams("exceed max topics: " + topics.size() + ", at most 4");
      }
      for (Set<?> any : topics) {
        if (any.size() > MAX_ALTERNATIVES || addresses.size() > MAX_ALTERNATIVES) {
          throw RpcError.invalidParams(
              "exceed max addresses or topics per position: at most " + MAX_ALTERNATIVES);
        }
      }
      return new Query(addresses, topics);
    }

    /** Returns what {@link #parse} makes an equal query of. */
    Map<String, @Nullable Object> toJson() {
      Map<String, @Nullable Object> out = new HashMap<>();
      out.put("address", addresses.stream().map(Address::toString).toList());
      out.put(
          "topics", topics.stream().map(any -> any.stream().map(Hash::toString).toList()).toList());
      return out;
    }

    int alternatives() {
      return addresses.size() + topics.stream().mapToInt(Set::size).sum();
    }

    boolean mayMatch(Bloom bloom) {
      if (!addresses.isEmpty()
          && addresses.stream().noneMatch(a -> bloom.mayContain(a.unsafeArray()))) {
        return false;
      }
      return topics.stream()
          .allMatch(
              any ->
                  any.isEmpty() || any.stream().anyMatch(t -> bloom.mayContain(t.unsafeArray())));
    }

    boolean matches(Log log) {
      if (!addresses.isEmpty() && !addresses.contains(log.address())) {
        return false;
      }
      if (topics.size() > log.topics().size()) {
        return false;
      }
      for (int i = 0; i < topics.size(); i++) {
        if (!topics.get(i).isEmpty() && !topics.get(i).contains(log.topics().get(i))) {
          return false;
        }
      }
      return true;
    }
  }

  Object getLogs(List<@Nullable Object> p, RpcSession session) throws RpcError {
    return search(LogCriteria.parse(new Params(p).object(0)), session.logLimits());
  }

  /**
   * Returns a list of logs where few blocks have to be looked at, otherwise the {@link
   * RpcExpensive} that finds them.
   */
  Object search(LogCriteria criteria, LogLimits limits) throws RpcError {
    Query query = criteria.query();
    if (criteria.blockHash() != null) {
      Block block = chain.block(criteria.blockHash());
      if (block == null) {
        throw new RpcError(RpcError.SERVER_ERROR, "unknown block");
      }
      FoundLogs found = new FoundLogs(query, this::read);
      if (query.mayMatch(block.header().logsBloom())) {
        found.add(read(block.hash(), false));
      }
      return atOnce(found);
    }
    Range range = range(criteria, limits);
    LogIndex known = index.get();
    if (known != null
        && range.to - range.from < QUICK_RANGE
        && query.alternatives() <= QUICK_ALTERNATIVES) {
      BitSet candidates = candidates(known, query, range);
      FoundLogs found =
          candidates.cardinality() > QUICK_BLOCKS
              ? null
              : look(query, range, candidates, limits.results());
      if (found != null) {
        return atOnce(found);
      }
    }
    return (RpcExpensive) () -> searchOneBranch(criteria, limits).result();
  }

  /** Returns what a method returns that has looked at few blocks: writing a long result is slow. */
  private static Object atOnce(FoundLogs found) {
    return found.isHeld() ? found.result() : (RpcExpensive) found::result;
  }

  /**
   * The blocks of a search.
   *
   * @param from number of the first block
   * @param to number of the last block
   * @param last hash of the last block, which names the branch; null when the head was moved to an
   *     earlier block meanwhile
   */
  private record Range(long from, long to, @Nullable Hash last) {}

  private Range range(LogCriteria criteria, LogLimits limits) throws RpcError {
    long head = chain.head().number();
    long from = criteria.from().number(chain, head);
    long to = criteria.to().number(chain, head);
    if (from > to) {
      throw RpcError.invalidParams("invalid block range params");
    }
    if (from > head || to > head) {
      throw RpcError.invalidParams("block range extends beyond current head block");
    }
    chain.retention().requireRange(from, to);
    if (to - from >= limits.blocks()) {
      throw new RpcError(
          RpcError.Kind.LIMIT,
          "block range of "
              + (to - from + 1)
              + " is too large, at most "
              + limits.blocks()
              + " blocks");
    }
    return new Range(from, to, chain.canonicalHash(to));
  }

  private boolean isCanonical(Range range) {
    return range.last != null && range.last.equals(chain.canonicalHash(range.to));
  }

  private static BitSet candidates(LogIndex known, Query query, Range range) {
    return known.candidates(range.from, range.to, query.addresses(), query.topics());
  }

  /** Searches until no reorg comes in between, some times at most. */
  private FoundLogs searchOneBranch(LogCriteria criteria, LogLimits limits) throws RpcError {
    Query query = criteria.query();
    for (int i = 0; i < MAX_ATTEMPTS; i++) {
      Range range = range(criteria, limits);
      LogIndex known = index.get();
      BitSet candidates = known == null ? null : candidates(known, query, range);
      FoundLogs found = look(query, range, candidates, limits.results());
      if (found != null) {
        return found;
      }
    }
    throw new RpcError(
        RpcError.SERVER_ERROR, "the chain was reorganized during the search; try again");
  }

  /**
   * Looks at blocks; returns null when a reorg has replaced blocks of the range since it was made:
   * the index or some blocks may have been of another branch.
   */
  private @Nullable FoundLogs look(
      Query query, Range range, @Nullable BitSet candidates, int mostResults) throws RpcError {
    FoundLogs found = new FoundLogs(query, this::read);
    try {
      for (long number = next(candidates, range.from, range.from); number <= range.to; ) {
        Deadline.check();
        Hash hash = chain.canonicalHash(number);
        BlockHeader header = hash == null ? null : chain.header(hash);
        if (hash == null || header == null) {
          throw unavailable(number);
        }
        if (query.mayMatch(header.logsBloom())) {
          found.add(read(hash, false));
        }
        if (found.count() > mostResults) {
          throw new RpcError(
              RpcError.Kind.LIMIT, "query returned more than " + mostResults + " results");
        }
        number = next(candidates, range.from, number + 1);
      }
    } catch (RpcError failure) {
      if (isCanonical(range)) {
        throw failure;
      }
      return null;
    }
    return isCanonical(range) ? found : null;
  }

  /** Returns the first block from a number on that is to be looked at. */
  private static long next(@Nullable BitSet candidates, long from, long number) {
    if (candidates == null) {
      return number;
    }
    int bit = candidates.nextSetBit((int) (number - from));
    return bit < 0 ? Long.MAX_VALUE : from + bit;
  }

  /**
   * Returns the logs of a block.
   *
   * @throws RpcError when the block or its receipts are not stored: the result must not lack them
   */
  private BlockLogs read(Hash hash, boolean removed) throws RpcError {
    BlockLogs found = logsOf(hash, removed);
    if (found == null) {
      throw unavailable(hash);
    }
    return found;
  }

  private static RpcError unavailable(Object block) {
    return new RpcError(
        RpcError.SERVER_ERROR, "the logs of block " + block + " are not available; try again");
  }

  /**
   * Returns the logs of a block; null when the block or its receipts are not stored.
   *
   * @param removed whether the block is no longer canonical
   */
  @Nullable BlockLogs logsOf(Hash hash, boolean removed) {
    Block block = chain.block(hash);
    List<Receipt> receipts = block == null ? null : chain.receipts(hash);
    return block == null || receipts == null ? null : new BlockLogs(block, receipts, removed);
  }
}
