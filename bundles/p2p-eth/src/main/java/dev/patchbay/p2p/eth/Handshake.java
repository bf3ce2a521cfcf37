// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.ForkId;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;

/**
 * What this node states in Status, and how it judges the Status of a peer (devp2p, "Ethereum Wire
 * Protocol", "Status"). Both are of the same head. Threading: immutable.
 *
 * @param local the Status of this node
 * @param filter judges fork ids
 * @param number number of the head
 * @param timestamp timestamp of the head, in seconds since the Unix epoch
 */
record Handshake(Status local, ForkIdFilter filter, long number, long timestamp) {
  /** Creates the handshake at the current head. */
  static Handshake of(ChainReader chain, EthVersion version) {
    Block head = chain.head();
    Block genesis = chain.genesis();
    long time = head.header().timestamp();
    Status local =
        new Status(
            version.number(),
            chain.networkId().longValue(),
            genesis.hash(),
            ForkId.of(genesis, chain.config(), head.number(), time),
            version.hasBlockRange() ? range(chain, head) : difficulty(chain, head));
    ForkIdFilter filter = ForkIdFilter.of(genesis, chain.config());
    return new Handshake(local, filter, head.number(), time);
  }

  /** Returns the block range of this node. */
  static BlockRange range(ChainReader chain, Block head) {
    long earliest = Math.min(chain.retention().oldestBlock(), head.number());
    return new BlockRange(earliest, head.number(), head.hash());
  }

  private static PeerHead difficulty(ChainReader chain, Block head) {
    Hash hash = head.hash();
    UInt256 total = chain.totalDifficulty(hash);
    return new PeerHead.TotalDifficulty(total == null ? UInt256.ZERO : total, hash);
  }

  /**
   * Checks the Status of a peer.
   *
   * @throws PeerBreachException when both sides have nothing in common
   */
  void check(Status remote) throws PeerBreachException {
    if (remote.version() != local.version()) {
      throw mismatch(
          "version",
          Long.toUnsignedString(remote.version()),
          Long.toUnsignedString(local.version()));
    }
    if (remote.networkId() != local.networkId()) {
      throw mismatch(
          "network",
          Long.toUnsignedString(remote.networkId()),
          Long.toUnsignedString(local.networkId()));
    }
    if (!remote.genesis().equals(local.genesis())) {
      throw mismatch("genesis", remote.genesis().toString(), local.genesis().toString());
    }
    ForkIdFilter.Verdict verdict = filter.check(number, timestamp, remote.forkId());
    if (verdict != ForkIdFilter.Verdict.COMPATIBLE) {
      throw new PeerBreachException(
          DisconnectReason.SUBPROTOCOL_ERROR,
          "fork id "
              + text(remote.forkId())
              + " does not fit "
              + text(local.forkId())
              + ": "
              + verdict);
    }
    if (remote.head() instanceof BlockRange range) {
      checkRange(range);
    } else if (remote.head() instanceof PeerHead.TotalDifficulty old) {
      NewBlock.checkTotal(old.totalDifficulty());
    }
  }

  /**
   * Checks a block range.
   *
   * @throws PeerBreachException when no node can have it
   */
  static void checkRange(BlockRange range) throws PeerBreachException {
    String fault = range.fault();
    if (fault != null) {
      throw new PeerBreachException(DisconnectReason.SUBPROTOCOL_ERROR, "block range: " + fault);
    }
  }

  private static PeerBreachException mismatch(String what, String remote, String own) {
    return new PeerBreachException(
        DisconnectReason.SUBPROTOCOL_ERROR, what + " is " + remote + ", here it is " + own);
  }

  private static String text(ForkId id) {
    return id.hashHex() + "/" + Long.toUnsignedString(id.next());
  }
}
