// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The search for nodes, against a protocol that the test controls. */
class LookupTest {
  private static final RequestResult<List<Contact>> NOTHING = RequestResult.of(List.of());

  private final Random random = new Random(3);
  private final Hash self = LookupTarget.random(random).id();
  private final LookupTarget target = LookupTarget.random(random);
  private final NodeTable table = new NodeTable(self, random);
  private final List<List<Contact>> results = new ArrayList<>();
  private final FakeProtocol protocol = new FakeProtocol();
  private int created;

  /** Collects the queries, which the test completes. */
  private static final class FakeProtocol implements NodeProtocol {
    private final Queue<Query> open = new ArrayDeque<>();
    private final List<Hash> queried = new ArrayList<>();

    private record Query(Contact contact, Consumer<RequestResult<List<Contact>>> done) {
      void respond(RequestResult<List<Contact>> result) {
        done.accept(result);
      }
    }

    @Override
    public boolean needsRecords() {
      return false;
    }

    @Override
    public void ping(Contact contact, Consumer<RequestResult<Contact>> done) {
      throw new AssertionError("a lookup does not ping");
    }

    @Override
    public void findNode(
        Contact contact, LookupTarget target, Consumer<RequestResult<List<Contact>>> done) {
      queried.add(contact.id());
      open.add(new Query(contact, done));
    }

    @Override
    public void requestRecord(Contact contact, Consumer<RequestResult<NodeRecord>> done) {
      throw new AssertionError("a lookup does not request records");
    }
  }

  private Contact contact(Hash id) {
    created++;
    return contact(id, 70, created >> 8, created, 1);
  }

  private static Contact contact(Hash id, int a, int b, int c, int d) {
    byte[] address = {(byte) a, (byte) b, (byte) c, (byte) d};
    Node node = new Node(Bytes.wrap(new byte[64]), Addresses.of(address), 30_303, 30_303);
    return new Contact(id, node, null);
  }

  private Contact contact() {
    return contact(LookupTarget.random(random).id());
  }

  private void start() {
    new Lookup(target, self, table, protocol, results::add).start();
  }

  @Test
  void anEmptyTableGivesNothing() {
    start();
    assertThat(results).containsExactly(List.of());
  }

  @Test
  void threeQueriesRunAtATime() {
    for (int i = 0; i < 10; i++) {
      table.addFound(contact());
    }
    start();
    assertThat(protocol.open).hasSize(Lookup.CONCURRENCY);
    while (!protocol.open.isEmpty()) {
      protocol.open.remove().respond(NOTHING);
      assertThat(protocol.open.size()).isLessThanOrEqualTo(Lookup.CONCURRENCY);
    }
    assertThat(protocol.queried).hasSize(10).doesNotHaveDuplicates();
    assertThat(results).hasSize(1);
    assertThat(results.get(0)).hasSize(10);
  }

  @Test
  void nodesThatDoNotRespondAreNoResult() {
    Contact dead = contact();
    Contact live = contact();
    table.addFound(dead);
    table.addFound(live);
    start();
    while (!protocol.open.isEmpty()) {
      FakeProtocol.Query query = protocol.open.remove();
      query.respond(query.contact().equals(dead) ? RequestResult.timeout() : NOTHING);
    }
    assertThat(results).containsExactly(List.of(live));
  }

  /** Only a node that was asked, and did not respond, is removed from the table. */
  @Test
  void nodesThatCouldNotBeAskedStay() {
    List<Contact> contacts = new ArrayList<>();
    for (int i = 0; i < NodeTable.BUCKET_SIZE; i++) {
      contacts.add(contact());
      table.addFound(contacts.get(i));
    }
    for (int i = 0; i < NodeTable.MAX_FIND_FAILURES; i++) {
      start();
      while (!protocol.open.isEmpty()) {
        protocol.open.remove().respond(RequestResult.notSent());
      }
      assertThat(results.get(i)).containsExactlyInAnyOrderElementsOf(contacts);
    }
    assertThat(contacts).allMatch(contact -> table.find(contact.id()) != null);
  }

  @Test
  void theLocalNodeAndNodesThatWereSeenAreNotQueried() {
    Contact first = contact();
    table.addFound(first);
    start();
    FakeProtocol.Query query = protocol.open.remove();
    Contact second = contact();
    query.respond(RequestResult.of(List.of(contact(self), first, second, second)));
    assertThat(protocol.open).hasSize(1);
    protocol.open.remove().respond(RequestResult.of(List.of(first, second)));
    assertThat(protocol.queried).containsExactly(first.id(), second.id());
    assertThat(results.get(0)).containsExactlyInAnyOrder(first, second);
    assertThat(table.find(second.id())).isNotNull();
  }

  /** One operator of many nodes must not be the whole result; private networks are exempt. */
  @Test
  void aSubnetHasTwoOfTheResults() {
    Contact first = contact();
    table.addFound(first);
    start();
    List<Contact> named = new ArrayList<>();
    for (int i = 1; i <= 8; i++) {
      named.add(contact(LookupTarget.random(random).id(), 8, 8, 8, i));
      named.add(contact(LookupTarget.random(random).id(), 192, 168, 1, i));
    }
    protocol.open.remove().respond(RequestResult.of(named));
    FakeProtocol.Query dead = protocol.open.remove();
    while (!inSubnet(dead.contact())) {
      dead.respond(NOTHING);
      dead = protocol.open.remove();
    }
    Contact late = contact(LookupTarget.random(random).id(), 8, 8, 8, 99);
    dead.respond(RequestResult.timeout()); // makes room for another one
    protocol.open.remove().respond(RequestResult.of(List.of(late)));
    while (!protocol.open.isEmpty()) {
      protocol.open.remove().respond(NOTHING);
    }
    assertThat(results.get(0)).hasSize(11).contains(first, late);
    assertThat(results.get(0).stream().filter(LookupTest::inSubnet)).hasSize(2);
  }

  private static boolean inSubnet(Contact contact) {
    return contact.node().address().getAddress()[0] == 8;
  }

  /** Hostile nodes can name ever closer nodes: the search ends all the same. */
  @Test
  void anEndlessChainOfCloserNodesEnds() {
    table.addFound(contact());
    start();
    int closer = 1;
    while (!protocol.open.isEmpty()) {
      byte[] id = target.id().toArray();
      id[closer / 8] ^= (byte) (0x80 >> closer % 8);
      closer++;
      protocol.open.remove().respond(RequestResult.of(List.of(contact(Hash.wrap(id)))));
    }
    assertThat(protocol.queried).hasSize(Lookup.MAX_QUERIES);
    assertThat(results).hasSize(1);
    assertThat(results.get(0)).hasSize(NodeTable.BUCKET_SIZE);
    Set<Hash> distinct = new HashSet<>(protocol.queried);
    assertThat(distinct).hasSize(Lookup.MAX_QUERIES);
  }
}
