// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.rpc.RpcSession;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A connection whose client reads nothing; it takes a number of notifications. */
final class TestSession {
  private static final AtomicInteger IDS = new AtomicInteger();

  /** A notification that was sent. */
  record Sent(String subscription, Object result, Thread sender) {}

  final BlockingQueue<Sent> sent = new LinkedBlockingQueue<>();
  final List<Runnable> onClose = Collections.synchronizedList(new ArrayList<>());
  final Object client;
  final RpcSession session = TestChain.stub(RpcSession.class, this::answer);

  volatile int room = 1_024;
  volatile boolean disconnected;

  /** Thrown by notifications; null for none. */
  volatile @Nullable Error failure;

  TestSession(Object client) {
    this.client = client;
  }

  private @Nullable Object answer(String method, @Nullable Object[] args) {
    return switch (method) {
      case "logLimits" -> new RpcSession.LogLimits(1_000, 1_000);
      case "client" -> client;
      case "canNotify" -> true;
      case "newSubscription" -> "0x" + IDS.incrementAndGet();
      case "hasRoom" -> sent.size() < room / 4;
      case "onClose" -> {
        onClose.add((Runnable) args[0]);
        yield null;
      }
      case "removeOnClose" -> {
        onClose.remove(args[0]);
        yield null;
      }
      case "isGone" -> disconnected;
      case "disconnect" -> {
        disconnected = true;
        yield null;
      }
      case "notify" -> {
        if (!String.valueOf(args[0]).equals("eth_subscription")) {
          throw new AssertionError(args[0]);
        }
        if (failure != null) {
          throw failure;
        }
        sent.add(new Sent(String.valueOf(args[1]), args[2], Thread.currentThread()));
        yield sent.size() <= room;
      }
      default -> throw new UnsupportedOperationException(method);
    };
  }
}
