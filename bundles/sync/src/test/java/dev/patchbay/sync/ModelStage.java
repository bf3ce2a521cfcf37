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
  private final Map<Hash, Block> bodies = new HashMap<>();
  private final List<Hash> fetched = new ArrayList<>();
  private @Nullable Hash head;

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
    boolean isLinked = chain.block(parent) != null;
    return new Wanted(head, headers.firstKey(), headers.lastKey(), isLinked ? null : parent);
  }

  @Override
  public synchronized void addHeaders(List<BlockHeader> added) {
    for (BlockHeader header : added) {
      Wanted now = wanted();
      if (now != null && header.computeHash().equals(now.missing())) {
        headers.put(header.number(), header);
      }
    }
  }

  @Override
  public synchronized List<Staged> blocks(long from, int max) {
    return headers.tailMap(from, true).values().stream()
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
  public ImportResult importBlock(Block block) {
    chain.onImport.accept(block);
    synchronized (this) {
      if (headers.isEmpty()
          || !block.hash().equals(headers.firstEntry().getValue().computeHash())) {
        return new ImportResult.Known();
      }
      ImportResult result = chain.add(block);
      if (result instanceof ImportResult.Invalid) {
        headers.clear();
        head = null;
      } else {
        headers.pollFirstEntry();
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
