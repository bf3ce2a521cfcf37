// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The table: buckets, replacements, limits of subnets, liveness. */
class NodeTableTest {
  private final Random random = new Random(16);
  private final Hash self = Hash.ZERO;
  private final NodeTable table = new NodeTable(self, random);
  private int created;

  /** Returns a node of the farthest bucket with this address. */
  private Contact far(int a, int b, int c, int d) {
    return at(Distance.MAX_LOG, a, b, c, d);
  }

  private Contact at(int log, int a, int b, int c, int d) {
    byte[] key = new byte[Node.KEY_BYTES];
    random.nextBytes(key);
    byte[] id = new byte[32];
    random.nextBytes(id);
    for (int bit = 0; bit < 256 - log; bit++) {
      id[bit / 8] &= (byte) ~(0x80 >> bit % 8);
    }
    int top = 256 - log;
    id[top / 8] |= (byte) (0x80 >> top % 8);
    Node node =
        new Node(
            Bytes.wrap(key),
            Addresses.of(new byte[] {(byte) a, (byte) b, (byte) c, (byte) d}),
            30_303,
            30_303);
    return new Contact(Hash.wrap(id), node, null);
  }

  private Contact far() {
    created++;
    return far(60, created / 200, created % 200, 1);
  }

  private List<Contact> fill(int count) {
    List<Contact> contacts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Contact contact = far();
      contacts.add(contact);
      table.addFound(contact);
    }
    return contacts;
  }

  @Test
  void distancesAreLogarithmic() {
    assertThat(Distance.log(self, self)).isZero();
    for (int log = 1; log <= 256; log++) {
      assertThat(Distance.log(self, at(log, 1, 2, 3, 4).id())).isEqualTo(log);
    }
  }

  @Test
  void aFullBucketKeepsItsEntries() {
    List<Contact> first = fill(NodeTable.BUCKET_SIZE);
    List<Contact> later = fill(2 * NodeTable.MAX_REPLACEMENTS);
    assertThat(table.size()).isEqualTo(NodeTable.BUCKET_SIZE);
    assertThat(first).allSatisfy(contact -> assertThat(table.find(contact.id())).isNotNull());
    assertThat(table.replacements(first.get(0).id())).isEqualTo(NodeTable.MAX_REPLACEMENTS);
    table.fail(first.get(3).id());
    assertThat(table.find(first.get(3).id())).isNull();
    assertThat(table.size()).isEqualTo(NodeTable.BUCKET_SIZE);
    List<Contact> recent = later.subList(NodeTable.MAX_REPLACEMENTS, later.size());
    assertThat(recent).anySatisfy(contact -> assertThat(table.find(contact.id())).isNotNull());
  }

  @Test
  void theLocalNodeIsNotAdded() {
    Contact contact = far();
    assertThat(table.addFound(new Contact(self, contact.node(), null))).isFalse();
    assertThat(table.addLive(new Contact(self, contact.node(), null))).isFalse();
    assertThat(table.size()).isZero();
  }

  @Test
  void aSubnetHasTwoEntriesInABucketAndTenInTheTable() {
    for (int i = 0; i < 5; i++) {
      table.addFound(far(8, 8, 8, i));
    }
    assertThat(table.size()).isEqualTo(2);
    for (int log = 241; log < 256; log++) {
      table.addFound(at(log, 8, 8, 8, 100));
      table.addFound(at(log, 8, 8, 8, 101));
    }
    assertThat(table.size()).isEqualTo(NodeTable.MAX_SUBNET_PER_TABLE);
    for (int i = 0; i < 5; i++) {
      table.addFound(far(192, 168, 1, i));
    }
    assertThat(table.size()).isEqualTo(NodeTable.MAX_SUBNET_PER_TABLE + 5);
  }

  /** Replacements count, too: otherwise they would be of one subnet. */
  @Test
  void removedEntriesAndReplacementsFreeTheirSubnet() {
    Contact one = far(8, 8, 8, 1);
    table.addFound(one);
    table.addFound(far(8, 8, 8, 2));
    table.fail(one.id());
    assertThat(table.addFound(far(8, 8, 8, 3))).isTrue();
    fill(NodeTable.BUCKET_SIZE);
    Contact waiting = far(9, 9, 9, 1);
    table.addFound(waiting);
    table.addFound(far(9, 9, 9, 2));
    int before = table.replacements(waiting.id());
    table.addFound(far(9, 9, 9, 3));
    assertThat(table.replacements(waiting.id())).isEqualTo(before);
    table.addFound(waiting); // moves to the front, is not counted twice
    assertThat(table.replacements(waiting.id())).isEqualTo(before);
    fill(NodeTable.MAX_REPLACEMENTS);
    table.addFound(far(9, 9, 9, 4));
    assertThat(table.replacements(waiting.id())).isEqualTo(NodeTable.MAX_REPLACEMENTS);
  }

  @Test
  void onlyNodesThatRespondedAreHandedOut() {
    Contact found = far();
    Contact live = far();
    table.addFound(found);
    table.addLive(live);
    assertThat(table.closest(self, 16, true)).containsExactly(live);
    assertThat(table.closest(self, 16, false)).containsExactlyInAnyOrder(found, live);
    table.confirm(found);
    assertThat(table.closest(self, 16, true)).containsExactlyInAnyOrder(found, live);
    assertThat(table.liveAt(256)).containsExactlyInAnyOrder(found, live);
    assertThat(table.liveAt(255)).isEmpty();
    assertThat(table.liveAt(0)).isEmpty();
    assertThat(table.liveAt(257)).isEmpty();
  }

  @Test
  void theClosestNodesComeFirst() {
    fill(NodeTable.BUCKET_SIZE);
    Hash target = LookupTarget.random(random).id();
    List<Contact> closest = table.closest(target, 5, false);
    assertThat(closest).hasSize(5);
    for (int i = 1; i < 5; i++) {
      assertThat(Distance.compare(target, closest.get(i - 1).id(), closest.get(i).id()))
          .isNegative();
    }
  }

  @Test
  void aNodeThatRespondedOftenSurvivesAFailure() {
    Contact contact = far();
    table.addLive(contact);
    for (int i = 0; i < 5; i++) {
      table.confirm(contact);
    }
    table.fail(contact.id()); // 6 checks, then 2, then 0
    assertThat(table.find(contact.id())).isNotNull();
    table.fail(contact.id());
    assertThat(table.find(contact.id())).isNull();
  }

  @Test
  void entriesAreCheckedFastUntilTheyRespond() {
    Contact contact = far();
    table.addFound(contact);
    NodeTable.Entry entry = Objects.requireNonNull(table.randomEntry(false));
    assertThat(table.randomEntry(true)).isNull();
    table.confirm(contact);
    assertThat(table.randomEntry(true)).isSameAs(entry);
    assertThat(table.randomEntry(false)).isNull();
    entry.setChecking(true);
    assertThat(table.randomEntry(true)).isNull();
  }

  @Test
  void fiveFailedQueriesRemoveAnEntryOfABucketWithOthers() {
    List<Contact> contacts = fill(NodeTable.BUCKET_SIZE / 4);
    Hash id = contacts.get(0).id();
    for (int i = 1; i < NodeTable.MAX_FIND_FAILURES; i++) {
      table.recordFind(id, false);
    }
    table.recordFind(id, true);
    for (int i = 1; i < NodeTable.MAX_FIND_FAILURES; i++) {
      table.recordFind(id, false);
    }
    assertThat(table.find(id)).isNotNull();
    table.recordFind(id, false);
    assertThat(table.find(id)).isNull();
    for (int i = 0; i < 10; i++) {
      table.recordFind(contacts.get(1).id(), false);
    }
    assertThat(table.find(contacts.get(1).id())).isNotNull();
  }

  /** An attacker who names another endpoint of a node must not redirect its entry. */
  @Test
  void onlyAProofMovesAnEndpoint() {
    Contact contact = far();
    table.addLive(contact);
    Node moved = new Node(contact.node().publicKey(), Addresses.of(new byte[] {7, 7, 7, 7}), 1, 1);
    table.addFound(new Contact(contact.id(), moved, null));
    NodeTable.Entry entry = Objects.requireNonNull(table.find(contact.id()));
    assertThat(entry.contact().node()).isEqualTo(contact.node());
    table.addLive(new Contact(contact.id(), moved, null));
    assertThat(entry.contact().node()).isEqualTo(moved);
    assertThat(table.randomEntry(false)).isSameAs(entry);
  }

  @Test
  void anEntryThatHasMovedByItsRecordIsLiveOnceItResponds() {
    Contact contact = far();
    table.addLive(contact);
    Node node = new Node(contact.node().publicKey(), Addresses.of(new byte[] {7, 7, 7, 7}), 1, 1);
    Contact moved = new Contact(contact.id(), node, null);
    table.move(moved);
    NodeTable.Entry entry = Objects.requireNonNull(table.find(contact.id()));
    assertThat(entry.contact().node()).isEqualTo(node);
    assertThat(entry.isLive()).isFalse();
    table.confirm(moved);
    assertThat(entry.isLive()).isTrue();
    table.move(moved);
    assertThat(entry.isLive()).as("the same endpoint").isTrue();
  }

  @Test
  void anEndpointDoesNotMoveIntoAFullSubnet() {
    table.addFound(far(8, 8, 8, 1));
    table.addFound(far(8, 8, 8, 2));
    Contact contact = far();
    table.addLive(contact);
    Node moved = new Node(contact.node().publicKey(), Addresses.of(new byte[] {8, 8, 8, 3}), 1, 1);
    table.addLive(new Contact(contact.id(), moved, null));
    NodeTable.Entry entry = Objects.requireNonNull(table.find(contact.id()));
    assertThat(entry.contact().node()).isEqualTo(contact.node());
  }
}
