// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.node.Handover;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The states of the votes after blocks, and the signers of blocks. A state is computed from the
 * headers since the last checkpoint; those of recent blocks are kept, and handed over to the
 * successor of the bundle, which would have to read all these headers.
 *
 * <p>Threading: any thread.
 */
final class VotingStates {
  /**
   * The most states, and signers of blocks, that are kept: sync verifies as many headers ahead of
   * the blocks, which are verified again when they are imported.
   */
  private static final int MAX_KEPT = 1_024;

  /** As geth: as many states are kept however many votes they have. */
  private static final int MIN_KEPT = 128;

  /**
   * The most votes that all states have together when more than {@link #MIN_KEPT} are kept. Each
   * state has a list of its own: one signer that casts a vote with each of its blocks has 15,000
   * votes in an epoch.
   */
  private static final int MAX_KEPT_VOTES = MAX_KEPT * 128;

  /** The latest blocks whose signers are recovered when the state of the votes is not known. */
  static final int REPLAYED = 1_024;

  /**
   * The states of the votes that are handed over, by block. The number counts the changes of how
   * they are computed: a build that computes them otherwise must not take them.
   */
  private static final String VOTING = "consensus-poa.voting-1";

  /** The signers of blocks that are handed over, by block. */
  private static final String SIGNERS = "consensus-poa.signers";

  /** The states that are handed over, the most recently used ones: the head and its siblings. */
  private static final int HANDED_OVER = 8;

  /** States by block, least recently used ones first. */
  private final Map<Hash, Voting> known =
      Collections.synchronizedMap(new LinkedHashMap<>(16, 0.75f, true));

  /** How many votes the known states have together; guarded by {@link #known}. */
  private long knownVotes;

  private final Map<Hash, Address> signers =
      Collections.synchronizedMap(
          new LinkedHashMap<>(16, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<Hash, Address> eldest) {
              return size() > MAX_KEPT;
            }
          });

  private final Object replaying = new Object();

  private void keep(Hash block, Voting voting) {
    synchronized (known) {
      Voting former = known.put(block, voting);
      knownVotes += voting.voteCount() - (former == null ? 0 : former.voteCount());
      Iterator<Voting> leastUsed = known.values().iterator();
      while (known.size() > MAX_KEPT || (known.size() > MIN_KEPT && knownVotes > MAX_KEPT_VOTES)) {
        knownVotes -= leastUsed.next().voteCount();
        leastUsed.remove();
      }
    }
  }

  /** Hands over what a successor needs for the head. */
  void handOver(Handover handover) {
    handover.put(SIGNERS, copy(signers));
    Map<Hash, Object> recent = new HashMap<>();
    List<Map.Entry<Hash, Voting>> all = List.copyOf(copy(known).entrySet());
    all.subList(Math.max(0, all.size() - HANDED_OVER), all.size())
        .forEach(state -> recent.put(state.getKey(), state.getValue().toMap()));
    handover.put(VOTING, recent);
  }

  /** Copies a map, least recently used entries first, that other threads may be using. */
  private static <K, V> Map<K, V> copy(Map<K, V> shared) {
    synchronized (shared) {
      return new LinkedHashMap<>(shared);
    }
  }

  /** Takes what a predecessor has handed over, as far as it is of the form of this version. */
  void take(Handover handover) {
    if (handover.take(SIGNERS) instanceof Map<?, ?> handed) {
      handed.forEach(
          (block, signer) -> {
            if (block instanceof Hash hash && signer instanceof Address address) {
              signers.putIfAbsent(hash, address);
            }
          });
    }
    if (handover.take(VOTING) instanceof Map<?, ?> handed) {
      handed.forEach(
          (block, state) -> {
            Voting voting = state instanceof Map<?, ?> map ? Voting.fromMap(map) : null;
            if (block instanceof Hash hash && voting != null) {
              keep(hash, voting);
            }
          });
    }
  }

  /**
   * Returns who has sealed a block.
   *
   * @throws InvalidBlockException when the seal is not a valid signature
   */
  Address signer(BlockHeader header, Hash hash) throws InvalidBlockException {
    Address signer = signers.get(hash);
    if (signer == null) {
      signer = Extra.signer(header);
      if (signer == null) {
        throw new InvalidBlockException("extraData: the seal is not a valid signature");
      }
      signers.put(hash, signer);
    }
    return signer;
  }

  /**
   * Returns the state after a block, all of whose ancestors were verified.
   *
   * @param epoch blocks between checkpoints
   * @throws InvalidBlockException when an ancestor is unknown, or the block is not sealed by one of
   *     its signers
   */
  Voting after(BlockHeader header, Hash hash, HeaderReader headers, long epoch)
      throws InvalidBlockException {
    Voting voting = known.get(hash);
    if (voting != null) {
      return voting;
    }
    Voting before = header.number() % epoch == 0 ? null : known.get(header.parentHash());
    if (before == null) {
      synchronized (replaying) { // after a restart all threads need the same state
        voting = replayed(header, hash, headers, epoch);
      }
    } else {
      voting = before.apply(header, signer(header, hash), epoch);
    }
    keep(hash, voting);
    return voting;
  }

  /**
   * Returns the state after a block from the headers since a known state or checkpoint, up to an
   * epoch of them. Signers are recovered of the blocks that vote, and of the latest ones: nothing
   * depends on the signers of the others.
   */
  private Voting replayed(BlockHeader header, Hash hash, HeaderReader headers, long epoch)
      throws InvalidBlockException {
    Deque<BlockHeader> pending = new ArrayDeque<>();
    BlockHeader at = header;
    Hash atHash = hash;
    Voting voting = known.get(atHash);
    while (voting == null) {
      if (at.number() % epoch == 0) {
        voting = checkpoint(at, headers);
      } else {
        pending.push(at);
        atHash = at.parentHash();
        voting = known.get(atHash);
        if (voting == null) {
          at = require(headers.header(atHash), atHash);
        }
      }
    }
    boolean hasGap = false;
    for (BlockHeader next : pending) {
      if (header.number() - next.number() >= REPLAYED && voting.isUnchangedBy(next, REPLAYED)) {
        hasGap = true;
        continue;
      }
      if (hasGap && header.number() - next.number() < REPLAYED) {
        voting = voting.knownFrom(next.number());
        hasGap = false;
      }
      voting = voting.apply(next, signer(next, next.computeHash()), epoch);
    }
    return voting;
  }

  /** A checkpoint lists the signers; who has signed lately is read from the blocks before it. */
  private Voting checkpoint(BlockHeader header, HeaderReader headers) throws InvalidBlockException {
    List<Address> listed = Extra.signers(header);
    if (listed == null || listed.isEmpty()) {
      throw new InvalidBlockException(
          "extraData of checkpoint "
              + header.number()
              + " lists no signers; a Clique genesis needs them");
    }
    Map<Long, Address> recents = new HashMap<>();
    BlockHeader at = header;
    for (int i = 0; i <= listed.size() / 2 && at.number() > 0; i++) {
      recents.put(at.number(), signer(at, at.computeHash()));
      at = require(headers.header(at.parentHash()), at.parentHash());
    }
    return Voting.atCheckpoint(header.number(), listed, recents);
  }

  /** Returns an ancestor; one that was not found is a fault of the block. */
  static BlockHeader require(@Nullable BlockHeader header, Hash hash) throws InvalidBlockException {
    if (header == null) {
      throw new InvalidBlockException("ancestor " + hash + " is unknown");
    }
    return header;
  }
}
