// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Replies to what peers have begun, out of the chain of this node. Threading: any thread. */
final class ServerRole {
  private static final Logger LOG = LoggerFactory.getLogger(ServerRole.class);

  private final LocalChain chain;
  private final NewBlocks newBlocks;
  private final AtomicBoolean isReported = new AtomicBoolean();

  ServerRole(LocalChain chain, NewBlocks newBlocks) {
    this.chain = chain;
    this.newBlocks = newBlocks;
  }

  /** Replies to PULL_BLOCK with a confirmed block. */
  void pull(Connection peer, Message message) throws WireException {
    long height = Fields.number(message.data(), "the height");
    Block block = chain.confirmed(height);
    byte[] reply = block == null ? null : reply(MessageCode.PUSH_BLOCK, block, message);
    if (reply == null) {
      throw WireException.notFound("height", height);
    }
    peer.send(MessageCode.PUSH_BLOCK, reply);
  }

  /** Replies to GET_BLOCK with a block of any branch. */
  void get(Connection peer, Message message) throws WireException {
    Hash hash = Fields.hash(message.data(), "the hash");
    Block block = chain.recent(hash);
    byte[] reply = block == null ? null : reply(MessageCode.NEW_BLOCK, block, message);
    if (reply == null) {
      throw WireException.notFound("hash", hash);
    }
    peer.known().add(hash);
    peer.send(MessageCode.NEW_BLOCK, reply);
  }

  private byte @Nullable [] reply(MessageCode code, Block block, Message request) {
    byte[] reply = BlockJson.message(code, block, request.id());
    if (reply == null && isReported.compareAndSet(false, true)) {
      LOG.warn(
          "chronos: {} and others are not served: they have ommers, or their messages exceed 8 MiB;"
              + " nodes need devp2p to follow this chain",
          block);
    }
    return reply;
  }

  /** Replies to NEW_BLOCK_HASH: the block is known, or wanted. */
  void announced(Connection peer, Message message) throws WireException {
    Hash hash = Fields.hash(message.data(), "the hash");
    peer.known().add(hash);
    if (chain.knows(hash) || newBlocks.isPublished(hash)) {
      peer.send(MessageCode.BLOCK_KNOWN, hash, message.id());
    } else {
      newBlocks.fetch(peer, hash);
    }
  }

  /** Takes a block that was not requested: a new one goes the way of all new blocks. */
  void received(Connection peer, ReceivedBlock received, @Nullable Long id) {
    Block block = received.block();
    peer.has(block);
    if (chain.knows(block.hash())) {
      peer.send(MessageCode.BLOCK_KNOWN, block.hash(), id);
    } else {
      newBlocks.received(peer, received);
    }
  }
}
