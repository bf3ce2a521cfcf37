// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.ChainHead;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.ProtocolHandler;
import dev.patchbay.binding.Failures;
import dev.patchbay.p2p.devp2p.rlpx.SnappyBlock;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Calls the sub-protocols of one session. A violation ends the session with its reason; any other
 * failure is an error of this node, which is recorded, and ends the session too.
 *
 * <p>Threading: the calls come one at a time, see {@link MessageQueue}; {@link #head} and {@link
 * #info} from any thread.
 */
final class ProtocolHandlers implements MessageQueue.Handler {
  /** Greatest payload of a message of a sub-protocol, in bytes. */
  static final int MAX_PAYLOAD_BYTES = 10 << 20;

  private static final int MAX_DETAIL_CHARS = 200;

  private final Session session;
  private final List<SharedProtocol> protocols;
  private final Hello hello;
  private final Failures failures;
  private final Map<SharedProtocol, ProtocolHandler> handlers = new ConcurrentHashMap<>();

  /** Creates the calls of a session. */
  ProtocolHandlers(
      Session session, List<SharedProtocol> protocols, Hello hello, Failures failures) {
    this.session = session;
    this.protocols = protocols;
    this.hello = hello;
    this.failures = failures;
  }

  private interface Call {
    void run() throws PeerBreachException;
  }

  private void guard(Call call) {
    try {
      call.run();
    } catch (PeerBreachException breach) {
      session.end(breach.reason(), bounded(breach.getMessage()));
    } catch (RlpException malformed) {
      session.end(DisconnectReason.PROTOCOL_BREACH, bounded(malformed.getMessage()));
    } catch (Throwable failure) { // the other handlers of the session go on
      failed(failure);
    }
  }

  @Override
  public void failed(Throwable failure) {
    failures.failed(failure);
    session.end(DisconnectReason.SUBPROTOCOL_ERROR, "an error of this node");
  }

  static String bounded(@org.jspecify.annotations.Nullable String message) {
    String text = message == null ? "no detail" : message.replace('\n', ' ').replace('\r', ' ');
    return text.length() <= MAX_DETAIL_CHARS ? text : text.substring(0, MAX_DETAIL_CHARS) + "…";
  }

  @Override
  public void begin() {
    guard(
        () -> {
          for (SharedProtocol shared : protocols) {
            ProtocolHandler handler =
                shared.protocol().connected(new ProtocolConnection(session, shared, hello));
            handlers.put(shared, handler);
          }
        });
  }

  @Override
  public void handle(MessageQueue.Message message) {
    ProtocolHandler handler = handlers.get(message.protocol());
    if (handler == null || session.hasEnded()) {
      return; // the session ends
    }
    guard(
        () -> {
          byte[] payload =
              hello.isSnappy()
                  ? SnappyBlock.decompress(message.data(), message.from(), MAX_PAYLOAD_BYTES)
                  : Arrays.copyOfRange(message.data(), message.from(), message.data().length);
          handler.messageReceived(message.id(), Bytes.wrap(payload));
        });
  }

  @Override
  public void end() {
    handlers.values().forEach(handler -> guard(handler::disconnected));
    handlers.clear();
  }

  /** Returns the head of the peer's chain; null when no sub-protocol has one. */
  @Nullable ChainHead head() {
    for (ProtocolHandler handler : handlers.values()) {
      try {
        ChainHead head = handler.head();
        if (head != null) {
          return head;
        }
      } catch (RuntimeException failure) {
        failures.failed(failure);
      }
    }
    return null;
  }

  /** Returns the facts that each sub-protocol has about the peer, by its name. */
  Map<String, Map<String, Object>> info() {
    Map<String, Map<String, Object>> out = new HashMap<>();
    handlers.forEach(
        (shared, handler) -> {
          try {
            out.put(shared.capability().name(), handler.info());
          } catch (RuntimeException failure) {
            failures.failed(failure);
          }
        });
    return out;
  }
}
