// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.p2p.devp2p.discovery.SimulatedNetwork.Simulated;
import dev.patchbay.primitives.ForkId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which nodes the dialer gets. */
class CandidateFilterTest {
  private static final ForkId OURS = new ForkId(0x01020304, 0);

  private final SimulatedNetwork network = new SimulatedNetwork(8);
  private final List<Node> dialed = new ArrayList<>();
  private final CandidateFilter filter = new CandidateFilter(EthEntry.filter(OURS), dialed::add);
  private final Simulated self = network.add(4);
  private final Simulated node = network.add(4);

  private void offer() {
    filter.offer(List.of(node.contact()), self.protocol());
    network.run(Duration.ofSeconds(3));
  }

  @Test
  void aNodeOfTheChainIsDialedAtItsProvenAddress() {
    node.localRecord.setTcpPort(7_777);
    offer();
    assertThat(dialed).hasSize(1);
    assertThat(dialed.get(0).address()).isEqualTo(node.endpoint.getAddress());
    assertThat(dialed.get(0).tcpPort()).isEqualTo(7_777);
    assertThat(dialed.get(0).publicKey()).isEqualTo(node.localRecord.current().publicKey());
  }

  @Test
  void aNodeOfAnotherChainIsSkipped() {
    node.forkId = new ForkId(5, 0);
    node.localRecord.update();
    offer();
    assertThat(dialed).isEmpty();
  }

  @Test
  void aNodeWithoutAForkIdIsSkipped() {
    node.forkId = null;
    node.localRecord.update();
    offer();
    assertThat(dialed).isEmpty();
  }

  @Test
  void aNodeThatDoesNotRespondIsSkipped() {
    node.online = false;
    offer();
    assertThat(dialed).isEmpty();
  }

  @Test
  void aKnownRecordIsNotRequested() {
    filter.offer(List.of(node.contact().withRecord(node.localRecord.current())), self.protocol());
    assertThat(dialed).hasSize(1);
    assertThat(network.takeSent()).isEmpty();
  }

  @Test
  void aChainThatIsUnavailableForAMomentDoesNotStopDiscovery() {
    boolean[] available = {false};
    CandidateFilter guarded =
        new CandidateFilter(
            entries -> {
              if (!available[0]) {
                throw new IllegalStateException("the chain is not available");
              }
              return true;
            },
            dialed::add);
    Contact contact = node.contact().withRecord(node.localRecord.current());
    guarded.offer(contact);
    assertThat(dialed).isEmpty();
    assertThat(guarded.failure()).contains("the chain is not available");
    available[0] = true;
    guarded.offer(contact);
    assertThat(dialed).hasSize(1);
    assertThat(guarded.failure()).isNull();
  }
}
