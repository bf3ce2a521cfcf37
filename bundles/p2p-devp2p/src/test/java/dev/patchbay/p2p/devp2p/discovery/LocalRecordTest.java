// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ForkId;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The record of the local node: its number, its content, and the prediction of its address. */
class LocalRecordTest {
  private static final byte[] KEY = new byte[32];
  private static final InetAddress FALLBACK = Addresses.of(new byte[] {127, 0, 0, 1});
  private static final InetAddress EXTERNAL = Addresses.of(new byte[] {5, 6, 7, 8});

  static {
    KEY[31] = 9;
  }

  @TempDir Path folder;

  private final TestClock clock = new TestClock();
  private Timers timers;
  private AddressPredictor predictor;
  private Map<String, Bytes> protocolEntries = EthEntry.of(new ForkId(1, 2));

  @BeforeEach
  void create() {
    timers = new Timers(clock::nanoTime);
    predictor = new AddressPredictor(timers);
  }

  private LocalRecord open(InetAddress fixed, int tcpPort) {
    NodeDatabase database = new NodeDatabase(folder.resolve("nodes.rlp"), clock);
    return new LocalRecord(
        KEY, database, predictor, () -> protocolEntries, fixed, FALLBACK, clock, 30_303, tcpPort);
  }

  @Test
  void theRecordHasPortsAddressAndTheEntriesOfSubProtocols() {
    NodeRecord record = open(EXTERNAL, 30_304).current();
    Node node = Objects.requireNonNull(record.node());
    assertThat(node.address()).isEqualTo(EXTERNAL);
    assertThat(node.udpPort()).isEqualTo(30_303);
    assertThat(node.tcpPort()).isEqualTo(30_304);
    assertThat(record.entries()).containsAllEntriesOf(protocolEntries);
    assertThat(record.seq()).isEqualTo(clock.millis());
    assertThat(NodeRecord.parse(record.toString())).isEqualTo(record);
  }

  @Test
  void anIp6AddressHasItsOwnEntries() throws Exception {
    InetAddress ip6 = InetAddress.getByName("2001:4860::1");
    NodeRecord record = open(ip6, 30_304).current();
    assertThat(record.entries()).containsKeys("ip6", "udp6", "tcp6").doesNotContainKey("ip");
    assertThat(Objects.requireNonNull(record.node()).address()).isEqualTo(ip6);
  }

  @Test
  void theNumberGrowsWithEachChangeAlsoOverARestart() {
    NodeRecord first = open(EXTERNAL, 30_304).current();
    clock.advance(Duration.ofDays(1));
    LocalRecord same = open(EXTERNAL, 30_304);
    assertThat(same.current()).isEqualTo(first);
    same.update();
    assertThat(same.current()).isEqualTo(first);
    protocolEntries = EthEntry.of(new ForkId(3, 4));
    same.update();
    assertThat(same.current().seq()).isEqualTo(first.seq() + 1);
    assertThat(same.current().entries()).containsAllEntriesOf(protocolEntries);
    same.setTcpPort(0);
    assertThat(same.current().seq()).isEqualTo(first.seq() + 2);
    assertThat(Objects.requireNonNull(same.current().node()).tcpPort()).isZero();
    assertThat(open(EXTERNAL, 30_304).current().seq()).isEqualTo(first.seq() + 3);
  }

  @Test
  void anEntryOfASubProtocolNeitherReplacesAnOwnOneNorMakesTheRecordTooLong() {
    protocolEntries = Map.of("tcp", NodeRecord.rlp(1), "x", NodeRecord.rlp(2));
    NodeRecord record = open(EXTERNAL, 30_304).current();
    assertThat(record.entries()).containsEntry("x", NodeRecord.rlp(2));
    assertThat(Objects.requireNonNull(record.node()).tcpPort()).isEqualTo(30_304);
    protocolEntries = Map.of("x", NodeRecord.rlp(new byte[NodeRecord.MAX_BYTES]));
    record = open(EXTERNAL, 30_304).current();
    assertThat(record.entries()).doesNotContainKey("x").containsKey("tcp");
  }

  private static InetAddress voter(int number) {
    return Addresses.of(new byte[] {60, 1, (byte) number, 1});
  }

  @Test
  void tenSubnetsInAgreementPredictTheAddress() {
    LocalRecord record = open(null, 30_304);
    long seq = record.current().seq();
    for (int i = 1; i < AddressPredictor.MIN_STATEMENTS; i++) {
      record.addStatement(voter(i), EXTERNAL);
    }
    assertThat(record.address()).isEqualTo(FALLBACK);
    record.addStatement(voter(AddressPredictor.MIN_STATEMENTS), EXTERNAL);
    assertThat(record.current().address()).isEqualTo(EXTERNAL);
    assertThat(record.current().seq()).isEqualTo(seq + 1);
  }

  @Test
  void aSubnetHasOneVote() {
    for (int i = 1; i < 100; i++) {
      predictor.add(Addresses.of(new byte[] {60, 1, 1, (byte) i}), EXTERNAL);
    }
    assertThat(predictor.predict()).isNull();
  }

  @Test
  void aMinorityDoesNotPredict() {
    for (int i = 0; i < 24; i++) {
      InetAddress other = Addresses.of(new byte[] {4, 4, 4, (byte) (i % 2)});
      predictor.add(voter(i), i < 12 ? EXTERNAL : other);
    }
    assertThat(predictor.predict()).isNull();
    predictor.add(voter(23), EXTERNAL);
    assertThat(predictor.predict()).isEqualTo(EXTERNAL);
  }

  @Test
  void statementsExpireAfterFiveMinutes() {
    for (int i = 0; i < 10; i++) {
      predictor.add(voter(i), EXTERNAL);
    }
    assertThat(predictor.predict()).isEqualTo(EXTERNAL);
    clock.advance(Duration.ofMinutes(5).plusMillis(1));
    assertThat(predictor.predict()).isNull();
  }

  @Test
  void aPrivateAddressIsNotStatedByTheInternet() {
    for (int i = 0; i < 20; i++) {
      predictor.add(voter(i), Addresses.of(new byte[] {10, 0, 0, 1}));
      predictor.add(voter(i), Addresses.of(new byte[] {0, 0, 0, 0}));
    }
    assertThat(predictor.predict()).isNull();
  }

  @Test
  void aConfiguredAddressIsNotPredicted() {
    LocalRecord record = open(FALLBACK, 30_304);
    for (int i = 0; i < 20; i++) {
      record.addStatement(voter(i), EXTERNAL);
    }
    assertThat(record.current().address()).isEqualTo(FALLBACK);
  }
}
