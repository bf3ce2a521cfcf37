// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Replies to what peers have begun, out of the chain of this node. Threading: any thread. */
final class ServerRole {
  private static final Logger LOG = LoggerFactory.getLogger(ServerRole.class);

  private final LocalChain chain;
  private final NewBlocks newBlocks;
  private final AtomicBoolean ommersReported = new AtomicBoolean();

  ServerRole(LocalChain chain, NewBlocks newBlocks) {
    this.chain = chain;
    this.newBlocks = newBlocks;
  }

  /** Replies to PULL_BLOCK with a confirmed block. */
  void pull(Connection peer, Message message) throws WireException {
    long height = Fields.number(message.data(), "the height");
    Block block = chain.confirmed(height);
    Map<String, Object> json = block == null ? null : json(block);
    if (json == null) {
      throw WireException.notFound("height", height);
    }
    peer.send(MessageCode.PUSH_BLOCK, json, message.id());
  }

  /** Replies to GET_BLOCK with a block of any branch. */
  void get(Connection peer, Message message) throws WireException {
    Hash hash = Fields.hash(message.data(), "the hash");
    Block block = chain.recent(hash);
    Map<String, Object> json = block == null ? null : json(block);
    if (json == null) {
      throw WireException.notFound("hash", hash);
    }
    peer.known().add(hash);
    peer.send(MessageCode.NEW_BLOCK, json, message.id());
  }

  private @Nullable Map<String, Object> json(Block block) {
    Map<String, Object> json = BlockJson.write(block);
    if (json == null && ommersReported.compareAndSet(false, true)) {
      LOG.warn("chronos: blocks with ommers, such as {}, are not served", block);
    }
    return json;
  }

  /** Replies to NEW_BLOCK_HASH: the block is known, or wanted. */
  void announced(Connection peer, Message message) throws WireException {
    Hash hash = Fields.hash(message.data(), "the hash");
    peer.known().add(hash);
    if (chain.knows(hash)) {
      peer.send(MessageCode.BLOCK_KNOWN, hash, message.id());
    } else {
      newBlocks.fetch(peer, hash);
    }
  }

  /** Takes a block that was not requested: a new one goes the way of all new blocks. */
  void received(Connection peer, Block block, int bytes, @Nullable Long id) {
    peer.has(block);
    if (chain.knows(block.hash())) {
      peer.send(MessageCode.BLOCK_KNOWN, block.hash(), id);
    } else {
      newBlocks.received(peer, block, bytes);
    }
  }
}
