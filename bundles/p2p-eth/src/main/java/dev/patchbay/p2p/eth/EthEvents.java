// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.HeaderStart;
import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerEvents;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Publishes what peers do, while the service that delivers events is registered. Threading: any
 * thread; the calls neither wait nor throw.
 */
final class EthEvents {
  /** Bytes of a decoded transaction, header or withdrawal in memory, in addition to its content. */
  private static final long ITEM_BYTES = 400;

  private final AtomicReference<@Nullable PeerEvents> target = new AtomicReference<>();

  /** Publishes to a service from now on. */
  void set(PeerEvents events) {
    target.set(events);
  }

  /** Ends that, unless another service was set meanwhile. */
  void unset(PeerEvents events) {
    target.compareAndSet(events, null);
  }

  private <E extends PeerEvent> void publish(
      Class<E> type, PeerId peer, long bytes, Supplier<E> event) {
    PeerEvents events = target.get();
    if (events != null) {
      events.publish(type, peer, bytes, event);
    }
  }

  /** Publishes each block of an announcement. */
  void received(PeerId peer, NewBlockHashes message) {
    for (NewBlockHashes.Announced block : message.blocks()) {
      publish(
          PeerEvent.NewBlockHash.class,
          peer,
          0,
          () -> new PeerEvent.NewBlockHash(peer, block.hash(), block.number()));
    }
  }

  /**
   * Publishes a new block.
   *
   * @param bytes size of the message
   */
  void received(PeerId peer, NewBlock message, int bytes) {
    int withdrawals =
        message.block().withdrawals() == null ? 0 : message.block().withdrawals().size();
    publish(
        PeerEvent.NewBlock.class,
        peer,
        bytes + ITEM_BYTES * (message.block().transactions().size() + withdrawals),
        () -> new PeerEvent.NewBlock(peer, message.block(), message.totalDifficulty()));
  }

  /**
   * Publishes transactions.
   *
   * @param bytes size of the message
   */
  void received(PeerId peer, Transactions message, int bytes) {
    publish(
        PeerEvent.Transactions.class,
        peer,
        bytes,
        () ->
            new PeerEvent.Transactions(
                peer, message.transactions().stream().map(tx -> Bytes.wrap(tx.encode())).toList()));
  }

  /** Publishes a request for headers. */
  void received(PeerId peer, GetBlockHeaders request) {
    publish(
        PeerEvent.GetBlockHeadersRequest.class,
        peer,
        0,
        () ->
            new PeerEvent.GetBlockHeadersRequest(
                peer,
                request.requestId(),
                start(request.origin()),
                request.limit(),
                request.skip(),
                request.reverse()));
  }

  private static HeaderStart start(GetBlockHeaders.Origin origin) {
    return origin instanceof GetBlockHeaders.ByHash byHash
        ? new HeaderStart.ByHash(byHash.hash())
        : new HeaderStart.ByNumber(((GetBlockHeaders.ByNumber) origin).number());
  }

  /** Publishes a request for bodies. */
  void received(PeerId peer, GetBlockBodies request) {
    publish(
        PeerEvent.GetBlockBodiesRequest.class,
        peer,
        (long) Hash.SIZE * request.hashes().size(),
        () -> new PeerEvent.GetBlockBodiesRequest(peer, request.requestId(), request.hashes()));
  }

  /**
   * Publishes headers.
   *
   * @param bytes size of the headers in RLP
   */
  void headers(PeerId peer, long requestId, List<BlockHeader> headers, long bytes) {
    publish(
        PeerEvent.BlockHeaders.class,
        peer,
        bytes + ITEM_BYTES * headers.size(),
        () -> new PeerEvent.BlockHeaders(peer, requestId, headers));
  }

  /**
   * Publishes bodies.
   *
   * @param bytes size of the bodies in RLP
   */
  void bodies(PeerId peer, long requestId, List<BlockBody> bodies, long bytes) {
    long items = 0;
    for (BlockBody body : bodies) {
      items += 1L + body.transactions().size();
      items += body.withdrawals() == null ? 0 : body.withdrawals().size();
    }
    publish(
        PeerEvent.BlockBodies.class,
        peer,
        bytes + ITEM_BYTES * items,
        () -> new PeerEvent.BlockBodies(peer, requestId, bodies));
  }
}
