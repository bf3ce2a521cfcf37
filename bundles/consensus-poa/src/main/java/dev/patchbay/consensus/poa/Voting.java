// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.CliqueControl;
import dev.patchbay.api.consensus.CliqueControl.Vote;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Who may sign, who has signed lately, and the votes in the current epoch: the state of Clique
 * after one block. Immutable but for {@link #apply}, which returns a new one.
 */
final class Voting {
  /** Nonce of a vote to authorize. */
  static final long AUTHORIZE = -1L;

  /** Nonce of a vote to remove. */
  static final long DROP = 0L;

  private final SortedSet<Address> signers;
  private final TreeMap<Long, Address> recents;
  private final List<Vote> votes;

  /** The latest block of each signer, by signer, from {@link #first} on. */
  private final Map<Address, Long> latest;

  private final long first;

  private Voting(
      SortedSet<Address> signers,
      TreeMap<Long, Address> recents,
      List<Vote> votes,
      Map<Address, Long> latest,
      long first) {
    this.signers = signers;
    this.recents = recents;
    this.votes = votes;
    this.latest = latest;
    this.first = first;
  }

  /**
   * Starts with the signers of a checkpoint; {@code recents} are the signers of the checkpoint and
   * of the blocks before it, by number.
   */
  static Voting atCheckpoint(long number, List<Address> signers, Map<Long, Address> recents) {
    Map<Address, Long> latest = new HashMap<>();
    TreeMap<Long, Address> ascending = new TreeMap<>(recents);
    ascending.forEach((block, signer) -> latest.put(signer, block));
    return new Voting(
        new TreeSet<>(signers),
        ascending,
        List.of(),
        latest,
        ascending.isEmpty() ? number : ascending.firstKey());
  }

  /** Returns this state as what may be handed over, for {@link #fromMap}. */
  Map<String, Object> toMap() {
    return Map.of(
        "signers",
        List.copyOf(signers),
        "recents",
        Map.copyOf(recents),
        "votes",
        List.copyOf(votes),
        "latest",
        Map.copyOf(latest),
        "first",
        first);
  }

  /** Returns the state of {@link #toMap}; null when another version has made something else. */
  static @Nullable Voting fromMap(Map<?, ?> state) {
    if (!(state.get("signers") instanceof Collection<?> signers
        && state.get("recents") instanceof Map<?, ?> recents
        && state.get("votes") instanceof Collection<?> votes
        && state.get("latest") instanceof Map<?, ?> latest
        && state.get("first") instanceof Long first)) {
      return null;
    }
    Voting voting =
        new Voting(new TreeSet<>(), new TreeMap<>(), new ArrayList<>(), new HashMap<>(), first);
    try {
      signers.forEach(signer -> voting.signers.add((Address) signer));
      recents.forEach((block, signer) -> voting.recents.put((Long) block, (Address) signer));
      votes.forEach(vote -> voting.votes.add((Vote) vote));
      latest.forEach((signer, block) -> voting.latest.put((Address) signer, (Long) block));
    } catch (ClassCastException other) {
      return null;
    }
    return voting;
  }

  List<Address> signers() {
    return List.copyOf(signers);
  }

  int voteCount() {
    return votes.size();
  }

  CliqueControl.Snapshot snapshot() {
    return new CliqueControl.Snapshot(
        signers(), Collections.unmodifiableSortedMap(recents), List.copyOf(votes));
  }

  /** Returns whether a signer's turn it is at a number. */
  boolean inTurn(Address signer, long number) {
    return index(signer) == number % signers.size();
  }

  private int index(Address signer) {
    return signers.headSet(signer).size();
  }

  /**
   * Returns how many blocks before a block its signer was in turn last, in the order of the signers
   * after the block: 0 for a block in turn (EIP-3436, rule 3).
   */
  long distanceFromTurn(Address signer, long number) {
    return signers.isEmpty() ? 0 : Math.floorMod(number - index(signer), (long) signers.size());
  }

  /**
   * Returns whether a signer has signed one of the last floor(N/2) blocks before {@code number}.
   */
  boolean signedRecently(Address signer, long number) {
    long limit = signers.size() / 2 + 1;
    return recents.tailMap(number - limit + 1, true).containsValue(signer);
  }

  /**
   * Returns the signers that may seal a block after all others of the latest blocks have: the one
   * in turn first, if it may, then the others in ascending order.
   */
  List<Address> eligible(long number) {
    List<Address> eligible = new ArrayList<>();
    for (Address signer : signers) {
      if (!signedRecently(signer, number)) {
        eligible.add(inTurn(signer, number) ? 0 : eligible.size(), signer);
      }
    }
    return eligible;
  }

  /** Returns the number of the first block whose signer is known. */
  long first() {
    return first;
  }

  /** Returns whether a signer has sealed a block from {@link #first} on. */
  boolean hasSealed(Address signer) {
    return latest.containsKey(signer);
  }

  /**
   * Returns a warning when a vote, once it has passed, makes the chain need a signer that has
   * sealed no block: of N signers, N/2 + 1 have to seal in turn. Empty when the vote changes
   * nothing, or enough other signers were seen.
   */
  Optional<String> warning(Address target, boolean authorize) {
    if (!isMeaningful(target, authorize)) {
      return Optional.empty();
    }
    SortedSet<Address> next = new TreeSet<>(signers);
    if (authorize) {
      next.add(target);
    } else {
      next.remove(target);
    }
    List<Address> unseen = next.stream().filter(signer -> !hasSealed(signer)).toList();
    int needed = next.size() / 2 + 1;
    int seen = next.size() - unseen.size();
    if (next.isEmpty() || seen >= needed) {
      return Optional.empty();
    }
    return Optional.of(
        "once "
            + target.toChecksumString()
            + (authorize ? " is a signer" : " is no longer a signer")
            + ", "
            + needed
            + " of "
            + next.size()
            + " signers have to seal, and only "
            + seen
            + (seen == 1 ? " has" : " have")
            + " since block "
            + first
            + ". The chain stops unless "
            + unseen.stream().map(Address::toChecksumString).collect(Collectors.joining(", "))
            + (unseen.size() == 1 ? " seals" : " seal")
            + ", and no vote can change that then: start the "
            + (unseen.size() == 1 ? "node" : "nodes")
            + " before the vote passes");
  }

  /** Returns whether a signer has cast a vote that still counts. */
  boolean hasVote(Address signer, Address target, boolean authorize) {
    return votes.stream()
        .anyMatch(
            vote ->
                vote.signer().equals(signer)
                    && vote.target().equals(target)
                    && vote.authorize() == authorize);
  }

  /** Returns whether a vote would change anything. */
  boolean isMeaningful(Address target, boolean authorize) {
    return signers.contains(target) != authorize;
  }

  /**
   * Returns whether a block that is no checkpoint changes nothing but who has signed recently.
   *
   * @param blocks how many of the blocks after it are applied, which must suffice to know that
   */
  boolean isUnchangedBy(BlockHeader header, int blocks) {
    return header.coinbase().isZero()
        && header.nonce() == DROP
        && !signers.contains(Address.ZERO)
        && votes.stream().noneMatch(vote -> vote.target().isZero())
        && signers.size() <= blocks;
  }

  /** Returns the same state where no signer of a block before a number is known. */
  Voting knownFrom(long number) {
    TreeMap<Long, Address> nextRecents = new TreeMap<>(recents.tailMap(number, true));
    Map<Address, Long> nextLatest = new HashMap<>(latest);
    nextLatest.values().removeIf(block -> block < number);
    return new Voting(signers, nextRecents, votes, nextLatest, number);
  }

  /**
   * Returns the state after a block.
   *
   * @param epoch blocks between checkpoints
   * @throws InvalidBlockException when the signer is not authorized or has signed recently
   */
  Voting apply(BlockHeader header, Address signer, long epoch) throws InvalidBlockException {
    long number = header.number();
    if (!signers.contains(signer)) {
      throw new InvalidBlockException("unauthorized signer " + signer);
    }
    if (signedRecently(signer, number)) {
      throw new InvalidBlockException("signer " + signer + " has signed recently");
    }
    TreeSet<Address> nextSigners = new TreeSet<>(signers);
    TreeMap<Long, Address> nextRecents = new TreeMap<>(recents);
    List<Vote> nextVotes = new ArrayList<>(number % epoch == 0 ? List.of() : votes);
    nextRecents.headMap(number - (signers.size() / 2 + 1), true).clear();
    nextRecents.put(number, signer);
    Address target = header.coinbase();
    boolean authorize = header.nonce() == AUTHORIZE;
    nextVotes.removeIf(vote -> vote.signer().equals(signer) && vote.target().equals(target));
    // at a checkpoint this can only be a vote against the zero address, as in geth
    if (isMeaningful(target, authorize)) {
      nextVotes.add(new Vote(signer, number, target, authorize));
    }
    // all live votes on a target point the same way: a vote that changes nothing is not kept
    long count = nextVotes.stream().filter(vote -> vote.target().equals(target)).count();
    if (count > signers.size() / 2) {
      if (nextSigners.remove(target)) {
        nextRecents.headMap(number - (nextSigners.size() / 2 + 1), true).clear();
        nextVotes.removeIf(vote -> vote.signer().equals(target));
      } else {
        nextSigners.add(target);
      }
      nextVotes.removeIf(vote -> vote.target().equals(target));
    }
    Map<Address, Long> nextLatest = new HashMap<>(latest);
    nextLatest.put(signer, number);
    nextLatest.keySet().retainAll(nextSigners);
    return new Voting(nextSigners, nextRecents, nextVotes, nextLatest, first);
  }
}
