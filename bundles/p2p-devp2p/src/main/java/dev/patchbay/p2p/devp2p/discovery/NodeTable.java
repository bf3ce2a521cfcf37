// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The Kademlia table: nodes in buckets by their distance from the local node. Almost all nodes are
 * far: there is a bucket for each of the logarithmic distances 241 to 256, and one for all that is
 * closer.
 *
 * <p>Against eclipse attacks an entry is replaced only after it has stopped to respond, and an IP
 * subnet has at most {@link #MAX_SUBNET_PER_BUCKET} entries in a bucket and {@link
 * #MAX_SUBNET_PER_TABLE} in the table. An entry is live when the node has responded at the endpoint
 * of the entry to a ping of this node, or in version 5 to a query; only live entries are handed to
 * other nodes.
 */
final class NodeTable {
  /** Entries of a bucket, and results of a query: {@code k} of Kademlia. */
  static final int BUCKET_SIZE = 16;

  static final int MAX_REPLACEMENTS = 10;
  static final int MAX_SUBNET_PER_BUCKET = 2;
  static final int MAX_SUBNET_PER_TABLE = 10;

  /** Queries in a row without a response after which an entry is removed. */
  static final int MAX_FIND_FAILURES = 5;

  private static final int BUCKETS = 17;

  /** The distance up to which nodes share the first bucket. */
  private static final int CLOSEST_LOG = Distance.MAX_LOG - BUCKETS + 1;

  private final Hash self;
  private final RandomGenerator random;
  private final Subnets subnets = new Subnets(MAX_SUBNET_PER_TABLE);
  private final List<Bucket> buckets = Stream.generate(Bucket::new).limit(BUCKETS).toList();

  /** A node of the table. */
  static final class Entry {
    private Contact contact;
    private int livenessChecks;
    private int findFailures;
    private boolean slow;
    private boolean checking;

    private Entry(Contact contact) {
      this.contact = contact;
    }

    Contact contact() {
      return contact;
    }

    /** Returns whether the node has proven its endpoint by a response. */
    boolean isLive() {
      return livenessChecks > 0;
    }

    /** Makes an entry live that was not; its first ping is due as before. */
    void respondedToQuery() {
      livenessChecks = Math.max(livenessChecks, 1);
    }

    /** Sets whether a ping is under way. */
    void setChecking(boolean value) {
      checking = value;
    }
  }

  private static final class Bucket {
    private final List<Entry> entries = new ArrayList<>();

    /** Contacts that found the bucket full, the most recent first. */
    private final List<Contact> replacements = new ArrayList<>();

    private final Subnets subnets = new Subnets(MAX_SUBNET_PER_BUCKET);

    private @Nullable Entry find(Hash id) {
      for (Entry entry : entries) {
        if (entry.contact.id().equals(id)) {
          return entry;
        }
      }
      return null;
    }
  }

  /**
   * Creates an empty table.
   *
   * @param self id of the local node, which is never added
   */
  NodeTable(Hash self, RandomGenerator random) {
    this.self = self;
    this.random = random;
  }

  // ---- entries

  /**
   * Adds a node that another node has named. The endpoint of an entry does not change by it.
   *
   * @return whether the node is a new entry
   */
  boolean addFound(Contact contact) {
    return add(contact) != null;
  }

  /**
   * Adds a node that has proven its endpoint by a response to a ping, or updates its entry.
   *
   * @return whether it has an entry now
   */
  boolean addLive(Contact contact) {
    Entry entry = find(contact.id());
    if (entry == null) {
      entry = add(contact);
      if (entry == null) {
        return false;
      }
      entry.livenessChecks = 1;
      return true;
    }
    return confirm(contact);
  }

  /**
   * Records that a node of the table has proven an endpoint by a response.
   *
   * @return whether it has an entry
   */
  boolean confirm(Contact contact) {
    Entry entry = find(contact.id());
    if (entry == null) {
      return false;
    }
    boolean moved = isMoved(entry.contact, contact);
    if (moved && !replaceAddress(bucket(contact.id()), entry, contact)) {
      return true; // the subnet is full: the entry stays at its old endpoint until it fails there
    }
    if (!moved) {
      entry.contact = newer(entry.contact, contact);
    }
    entry.livenessChecks = moved ? 1 : entry.livenessChecks + 1;
    entry.slow = !moved;
    return true;
  }

  /**
   * Records that the record of a node of the table has another endpoint. Its entry is not live
   * until the node has responded there: a record may name the endpoint of anyone.
   */
  void move(Contact contact) {
    Entry entry = find(contact.id());
    if (entry != null
        && isMoved(entry.contact, contact)
        && replaceAddress(bucket(contact.id()), entry, contact)) {
      entry.livenessChecks = 0;
      entry.slow = false;
    }
  }

  /** Returns whether two contacts of a node have different endpoints. */
  static boolean isMoved(Contact known, Contact contact) {
    return !known.node().udpEndpoint().equals(contact.node().udpEndpoint());
  }

  private static Contact newer(Contact known, Contact contact) {
    NodeRecord record = contact.record();
    if (record == null) {
      NodeRecord previous = known.record();
      return previous == null ? contact : contact.withRecord(previous);
    }
    return Long.compareUnsigned(record.seq(), known.recordSeq()) >= 0 ? contact : known;
  }

  private boolean replaceAddress(Bucket bucket, Entry entry, Contact contact) {
    Contact old = entry.contact;
    uncount(bucket, old);
    if (!allows(bucket, contact)) {
      count(bucket, old);
      return false;
    }
    count(bucket, contact);
    entry.contact = contact;
    return true;
  }

  /**
   * Records that a node of the table has not responded to a ping. A node that had responded often
   * is checked again soon; another one is removed, and a replacement enters.
   */
  void fail(Hash id) {
    Entry entry = find(id);
    if (entry == null) {
      return;
    }
    entry.livenessChecks /= 3;
    entry.slow = false;
    if (entry.livenessChecks == 0) {
      remove(entry);
    }
  }

  /** Records the outcome of a query to a node of the table. */
  void recordFind(Hash id, boolean responded) {
    Entry entry = find(id);
    if (entry == null) {
      return;
    }
    entry.findFailures = responded ? 0 : entry.findFailures + 1;
    boolean expendable = bucket(id).entries.size() >= BUCKET_SIZE / 4;
    if (entry.findFailures >= MAX_FIND_FAILURES && expendable) {
      remove(entry);
    }
  }

  private @Nullable Entry add(Contact contact) {
    if (contact.id().equals(self)) {
      return null;
    }
    Bucket bucket = bucket(contact.id());
    Entry known = bucket.find(contact.id());
    if (known != null) {
      return null;
    }
    bucket.replacements.removeIf(
        other -> {
          boolean same = other.id().equals(contact.id());
          if (same) {
            uncount(bucket, other);
          }
          return same;
        });
    if (!allows(bucket, contact)) {
      return null;
    }
    count(bucket, contact);
    if (bucket.entries.size() >= BUCKET_SIZE) {
      addReplacement(bucket, contact);
      return null;
    }
    Entry entry = new Entry(contact);
    bucket.entries.add(entry);
    return entry;
  }

  private void addReplacement(Bucket bucket, Contact contact) {
    bucket.replacements.add(0, contact);
    if (bucket.replacements.size() > MAX_REPLACEMENTS) {
      uncount(bucket, bucket.replacements.remove(MAX_REPLACEMENTS));
    }
  }

  private void remove(Entry entry) {
    Bucket bucket = bucket(entry.contact.id());
    bucket.entries.remove(entry);
    uncount(bucket, entry.contact);
    if (!bucket.replacements.isEmpty()) {
      int chosen = random.nextInt(bucket.replacements.size());
      bucket.entries.add(new Entry(bucket.replacements.remove(chosen)));
    }
  }

  private boolean allows(Bucket bucket, Contact contact) {
    return bucket.subnets.allows(contact.node().address())
        && subnets.allows(contact.node().address());
  }

  private void count(Bucket bucket, Contact contact) {
    bucket.subnets.add(contact.node().address());
    subnets.add(contact.node().address());
  }

  private void uncount(Bucket bucket, Contact contact) {
    bucket.subnets.remove(contact.node().address());
    subnets.remove(contact.node().address());
  }

  // ---- queries

  /** Returns the entry of a node; null when it has none. */
  @Nullable Entry find(Hash id) {
    return bucket(id).find(id);
  }

  /** Returns the number of entries. */
  int size() {
    return buckets.stream().mapToInt(bucket -> bucket.entries.size()).sum();
  }

  /** Returns the number of live entries. */
  int liveSize() {
    return (int) all().filter(Entry::isLive).count();
  }

  /**
   * Returns the closest nodes to a target, the closest first.
   *
   * @param max greatest number of results
   * @param live whether live entries only
   */
  List<Contact> closest(Hash target, int max, boolean live) {
    return all()
        .filter(entry -> !live || entry.isLive())
        .map(Entry::contact)
        .sorted((a, b) -> Distance.compare(target, a.id(), b.id()))
        .limit(max)
        .toList();
  }

  /** Returns the live nodes at a logarithmic distance from the local node, in no special order. */
  List<Contact> liveAt(int log) {
    if (log < 1 || log > Distance.MAX_LOG) {
      return List.of();
    }
    return buckets.get(index(log)).entries.stream()
        .filter(Entry::isLive)
        .map(Entry::contact)
        .filter(contact -> Distance.log(self, contact.id()) == log)
        .toList();
  }

  /**
   * Returns a random entry that is not being checked; null when there is none.
   *
   * @param slow whether one that has responded to its latest ping
   */
  @Nullable Entry randomEntry(boolean slow) {
    List<Entry> choice = all().filter(entry -> entry.slow == slow && !entry.checking).toList();
    return choice.isEmpty() ? null : choice.get(random.nextInt(choice.size()));
  }

  private Stream<Entry> all() {
    return buckets.stream().flatMap(bucket -> bucket.entries.stream());
  }

  private Bucket bucket(Hash id) {
    return buckets.get(index(Distance.log(self, id)));
  }

  private static int index(int log) {
    return Math.max(0, log - CLOSEST_LOG);
  }

  /** Returns the number of contacts that wait to replace an entry near {@code id}. */
  int replacements(Hash id) {
    return bucket(Objects.requireNonNull(id)).replacements.size();
  }
}
