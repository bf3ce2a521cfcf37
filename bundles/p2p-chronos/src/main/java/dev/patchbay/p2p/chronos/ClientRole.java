// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Block;

/** Begins exchanges with peers, and takes their replies. Threading: any thread. */
final class ClientRole {
  private final LocalChain chain;

  ClientRole(LocalChain chain) {
    this.chain = chain;
  }

  /** Takes BLOCK_KNOWN. */
  void known(Connection peer, Message message) throws WireException {
    peer.known().add(Fields.hash(message.data(), "the hash"));
  }

  /** Takes a block that was requested; returns whether it was. */
  boolean replied(Connection peer, MessageCode code, ReceivedBlock received) {
    Block block = received.block();
    boolean isReply =
        code == MessageCode.PUSH_BLOCK
            ? peer.requests().complete(block.number(), received)
            : peer.requests().complete(block.hash(), received);
    if (isReply) {
      peer.known().add(block.hash());
    }
    return isReply;
  }

  /** Takes the error that a block is not available. */
  void notFound(Connection peer, Fields error) {
    try {
      if (error.has("height")) {
        peer.requests().complete(error.number("height"), null);
      } else if (error.has("hash")) {
        peer.requests().complete(error.hash("hash"), null);
      }
    } catch (WireException malformed) {
      // the request times out
    }
  }

  /**
   * Finds the head of a peer that states its height only, as the seed has it: its latest block that
   * it gives by number, at most the stated one.
   */
  void learnHead(Connection peer) {
    Shakehand stated = peer.stated();
    long own = chain.height();
    if (stated == null
        || stated.headHash() != null
        || own < 0
        || stated.height() <= own
        || chain.isDriven()) {
      return;
    }
    peer.pull(stated.height())
        .whenComplete(
            (block, failure) -> {
              if (block != null) {
                peer.has(block.block());
              } else if (stated.height() > own + 1) { // also when it has no errors, and is silent
                learnNext(peer, own + 1);
              }
            });
  }

  private static void learnNext(Connection peer, long height) {
    peer.pull(height)
        .whenComplete(
            (block, failure) -> {
              if (block != null) {
                peer.has(block.block());
              }
            });
  }
}
