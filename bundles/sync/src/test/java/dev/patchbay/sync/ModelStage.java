// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.chain.BlockStage;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What lies between a model of a chain and the head that a test names. Threading: any thread. */
final class ModelStage implements BlockStage {
  private final ModelChain chain;
  private final TreeMap<Long, BlockHeader> headers = new TreeMap<>();

  /** Blocks before a head that was named earlier, whose headers reach the chain. */
  private final TreeMap<Long, BlockHeader> earlier = new TreeMap<>();

  private final Map<Hash, Block> bodies = new HashMap<>();
  private final List<Hash> fetched = new ArrayList<>();
  private @Nullable Hash head;

  /** Portions of blocks that have to be deleted. */
  volatile int obsolete;

  ModelStage(ModelChain chain) {
    this.chain = chain;
  }

  /** Names a head; headers that are here stay when it is on top of them. */
  synchronized void name(Block named) {
    BlockHeader below = headers.get(named.number() - 1);
    if (below != null && below.computeHash().equals(named.header().parentHash())) {
      headers.tailMap(named.number(), true).clear();
      headers.put(named.number(), named.header());
    } else {
      if (isLinked(headers)) {
        earlier.clear();
        earlier.putAll(headers);
      }
      headers.clear();
    }
    head = named.hash();
  }

  /** Returns the hashes of the bodies that were fetched. */
  synchronized List<Hash> fetched() {
    return List.copyOf(fetched);
  }

  @Override
  public synchronized @Nullable Wanted wanted() {
    if (head == null) {
      return null;
    }
    if (headers.isEmpty()) {
      return new Wanted(head, 0, 0, head);
    }
    Hash parent = headers.firstEntry().getValue().parentHash();
    boolean isLinked = isLinked(headers);
    return new Wanted(head, headers.firstKey(), headers.lastKey(), isLinked ? null : parent);
  }

  private boolean isLinked(TreeMap<Long, BlockHeader> some) {
    return !some.isEmpty() && chain.block(some.firstEntry().getValue().parentHash()) != null;
  }

  private TreeMap<Long, BlockHeader> importable() {
    return isLinked(earlier) && !isLinked(headers) ? earlier : headers;
  }

  @Override
  public synchronized @Nullable Linked linked() {
    TreeMap<Long, BlockHeader> some = importable();
    return head == null || !isLinked(some) ? null : new Linked(some.firstKey(), some.lastKey());
  }

  @Override
  public synchronized void addHeaders(List<BlockHeader> added) {
    for (BlockHeader header : added) {
      Wanted now = wanted();
      if (now != null && header.computeHash().equals(now.missing())) {
        headers.put(header.number(), header);
        earlier.tailMap(header.number(), true).clear();
        BlockHeader below = earlier.get(header.number() - 1);
        if (below != null && below.computeHash().equals(header.parentHash())) {
          headers.putAll(earlier);
        }
      }
    }
  }

  @Override
  public synchronized List<Staged> blocks(long from, int max) {
    return importable().tailMap(from, true).values().stream()
        .limit(max)
        .map(header -> new Staged(header, bodies.get(header.computeHash())))
        .toList();
  }

  @Override
  public synchronized void addBodies(List<Block> blocks) {
    for (Block block : blocks) {
      fetched.add(block.hash());
      bodies.put(block.hash(), block);
    }
  }

  @Override
  public synchronized boolean deleteObsolete() {
    obsolete = Math.max(0, obsolete - 1);
    return obsolete > 0;
  }

  @Override
  public ImportResult importBlock(Block block) {
    chain.onImport.accept(block);
    synchronized (this) {
      TreeMap<Long, BlockHeader> some = importable();
      if (some.isEmpty() || !block.hash().equals(some.firstEntry().getValue().computeHash())) {
        return new ImportResult.Known();
      }
      ImportResult result = chain.add(block);
      if (result instanceof ImportResult.Invalid) {
        headers.clear();
        earlier.clear();
        head = null;
      } else {
        some.pollFirstEntry();
        head = block.hash().equals(head) ? null : head;
      }
      return result;
    }
  }

  /** Returns the number of bodies that are here. */
  synchronized long bodies() {
    return bodies.values().stream().filter(Objects::nonNull).count();
  }
}
