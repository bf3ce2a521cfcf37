// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import org.jspecify.annotations.Nullable;

/** Replies to what peers have begun, out of the chain of this node. Threading: any thread. */
final class ServerRole {
  private final LocalChain chain;
  private final NewBlocks newBlocks;

  ServerRole(LocalChain chain, NewBlocks newBlocks) {
    this.chain = chain;
    this.newBlocks = newBlocks;
  }

  /** Replies to PULL_BLOCK with a confirmed block. */
  void pull(Connection peer, Message message) throws WireException {
    long height = Fields.number(message.data(), "the height");
    Block block = chain.confirmed(height);
    if (block == null) {
      throw WireException.notFound("height", height);
    }
    byte[] reply = chain.message(MessageCode.PUSH_BLOCK, block, message.id());
    if (reply == null) {
      throw WireException.notCarried("height", height);
    }
    peer.send(MessageCode.PUSH_BLOCK, reply);
  }

  /** Replies to GET_BLOCK with a block of any branch. */
  void get(Connection peer, Message message) throws WireException {
    Hash hash = Fields.hash(message.data(), "the hash");
    Block block = chain.recent(hash);
    if (block == null) {
      throw WireException.notFound("hash", hash);
    }
    byte[] reply = chain.message(MessageCode.NEW_BLOCK, block, message.id());
    if (reply == null) {
      throw WireException.notCarried("hash", hash);
    }
    peer.known().add(hash);
    peer.send(MessageCode.NEW_BLOCK, reply);
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
