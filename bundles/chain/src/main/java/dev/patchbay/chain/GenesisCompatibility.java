// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.primitives.BlobSchedule;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.UInt256;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares the {@code config} object of a genesis with the one that a chain was started with, as
 * geth's {@code CheckCompatible} does: rules that hold at the head must not change. The chain id
 * and the consensus never change. A fork after the head may be added, moved or removed. While the
 * head is the genesis, all else may change.
 *
 * <p>The hash of a genesis block does not cover these fields.
 */
final class GenesisCompatibility {
  private static final Logger LOG = LoggerFactory.getLogger(GenesisCompatibility.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final BlockHeader head;
  private final long genesisTime;

  private GenesisCompatibility(BlockHeader head, long genesisTime) {
    this.head = head;
    this.genesisTime = genesisTime;
  }

  /**
   * Compares the stored configuration with the one given.
   *
   * @param head header of the head of the chain
   * @return whether their texts differ, with the same rules up to the head; {@link #keep} stores
   *     the new one
   * @throws StorageException when they differ in what holds at the head; the message names the
   *     field and both values, and says what to do. Nothing was changed.
   */
  static boolean check(KeyValueStore store, GenesisFile given, BlockHeader head) {
    byte[] bytes = store.get(Columns.META, Keys.GENESIS_CONFIG);
    String text = bytes == null ? "" : new String(bytes, StandardCharsets.UTF_8);
    if (text.equals(given.configText())) {
      return false;
    }
    JsonNode before;
    ChainConfig old;
    try {
      before = JSON.readTree(text);
      old = GenesisFile.config(before);
    } catch (JsonProcessingException | IllegalArgumentException | ArithmeticException unreadable) {
      throw new StorageException(
          "the genesis config in the store cannot be read ("
              + unreadable.getMessage()
              + ")"
              + ChainStore.damaged(),
          unreadable);
    }
    UInt256 total = ChainStore.totalDifficulty(store, head.computeHash());
    new GenesisCompatibility(head, given.timestamp())
        .check(before, old, config(given), given.config(), total == null ? UInt256.ZERO : total);
    return true;
  }

  private static JsonNode config(GenesisFile given) {
    return given.json().path("config");
  }

  /** Stores the configuration of a genesis that was checked. */
  static void keep(KeyValueStore store, GenesisFile given) {
    WriteBatch batch = new WriteBatch();
    batch.put(
        Columns.META, Keys.GENESIS_CONFIG, given.configText().getBytes(StandardCharsets.UTF_8));
    store.write(batch);
    LOG.info(
        "the genesis config has changed, but not its rules up to the head; the new config is stored");
  }

  private void check(
      JsonNode before, ChainConfig old, JsonNode after, ChainConfig now, UInt256 totalDifficulty) {
    same("chainId", old.chainId(), now.chainId());
    same("clique", present(old.clique()), present(now.clique()));
    same("optimism", present(old.rollup()), present(now.rollup()));
    if (head.number() == 0) {
      return; // the hash of the genesis covers what holds at its block
    }
    checkForks(
        before,
        after,
        old.daoForkBlock() != null || now.daoForkBlock() != null,
        old.forkBlocks().containsKey(Fork.PARIS) && now.forkBlocks().containsKey(Fork.PARIS));
    if (isPast("daoForkBlock", fork(before, "daoForkBlock"))) {
      same("daoForkSupport", old.daoForkBlock() != null, now.daoForkBlock() != null);
    }
    if (old.clique() == null
        && (reached(old.terminalTotalDifficulty(), totalDifficulty)
            || reached(now.terminalTotalDifficulty(), totalDifficulty))) {
      same("terminalTotalDifficulty", old.terminalTotalDifficulty(), now.terminalTotalDifficulty());
    }
    if (old.clique() != null
        && now.clique() != null
        && head.number() >= Math.min(old.clique().epoch(), now.clique().epoch())) {
      same("clique.epoch", old.clique().epoch(), now.clique().epoch());
    }
    Fork fork = old.forkAt(head.number(), head.timestamp());
    if (fork.includes(Fork.CANCUN) && old.rollup() == null) {
      checkBlobs(old, now);
    }
    if (fork.includes(Fork.PRAGUE)) {
      same("depositContractAddress", old.depositContract(), now.depositContract());
    }
    if (old.rollup() != null && now.rollup() != null) {
      checkRollup(old.rollup(), now.rollup());
    }
  }

  /**
   * Compares the forks.
   *
   * @param dao whether one of the chains has the fork of The DAO
   * @param merged whether both chains are without proof of work from block 0 on
   */
  private void checkForks(JsonNode before, JsonNode after, boolean dao, boolean merged) {
    Map<String, Long> old = ForkOrder.read(before);
    Map<String, Long> now = ForkOrder.read(after);
    Set<String> names = new LinkedHashSet<>(ForkOrder.FORKS);
    names.addAll(ForkOrder.ROLLUP_FORKS);
    names.remove("mergeNetsplitBlock"); // changes the fork id only
    if (!dao) {
      names.remove("daoForkBlock"); // has no effect without daoForkSupport
    }
    names.removeAll(includedAtStart(old, now, merged));
    for (String name : names) {
      Long stored = old.get(name);
      Long given = now.get(name);
      boolean past = isPast(name, stored) || isPast(name, given);
      if (past && !(isBeforeGenesis(name, stored) && isBeforeGenesis(name, given))) {
        same(name, stored, given);
      }
    }
  }

  /**
   * Returns the forks that hold from block 0 on in both configurations, whether they are named or
   * not: a later fork at block 0 includes them.
   */
  private static Set<String> includedAtStart(
      Map<String, Long> old, Map<String, Long> now, boolean merged) {
    Set<String> out = new LinkedHashSet<>();
    boolean included = merged;
    for (int i = ForkOrder.FORKS.size() - 1; i >= 0; i--) {
      String name = ForkOrder.FORKS.get(i);
      Long stored = old.get(name);
      Long given = now.get(name);
      if (included
          && ForkOrder.isBlock(name)
          && !name.equals("daoForkBlock")
          && (stored == null || stored == 0)
          && (given == null || given == 0)) {
        out.add(name);
      }
      included |=
          GenesisFile.isRuleBlock(name)
              && stored != null
              && stored == 0
              && given != null
              && given == 0;
    }
    return out;
  }

  private static @Nullable Long fork(JsonNode config, String name) {
    return ForkOrder.read(config).get(name);
  }

  private boolean isPast(String name, @Nullable Long from) {
    return from != null && from <= (ForkOrder.isBlock(name) ? head.number() : head.timestamp());
  }

  /** Returns whether a fork holds from before the genesis on; its exact time has no effect. */
  private boolean isBeforeGenesis(String name, @Nullable Long from) {
    return from != null && !ForkOrder.isBlock(name) && from < genesisTime;
  }

  private static boolean reached(@Nullable UInt256 terminal, UInt256 totalDifficulty) {
    return terminal != null && totalDifficulty.compareTo(terminal) >= 0;
  }

  /** Compares the blob parameters at each time up to the head at which they begin to hold. */
  private void checkBlobs(ChainConfig old, ChainConfig now) {
    TreeMap<Long, BlobSchedule> times = new TreeMap<>(old.blobSchedules());
    times.putAll(now.blobSchedules());
    for (long time : times.headMap(head.timestamp(), true).keySet()) {
      same(
          "blobSchedule (at time " + time + ")",
          old.blobScheduleAt(time),
          now.blobScheduleAt(time));
    }
  }

  private void checkRollup(ChainConfig.Rollup old, ChainConfig.Rollup now) {
    same("optimism.eip1559Elasticity", old.elasticity(), now.elasticity());
    same("optimism.eip1559Denominator", old.denominator(), now.denominator());
    if (isPast("canyonTime", old.forkTimes().get("canyon"))) {
      same("optimism.eip1559DenominatorCanyon", old.denominatorCanyon(), now.denominatorCanyon());
    }
  }

  private static String present(@Nullable Object part) {
    return part == null ? "missing" : "there";
  }

  private void same(String field, @Nullable Object stored, @Nullable Object given) {
    if (!Objects.equals(stored, given)) {
      throw new StorageException(
          "the genesis does not fit the data directory: config."
              + field
              + " was "
              + shown(stored)
              + " when the chain was started, and is "
              + shown(given)
              + " now; it holds at the head, block "
              + head.number()
              + " at time "
              + head.timestamp()
              + ". Nothing was changed. Use the stored value, or another --datadir");
    }
  }

  private static String shown(@Nullable Object value) {
    return value == null ? "missing" : value.toString();
  }
}
