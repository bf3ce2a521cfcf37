// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The traversal of a node list in the DNS, in random order, one query a step (EIP-1459, "Client
 * Protocol"). When it is complete it starts again with the root.
 *
 * <p>Threading: the DNS thread.
 */
final class DnsList {
  /** Entries of a list that are read; those of the main network are some thousands. */
  static final int MAX_ENTRIES = 16_384;

  private final DnsListLink link;
  private final TxtResolver resolver;
  private final RandomGenerator random;

  /** The hashes that were read or wait; each is read once, so that no loop is endless. */
  private final Set<String> seen = new HashSet<>();

  private final List<Pending> pending = new ArrayList<>();
  private long seq = -1;

  /**
   * An entry to read.
   *
   * @param links whether it is in the subtree of links
   */
  private record Pending(String hash, boolean links) {}

  DnsList(DnsListLink link, TxtResolver resolver, RandomGenerator random) {
    this.link = link;
    this.resolver = resolver;
    this.random = random;
  }

  DnsListLink link() {
    return link;
  }

  /** Returns whether the next step reads the root. */
  boolean isComplete() {
    return pending.isEmpty();
  }

  /**
   * Reads the root or an entry.
   *
   * @return the entry when it is a node or a link; null otherwise
   * @throws IOException when the DNS does not respond; the entry is read later
   * @throws IllegalArgumentException when the entry is malformed; it is skipped
   */
  @Nullable DnsEntry step() throws IOException {
    if (pending.isEmpty()) {
      readRoot();
      return null;
    }
    int chosen = random.nextInt(pending.size());
    Pending next = pending.get(chosen);
    List<String> texts = resolver.resolve(next.hash() + "." + link.domain());
    pending.remove(chosen);
    if (texts.isEmpty()) {
      throw new IllegalArgumentException("an entry does not exist");
    }
    DnsEntry entry = DnsEntry.parse(texts.get(0), next.hash());
    if (entry instanceof DnsEntry.Branch branch) {
      branch.hashes().forEach(hash -> add(hash, next.links()));
      return null;
    }
    if (entry instanceof DnsEntry.Link != next.links()) {
      throw new IllegalArgumentException("an entry is in the wrong subtree");
    }
    return entry;
  }

  private void readRoot() throws IOException {
    for (String text : resolver.resolve(link.domain())) {
      if (DnsEntry.Root.isRoot(text)) {
        DnsEntry.Root root = DnsEntry.Root.parse(text, link.publicKey());
        if (root.seq() < seq) {
          throw new IllegalArgumentException("the root is older than the last one");
        }
        seq = root.seq();
        seen.clear();
        add(root.nodes(), false);
        add(root.links(), true);
        return;
      }
    }
    throw new IllegalArgumentException("the name has no root");
  }

  private void add(String hash, boolean links) {
    if (seen.size() < MAX_ENTRIES && seen.add(hash)) {
      pending.add(new Pending(hash, links));
    }
  }
}
