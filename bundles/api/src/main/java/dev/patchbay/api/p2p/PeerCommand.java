// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.util.List;

/**
 * What this node wants of its peers; see {@link Peers#execute}. Headers and bodies that peers
 * request are sent by the networks themselves, out of the chain: no command is needed for them.
 */
public sealed interface PeerCommand {
  /** A command to all peers of all networks. Its result is the number of peers that it reaches. */
  sealed interface Broadcast extends PeerCommand {}

  /**
   * A request to one peer. Its result is the number of headers or bodies that have arrived, in one
   * event for each reply. There are fewer than requested when the peer does not have more.
   */
  sealed interface Request extends PeerCommand {
    /** Returns the peer. */
    PeerId peer();
  }

  /**
   * Sends a block of this node's chain, which has verified it: in full to some peers, by its hash
   * to the others, or as the operator has configured the network. Peers that know the block are
   * left out, and peers that end the connection when blocks are sent: clients that follow a
   * consensus client. When a consensus client drives this node's chain, devp2p sends nothing, and
   * Chronos sends the block. A block that the chain does not have is announced by its hash.
   *
   * @param hash hash of the block
   * @param number number of the block
   */
  record BroadcastBlock(Hash hash, long number) implements Broadcast {}

  /**
   * Sends transactions: in full to some peers, to all when they are few, and by their hashes to the
   * others. A transaction should be in the pool, since peers request it there.
   *
   * @param transactions canonical encodings (EIP-2718), without blobs
   */
  record BroadcastTransactions(List<Bytes> transactions) implements Broadcast {
    /** Copies the list. */
    public BroadcastTransactions {
      transactions = List.copyOf(transactions);
    }
  }

  /**
   * Requests headers, at most 512 at a time, and the rest again.
   *
   * @param peer who is asked
   * @param start the first header
   * @param count how many headers, at least 1
   * @param skip how many blocks lie between two headers, at least 0
   * @param reverse whether numbers fall
   */
  record GetBlockHeaders(PeerId peer, HeaderStart start, int count, int skip, boolean reverse)
      implements Request {
    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException when one is too small
     */
    public GetBlockHeaders {
      if (count < 1 || skip < 0) {
        throw new IllegalArgumentException(
            "count is " + count + ", at least 1; skip is " + skip + ", at least 0");
      }
    }

    /** Requests consecutive headers of the canonical chain from a number on. */
    public GetBlockHeaders(PeerId peer, long start, int count) {
      this(peer, new HeaderStart.ByNumber(start), count, 0, false);
    }
  }

  /**
   * Requests bodies, at most 128 at a time, and the rest again.
   *
   * @param peer who is asked
   * @param hashes hashes of the blocks
   */
  record GetBlockBodies(PeerId peer, List<Hash> hashes) implements Request {
    /** Copies the list. */
    public GetBlockBodies {
      hashes = List.copyOf(hashes);
    }
  }
}
