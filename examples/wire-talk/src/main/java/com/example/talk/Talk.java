// SPDX-License-Identifier: Apache-2.0
package com.example.talk;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerListener;
import dev.patchbay.api.p2p.ProtocolHandler;
import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.osgi.service.component.annotations.Component;

/**
 * The sub-protocol {@code talk/1}: peers send each other texts, and confirm them. Message 0 is a
 * text, message 1 confirms the number of its characters; both are lists of one item. The namespace
 * {@code talk} sends texts and shows what has arrived; {@code talk_events} shows the peers that
 * came and went.
 *
 * <p>There is no handshake: a connection is established at once.
 *
 * <p>Threading: any thread.
 */
@Component(property = RpcNamespace.NAME + "=talk")
public final class Talk implements WireProtocol, PeerListener, RpcNamespace {
  private static final int TEXT = 0;
  private static final int CONFIRMATION = 1;
  private static final int MAX_CHARACTERS = 1_000;
  private static final int MAX_KEPT = 1_000;

  private final List<PeerConnection> peers = new CopyOnWriteArrayList<>();
  private final Kept heard = new Kept();
  private final Kept confirmed = new Kept();
  private final Kept events = new Kept();
  private final Map<String, RpcMethod> methods =
      Map.of(
          "talk_say", (params, session) -> say(params),
          "talk_heard", (params, session) -> heard.list(),
          "talk_confirmed", (params, session) -> confirmed.list(),
          "talk_events", (params, session) -> events.list());

  /** The latest texts; a peer cannot make this bundle keep more. */
  private static final class Kept {
    private final Deque<String> texts = new ArrayDeque<>();

    synchronized void add(String text) {
      if (texts.size() == MAX_KEPT) {
        texts.poll();
      }
      texts.add(text);
    }

    synchronized List<String> list() {
      return List.copyOf(texts);
    }
  }

  @Override
  public Capability capability() {
    return new Capability("talk", 1);
  }

  @Override
  public int messageCount() {
    return 2;
  }

  @Override
  public ProtocolHandler connected(PeerConnection peer) {
    peers.add(peer);
    peer.established();
    return new Handler(peer);
  }

  private final class Handler implements ProtocolHandler {
    private final PeerConnection peer;

    Handler(PeerConnection peer) {
      this.peer = peer;
    }

    @Override
    public void messageReceived(int message, Bytes payload) throws PeerBreachException {
      RlpReader reader = RlpReader.of(payload.toArray()).list();
      if (message == TEXT) {
        String text = new String(reader.byteArray(), StandardCharsets.UTF_8);
        reader.expectEnd();
        if (text.length() > MAX_CHARACTERS) {
          throw new PeerBreachException(
              DisconnectReason.PROTOCOL_BREACH, "a text of " + text.length() + " characters");
        }
        heard.add(text);
        peer.send(CONFIRMATION, encode(w -> w.number(text.length())));
      } else {
        confirmed.add(Long.toString(reader.number()));
        reader.expectEnd();
      }
    }

    @Override
    public void disconnected() {
      peers.remove(peer);
    }

    @Override
    public Map<String, Object> info() {
      return Map.of("version", 1);
    }
  }

  private static Bytes encode(java.util.function.Consumer<RlpWriter> item) {
    return Bytes.of(new RlpWriter().list(item).toArray());
  }

  /** Sends a text to all peers; returns how many. */
  private int say(List<Object> params) throws RpcError {
    if (params.size() != 1
        || !(params.get(0) instanceof String text)
        || text.length() > MAX_CHARACTERS) {
      throw RpcError.invalidParams("a text of at most " + MAX_CHARACTERS + " characters");
    }
    Bytes payload = encode(w -> w.bytes(text.getBytes(StandardCharsets.UTF_8)));
    return (int) peers.stream().filter(peer -> peer.send(TEXT, payload)).count();
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }

  // ---- what peers do

  @Override
  public Set<Class<? extends PeerEvent>> events() {
    return Set.of(
        PeerEvent.PeerConnected.class,
        PeerEvent.PeerDisconnected.class,
        PeerEvent.Transactions.class,
        PeerEvent.NewBlockHash.class);
  }

  @Override
  public void peerEvent(PeerEvent event) {
    events.add(event.getClass().getSimpleName());
  }

  @Override
  public void eventsLost(long count) {
    events.add("lost " + count);
  }
}
