// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.net.InetSocketAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a peer has done. The content of messages has the right form; whether it is true is not
 * checked. All events of a peer lie between its {@link PeerConnected} and its {@link
 * PeerDisconnected}.
 */
public sealed interface PeerEvent {
  /** Returns the peer. */
  PeerId peer();

  /**
   * A peer whose handshakes have all succeeded, whichever side has dialed.
   *
   * @param address the other end of the connection
   */
  record PeerConnected(PeerId peer, InetSocketAddress address) implements PeerEvent {}

  /**
   * The connection to a peer has ended.
   *
   * @param address the other end of the connection
   * @param reason why; null when the peer has given none that is known
   * @param byPeer whether the peer has ended it
   */
  record PeerDisconnected(
      PeerId peer, InetSocketAddress address, @Nullable DisconnectReason reason, boolean byPeer)
      implements PeerEvent {}

  /**
   * A peer announces a block.
   *
   * @param number number of the block, unsigned 64 bits
   */
  record NewBlockHash(PeerId peer, Hash hash, long number) implements PeerEvent {}

  /**
   * A peer sends a new block. Its seal is not checked, nor whether header and body belong together.
   *
   * @param totalDifficulty total difficulty up to and with the block, as the peer states it
   */
  record NewBlock(PeerId peer, Block block, UInt256 totalDifficulty) implements PeerEvent {
    /** Returns the hash of the block. */
    public Hash hash() {
      return block.hash();
    }

    /** Returns the number of the block, unsigned 64 bits. */
    public long number() {
      return block.number();
    }
  }

  /**
   * A peer sends transactions without a request for them. They are on their way into the pool,
   * unless this node downloads the chain.
   *
   * @param transactions canonical encodings (EIP-2718)
   */
  record Transactions(PeerId peer, List<Bytes> transactions) implements PeerEvent {
    /** Copies the list. */
    public Transactions {
      transactions = List.copyOf(transactions);
    }
  }

  /**
   * A peer has requested headers, and got them.
   *
   * @param requestId id that the peer has chosen, unsigned 64 bits
   * @param start the first header
   * @param limit how many headers at most, unsigned 64 bits
   * @param skip how many blocks lie between two headers, unsigned 64 bits
   * @param reverse whether numbers fall
   */
  record GetBlockHeadersRequest(
      PeerId peer, long requestId, HeaderStart start, long limit, long skip, boolean reverse)
      implements PeerEvent {}

  /**
   * A peer has requested bodies, and got them.
   *
   * @param requestId id that the peer has chosen, unsigned 64 bits
   * @param hashes hashes of the blocks
   */
  record GetBlockBodiesRequest(PeerId peer, long requestId, List<Hash> hashes)
      implements PeerEvent {
    /** Copies the list. */
    public GetBlockBodiesRequest {
      hashes = List.copyOf(hashes);
    }
  }

  /**
   * A peer has replied to a request for headers. They have the requested positions; consecutive
   * ones are linked by their parent hashes.
   *
   * @param requestId id of the request, which this node has chosen
   */
  record BlockHeaders(PeerId peer, long requestId, List<BlockHeader> headers) implements PeerEvent {
    /** Copies the list. */
    public BlockHeaders {
      headers = List.copyOf(headers);
    }
  }

  /**
   * A peer has replied to a request for bodies. A body belongs to the header with its roots,
   * whatever its position is.
   *
   * @param requestId id of the request, which this node has chosen
   */
  record BlockBodies(PeerId peer, long requestId, List<BlockBody> bodies) implements PeerEvent {
    /** Copies the list. */
    public BlockBodies {
      bodies = List.copyOf(bodies);
    }
  }
}
