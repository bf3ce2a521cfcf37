// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.ProtocolHandler;
import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.primitives.Hash;
import org.junit.jupiter.api.Test;

class SnapComponentTest {
  private static final Capability ETH_70 = new Capability("eth", 70);
  private static final Capability SNAP_1 = new Capability("snap", 1);

  private record Eth(Capability capability) implements WireProtocol {
    @Override
    public int messageCount() {
      return 18;
    }

    @Override
    public ProtocolHandler connected(PeerConnection peer) {
      throw new UnsupportedOperationException();
    }
  }

  @Test
  void speaksSnap1() {
    SnapComponent component = new SnapComponent();
    assertThat(component.capability()).isEqualTo(SNAP_1);
    assertThat(component.messageCount()).isEqualTo(8);
  }

  @Test
  void servesPeersThatSpeakEth() throws PeerBreachException {
    SnapComponent component = new SnapComponent();
    Eth eth = new Eth(ETH_70);
    component.addEth(eth);
    FakeConnection connection = new FakeConnection(ETH_70, SNAP_1);
    ProtocolHandler handler = component.connected(connection);
    assertThat(connection.isEstablished).isTrue();
    assertThat(handler.info()).containsEntry("version", 1);
    handler.disconnected();
    FakeConnection older = new FakeConnection(new Capability("eth", 66), SNAP_1);
    assertThatThrownBy(() -> component.connected(older))
        .isInstanceOfSatisfying(
            PeerBreachException.class,
            breach -> assertThat(breach.reason()).isEqualTo(DisconnectReason.USELESS_PEER));
    assertThat(older.isEstablished).isFalse();
    component.removeEth(eth);
    assertThatThrownBy(() -> component.connected(connection))
        .isInstanceOf(PeerBreachException.class);
  }

  @Test
  void statesMayComeAndGo() throws PeerBreachException {
    SnapComponent component = new SnapComponent();
    component.addEth(new Eth(ETH_70));
    FakeConnection connection = new FakeConnection(ETH_70, SNAP_1);
    ProtocolHandler handler = component.connected(connection);
    FakeStates states = new FakeStates();
    FakeStates successor = new FakeStates();
    assertThat(sizeOfReply(handler, connection, states)).as("no states").isLessThan(20);
    component.setStates(states);
    assertThat(sizeOfReply(handler, connection, states)).isGreaterThan(500);
    component.setStates(successor); // bound before its predecessor is unbound
    component.unsetStates(states);
    assertThat(sizeOfReply(handler, connection, states)).isGreaterThan(500);
    component.unsetStates(successor);
    assertThat(sizeOfReply(handler, connection, states)).isLessThan(20);
  }

  private static int sizeOfReply(
      ProtocolHandler handler, FakeConnection connection, FakeStates states)
      throws PeerBreachException {
    handler.messageReceived(
        MessageCode.GET_ACCOUNT_RANGE,
        SnapFixture.accountsRequest(states.root(), Hash.ZERO, SnapFixture.MAX, 1_000));
    return connection.take().payload().size();
  }
}
