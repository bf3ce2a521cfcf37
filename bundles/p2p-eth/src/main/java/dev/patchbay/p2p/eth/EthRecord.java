// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ForkId;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The entry {@code eth} of node records: {@code [[fork hash, next fork]]} (EIP-2124, devp2p
 * "Ethereum ENR entry"). By it nodes of one chain find each other among the nodes of all chains.
 *
 * <p>Threading: any thread.
 */
final class EthRecord {
  private static final String KEY = "eth";

  private final NodeServices services;

  /** The entry of the latest head; while the chain is replaced, that of before. */
  private volatile Map<String, Bytes> latest = Map.of();

  EthRecord(NodeServices services) {
    this.services = services;
  }

  /** Returns the entry of this node at the current head; none before there is a chain. */
  Map<String, Bytes> entries() {
    ForkId id = services.withChain(EthRecord::forkId);
    if (id != null) {
      latest = Map.of(KEY, encode(id));
    }
    return latest;
  }

  private static ForkId forkId(ChainReader chain) {
    Block head = chain.head();
    long time = head.header().timestamp();
    return ForkId.of(chain.genesis(), chain.config(), head.number(), time);
  }

  /** Returns whether a record is that of a node of this chain; false while there is no chain. */
  boolean accepts(Map<String, Bytes> entries) {
    Bytes value = entries.get(KEY);
    ForkId remote = value == null ? null : decode(value);
    return remote != null && services.withChain(chain -> isCompatible(chain, remote), false);
  }

  private static boolean isCompatible(ChainReader chain, ForkId remote) {
    Block head = chain.head();
    ForkIdFilter filter = ForkIdFilter.of(chain.genesis(), chain.config());
    return filter.check(head.number(), head.header().timestamp(), remote)
        == ForkIdFilter.Verdict.COMPATIBLE;
  }

  /** Encodes the value of the entry. */
  static Bytes encode(ForkId id) {
    RlpWriter writer = new RlpWriter();
    writer.list(entry -> Status.writeForkId(entry, id));
    return Bytes.wrap(writer.toArray());
  }

  /** Decodes the value of the entry, which may have further fields; null when it is malformed. */
  private static @Nullable ForkId decode(Bytes value) {
    try {
      return Status.readForkIdFields(RlpReader.of(value.toArray()).list().list());
    } catch (IllegalArgumentException malformed) {
      return null;
    }
  }
}
