// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Hash;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a table full of live nodes: pings random entries, looks up the own id and random ids, and
 * starts from the boot nodes and the nodes of the database: again while no node responds, since the
 * network may come up later. One lookup runs at a time.
 */
final class TableMaintenance {
  /** Mean time between pings of entries that are new or have failed. */
  static final long FAST_MILLIS = 3_000;

  /** Mean time between pings of entries that have responded. */
  static final long SLOW_MILLIS = 9_000;

  /** Time between refreshes of a table that is not small. */
  static final long REFRESH_MILLIS = TimeUnit.MINUTES.toMillis(30);

  /** A table with fewer live entries is small: the network is, or is just starting. */
  static final int SMALL_SIZE = NodeTable.BUCKET_SIZE;

  /**
   * Time until the refresh of a small table whose number of live entries has changed; it doubles
   * while the number stays the same, up to the limit below.
   */
  static final long MIN_SMALL_REFRESH_MILLIS = 5_000;

  static final long MAX_SMALL_REFRESH_MILLIS = TimeUnit.MINUTES.toMillis(5);

  static final int MAX_SEEDS = 30;

  /** Lookups that wait; another one completes at once without a result. */
  static final int MAX_QUEUED_LOOKUPS = 8;

  private static final int RANDOM_LOOKUPS = 3;

  private final DiscoveryContext context;
  private final Hash self;
  private final NodeTable table;
  private final NodeProtocol protocol;
  private final LookupTarget ownTarget;
  private List<Contact> bootNodes;
  private final Queue<Lookup> lookups = new ArrayDeque<>();
  private boolean lookingUp;
  private long smallRefreshMillis = MIN_SMALL_REFRESH_MILLIS;
  private int refreshedSize;

  /** Creates the upkeep of a table; nothing happens before {@link #start}. */
  TableMaintenance(
      DiscoveryContext context, NodeTable table, NodeProtocol protocol, List<Contact> bootNodes) {
    this.context = context;
    this.ownTarget = LookupTarget.of(context.localRecord().current().publicKey());
    this.self = ownTarget.id();
    this.table = table;
    this.protocol = protocol;
    this.bootNodes = List.copyOf(bootNodes);
  }

  /** Starts the timers and the first refresh. */
  void start() {
    refresh();
    scheduleCheck(false);
    scheduleCheck(true);
  }

  private void addSeed(Contact contact) {
    boolean usable = contact.record() != null || !protocol.needsRecords();
    if (usable && context.allowed().test(contact.node().address())) {
      table.addFound(contact);
    }
  }

  // ---- liveness

  private void scheduleCheck(boolean slow) {
    long mean = slow ? SLOW_MILLIS : FAST_MILLIS;
    context
        .timers()
        .schedule(
            context.random().nextLong(2 * mean) + 1,
            () -> {
              scheduleCheck(slow);
              checkRandomEntry(slow);
            });
  }

  private void checkRandomEntry(boolean slow) {
    NodeTable.Entry entry = table.randomEntry(slow);
    if (entry != null) {
      entry.setChecking(true);
      check(entry.contact(), () -> entry.setChecking(false));
    }
  }

  private void check(Contact contact, Runnable done) {
    protocol.ping(
        contact,
        result -> {
          done.run();
          Contact responded = result.response();
          if (responded != null && NodeTable.isMoved(contact, responded)) {
            table.move(responded); // of version 5: it has responded at the old endpoint
          } else if (responded != null) {
            table.confirm(responded);
            context.database().put(responded);
          } else if (result.isTimeout()) {
            table.fail(contact.id());
          }
        });
  }

  // ---- refresh

  /** Replaces the boot nodes, and pings them. */
  void setBootNodes(List<Contact> contacts) {
    bootNodes = List.copyOf(contacts);
    addBootNodes();
  }

  private void addBootNodes() {
    bootNodes.forEach(this::addSeed);
    for (Contact bootNode : bootNodes) {
      if (table.find(bootNode.id()) != null) {
        check(bootNode, () -> {});
      }
    }
  }

  private void refresh() {
    if (table.liveSize() == 0) {
      context.database().seeds(MAX_SEEDS, context.random()).forEach(this::addSeed);
    }
    addBootNodes();
    lookup(ownTarget, found -> {});
    for (int i = 0; i < RANDOM_LOOKUPS; i++) {
      boolean last = i == RANDOM_LOOKUPS - 1;
      lookup(
          LookupTarget.random(context.random()),
          found -> {
            if (last) {
              scheduleRefresh();
            }
          });
    }
  }

  private void scheduleRefresh() {
    int size = table.liveSize();
    boolean changed = size != refreshedSize;
    refreshedSize = size;
    smallRefreshMillis =
        changed
            ? MIN_SMALL_REFRESH_MILLIS
            : Math.min(2 * smallRefreshMillis, MAX_SMALL_REFRESH_MILLIS);
    long delay = size < SMALL_SIZE ? smallRefreshMillis : REFRESH_MILLIS;
    context.timers().schedule(delay, this::refresh);
  }

  // ---- lookups

  /**
   * Looks up a target after the lookups that wait.
   *
   * @param done gets the closest nodes, once; none when too many lookups wait
   */
  void lookup(LookupTarget target, Consumer<List<Contact>> done) {
    if (lookups.size() >= MAX_QUEUED_LOOKUPS) {
      done.accept(List.of());
      return;
    }
    lookups.add(
        new Lookup(
            target,
            self,
            table,
            protocol,
            found -> {
              lookingUp = false;
              // not from here: a table without nodes would nest the lookups
              context.timers().schedule(0, this::startNextLookup);
              done.accept(found);
            }));
    context.timers().schedule(0, this::startNextLookup);
  }

  private void startNextLookup() {
    @Nullable Lookup next = lookingUp ? null : lookups.poll();
    if (next != null) {
      lookingUp = true;
      next.start();
    }
  }
}
