// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Hex;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Handles the messages of peers: in the view of the server what they begin, in that of the client
 * what they reply. Threading: any thread; the messages of a peer come one at a time.
 */
final class Messages {
  private static final Logger LOG = LoggerFactory.getLogger(Messages.class);

  /** Decides which peers there are. */
  interface Admission {
    /**
     * Admits a peer that has stated who it is.
     *
     * @param reply writes the reply; to be called before others can write to the peer
     * @return false when its connection ends without an error
     * @throws WireException when it cannot be a peer; it ends the connection
     */
    boolean admit(Connection peer, Shakehand stated, Runnable reply) throws WireException;
  }

  private final LocalChain chain;
  private final ServerRole server;
  private final ClientRole client;
  private final Admission admission;
  private final boolean strict;
  private final Warnings warnings = new Warnings();

  /** The last statement of this node, while its chain is replaced. */
  private volatile @Nullable Shakehand latest;

  Messages(
      LocalChain chain, ServerRole server, ClientRole client, Admission admission, boolean strict) {
    this.chain = chain;
    this.server = server;
    this.client = client;
    this.admission = admission;
    this.strict = strict;
  }

  /** Returns what this node states; null before its chain could be read. */
  @Nullable Shakehand own() {
    Shakehand now = chain.shakehand();
    if (now != null) {
      latest = now;
      return now;
    }
    Shakehand before = latest;
    return before == null ? null : before.withTimestamp(chain.wallMillis().getAsLong());
  }

  /**
   * Sends SHAKEHAND; called for the connections that this node has dialed.
   *
   * @throws WireException when the chain cannot be read
   */
  void shake(Connection peer) throws WireException {
    peer.shake(required(), null);
  }

  private Shakehand required() throws WireException {
    Shakehand own = own();
    if (own == null) {
      throw WireException.closing("busy", "the chain of this node is not available now");
    }
    return own;
  }

  /**
   * Handles a message.
   *
   * @param bytes size of its frame
   * @throws WireException what the peer is sent
   */
  void received(Connection peer, Message message, int bytes) throws WireException {
    MessageCode code = MessageCode.of(message.code());
    if (bytes > Limits.MAX_FRAME && (code == null || !code.hasBlock())) {
      throw WireException.closing(
          "too_large", "a frame without a block has at most " + Limits.MAX_FRAME + " bytes");
    }
    if (code != null) {
      peer.receivedMessages().add(code);
    }
    if (code == MessageCode.ERROR) {
      error(peer, message);
      return;
    }
    if (code == MessageCode.SHAKEHAND) {
      shaken(peer, message);
      return;
    }
    if (!peer.wasEstablished()) {
      throw WireException.closing("handshake", "the first message must be SHAKEHAND");
    }
    if (code == null) {
      throw WireException.of("unknown_code", "the code " + Hex.shown(message.code()));
    }
    switch (code) {
      case PULL_BLOCK -> server.pull(peer, message);
      case GET_BLOCK -> server.get(peer, message);
      case NEW_BLOCK_HASH -> server.announced(peer, message);
      case BLOCK_KNOWN -> client.known(peer, message);
      default -> {
        ReceivedBlock block =
            new ReceivedBlock(BlockJson.read(chain.isRollup(), message.data()), bytes);
        if (!client.replied(peer, code, block)) {
          server.received(peer, block, message.id());
        }
      }
    }
  }

  private void shaken(Connection peer, Message message) throws WireException {
    Shakehand own = required();
    Shakehand stated = Shakehand.read(message.data(), Objects.requireNonNull(own.chain()), strict);
    if (!peer.wasEstablished()) {
      if (!admission.admit(peer, stated, () -> reply(peer, own, message))) {
        return;
      }
      report(peer, stated);
    } else if (!stated.address().equals(Objects.requireNonNull(peer.stated()).address())) {
      throw WireException.closing("handshake", "the address of the peer has changed");
    } else {
      peer.state(stated);
      reply(peer, own, message);
    }
    client.learnHead(peer);
  }

  /** Only the node that was dialed replies to SHAKEHAND. */
  private static void reply(Connection peer, Shakehand own, Message message) {
    if (peer.inbound()) {
      peer.shake(own, message.id());
    }
  }

  private void report(Connection peer, Shakehand stated) {
    long skew = stated.timestamp() - chain.wallMillis().getAsLong();
    InetAddress source = peer.remote().getAddress();
    if (Math.abs(skew) > Limits.MAX_SKEW.toMillis() && warnings.isFirst(source, "clock")) {
      LOG.warn(
          "chronos: the clock of {} differs by {} s; Clique needs equal clocks",
          peer,
          Duration.ofMillis(skew).toSeconds());
    }
    if (stated.chain() == null && warnings.isFirst(source, "chain")) {
      LOG.info("chronos: {} does not state its chain; its blocks are verified as all are", peer);
    }
  }

  private void error(Connection peer, Message message) {
    Fields error = message.data() instanceof Map<?, ?> map ? new Fields(map) : new Fields(Map.of());
    Object code = error.members().get("code");
    LOG.debug(
        "chronos: {} sends the error {}: {}",
        peer,
        Connection.printable(String.valueOf(code)),
        Connection.printable(String.valueOf(error.members().get("message"))));
    if ("not_found".equals(code)) {
      client.notFound(peer, error);
      return;
    }
    peer.noteError(WireException.counted(code));
  }
}
