// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.p2p.devp2p.discovery.Node;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Boot nodes whose names are looked up, in a DNS of the test. */
class BootNodesTest {
  private static final NodeUrl LITERAL = url(1, "192.0.2.1");
  private static final NodeUrl NAMED = url(2, "one.example.org");
  private static final NodeUrl OTHER = url(3, "two.example.org");

  private final ManualScheduler scheduler = new ManualScheduler();
  private final Map<String, String> dns = new HashMap<>();
  private final List<String> lookups = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();
  private final List<String> infos = new ArrayList<>();
  private int changes;

  private static NodeUrl url(int number, String host) {
    return NodeUrl.parse("enode://" + PeerManagerTest.node(number) + "@" + host + ":30303");
  }

  private InetAddress resolve(String name) throws UnknownHostException {
    lookups.add(name);
    String address = dns.get(name);
    if (address == null) {
      throw new UnknownHostException(name);
    }
    return InetAddress.getByName(address);
  }

  private BootNodes start(NodeUrl... urls) {
    BootNodes nodes =
        new BootNodes(List.of(urls), this::resolve, scheduler, warnings::add, infos::add);
    nodes.start(() -> changes++);
    return nodes;
  }

  private static List<String> addresses(BootNodes nodes) {
    return nodes.nodes().stream().map(Node::address).map(InetAddress::getHostAddress).toList();
  }

  @Test
  void withoutNamesNothingIsLookedUp() {
    BootNodes nodes = start(LITERAL);
    assertThat(addresses(nodes)).containsExactly("192.0.2.1");
    assertThat(scheduler.size()).isZero();
  }

  @Test
  void namesAreLookedUpByTheScheduler() {
    dns.put("one.example.org", "192.0.2.2");
    BootNodes nodes = start(LITERAL, NAMED);
    assertThat(lookups).isEmpty();
    assertThat(addresses(nodes)).containsExactly("192.0.2.1");
    scheduler.advance(Duration.ZERO);
    assertThat(addresses(nodes)).containsExactly("192.0.2.1", "192.0.2.2");
    assertThat(changes).isEqualTo(1);
    assertThat(warnings).isEmpty();
    assertThat(infos).isEmpty();
  }

  /** The node may start before the network is up. */
  @Test
  void aNameThatIsNotFoundIsLookedUpAgain() {
    dns.put("two.example.org", "192.0.2.3");
    BootNodes nodes = start(NAMED, OTHER);
    scheduler.advance(Duration.ofHours(1));
    assertThat(addresses(nodes)).containsExactly("192.0.2.3");
    assertThat(changes).isEqualTo(1);
    assertThat(lookups).as("the pause doubles up to its limit").hasSizeBetween(60, 80);
    assertThat(warnings).hasSize(1);
    assertThat(warnings.get(0)).contains("the boot node " + NAMED + " is not known");
    dns.put("one.example.org", "192.0.2.2");
    scheduler.advance(BootNodes.MAX_PAUSE);
    assertThat(addresses(nodes)).containsExactly("192.0.2.2", "192.0.2.3");
    assertThat(changes).isEqualTo(2);
    assertThat(warnings).hasSize(1);
    assertThat(infos).hasSize(1);
    assertThat(infos.get(0)).contains(NAMED.toString(), "192.0.2.2");
  }

  @Test
  void anAddressThatChangesIsReplacedAndStaysWhileTheNameIsNotFound() {
    dns.put("one.example.org", "192.0.2.2");
    BootNodes nodes = start(NAMED);
    scheduler.advance(Duration.ZERO);
    dns.put("one.example.org", "192.0.2.9");
    scheduler.advance(BootNodes.REFRESH);
    assertThat(addresses(nodes)).containsExactly("192.0.2.9");
    assertThat(changes).isEqualTo(2);
    dns.clear();
    scheduler.advance(BootNodes.REFRESH);
    assertThat(addresses(nodes)).containsExactly("192.0.2.9");
    assertThat(changes).isEqualTo(2);
    assertThat(warnings).hasSize(1);
  }
}
