// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Subscriptions of one connection, which takes a number of notifications before it is cut. */
class SubscriptionsTest {
  private static final int MAX_UNSENT = 1_024;
  private static final Address EMITTER = Address.fromHex("0x" + "01".repeat(20));

  private final Session session = new Session();
  private final Subscriptions subscriptions =
      new Subscriptions(new LogSearch(chain(), () -> null), block -> List.of());

  /** A connection whose client reads nothing; as those of the server. */
  private static final class Session implements RpcSession {
    private final List<Object> unsent = new ArrayList<>();
    private final List<Runnable> onClose = new ArrayList<>();
    private int count;

    @Override
    public LogLimits logLimits() {
      return new LogLimits(1, 1);
    }

    @Override
    public Object client() {
      return "client";
    }

    @Override
    public boolean canNotify() {
      return true;
    }

    @Override
    public String newSubscription() {
      return "0x" + count++;
    }

    @Override
    public boolean notify(String method, String subscription, Object result) {
      unsent.add(result);
      return unsent.size() <= MAX_UNSENT;
    }

    @Override
    public boolean hasRoom() {
      return unsent.size() < MAX_UNSENT / 4;
    }

    @Override
    public void onClose(Runnable action) {
      onClose.add(action);
    }

    @Override
    public void removeOnClose(Runnable action) {
      onClose.remove(action);
    }

    @Override
    public void disconnect() {}
  }

  /** Each block has ten logs. */
  private static ChainReader chain() {
    Log log = new Log(EMITTER, List.of(), Bytes.EMPTY);
    List<Receipt> receipts =
        List.of(Receipt.of(TransactionType.LEGACY, true, 21_000, Collections.nCopies(10, log)));
    return (ChainReader)
        Proxy.newProxyInstance(
            ChainReader.class.getClassLoader(),
            new Class<?>[] {ChainReader.class},
            (proxy, method, args) -> receipts);
  }

  private static List<Block> blocks(int count) {
    List<Block> out = new ArrayList<>();
    Transaction transaction =
        Transaction.builder(TransactionType.DEPOSIT)
            .sender(EMITTER)
            .deposit(new Transaction.Deposit(Hash.ZERO, UInt256.ZERO, false))
            .build();
    for (int i = count; i > 0; i--) {
      BlockHeader header = BlockHeader.builder().number(i).build();
      out.add(new Block(header, List.of(transaction), List.of(), null));
    }
    return out;
  }

  private Object subscribe(Object... params) throws Exception {
    return subscriptions.methods().get("eth_subscribe").call(List.of(params), session);
  }

  private Object unsubscribe(Object id) throws Exception {
    return subscriptions.methods().get("eth_unsubscribe").call(List.of(id), session);
  }

  @Test
  void aDeepReorganisationDisconnectsNoSubscriber() throws Exception {
    Object id = subscribe("logs", Map.of());
    List<Block> removed = blocks(320);
    for (int i = 0; i < 320; i += 64) {
      subscriptions.headChanged(removed.subList(i, i + 64), List.of(), 320);
    }
    assertThat(session.unsent).hasSize(MAX_UNSENT / 4);
    assertThat(unsubscribe(id)).isEqualTo(true);
  }

  @Test
  void allLogsOfAShortReorganisationAreSent() throws Exception {
    subscribe("logs", Map.of());
    subscriptions.headChanged(blocks(64), blocks(1), 64);
    assertThat(session.unsent).hasSize(650);
  }

  @Test
  void aSubscriptionThatEndsLeavesNothingBehind() throws Exception {
    Object first = subscribe("newHeads");
    for (int i = 0; i < 10_000; i++) {
      assertThat(unsubscribe(subscribe("newHeads"))).isEqualTo(true);
    }
    assertThat(session.onClose).hasSize(1);
    assertThat(unsubscribe(first)).isEqualTo(true);
    assertThat(session.onClose).isEmpty();
    subscribe("logs", Map.of());
    subscriptions.close();
    assertThat(session.onClose).isEmpty();
    Object closed = subscribe("newHeads");
    session.onClose.forEach(Runnable::run);
    subscriptions.headChanged(List.of(), blocks(1), 0);
    assertThat(session.unsent).as("sent of %s", closed).isEmpty();
  }
}
