// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.ProtocolHandler;
import dev.patchbay.primitives.Bytes;
import java.util.Map;

/**
 * A peer that speaks snap/1. This node sends no requests, so that replies of a peer are violations.
 *
 * @param connection the connection
 * @param server replies to requests
 */
record SnapPeer(PeerConnection connection, StateServer server) implements ProtocolHandler {
  @Override
  public void messageReceived(int message, Bytes payload) throws PeerBreachException {
    switch (message) {
      case MessageCode.GET_ACCOUNT_RANGE -> send(server.accounts(GetAccountRange.decode(payload)));
      case MessageCode.GET_STORAGE_RANGES -> send(server.slots(GetStorageRanges.decode(payload)));
      case MessageCode.GET_BYTE_CODES -> send(server.codes(GetByteCodes.decode(payload)));
      case MessageCode.GET_TRIE_NODES -> send(server.nodes(GetTrieNodes.decode(payload)));
      case MessageCode.ACCOUNT_RANGE,
          MessageCode.STORAGE_RANGES,
          MessageCode.BYTE_CODES,
          MessageCode.TRIE_NODES ->
          throw breach("unsolicited reply " + message);
      default -> throw breach("unknown message " + message);
    }
  }

  private void send(SnapMessage reply) {
    connection.send(reply.code(), reply.encode());
  }

  @Override
  public void disconnected() {}

  @Override
  public Map<String, Object> info() {
    return Map.of("version", SnapComponent.CAPABILITY.version());
  }

  private static PeerBreachException breach(String message) {
    return new PeerBreachException(DisconnectReason.PROTOCOL_BREACH, message);
  }
}
