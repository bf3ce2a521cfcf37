// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports a chain that waits for a signer: which signers may seal the next block, since when it is
 * due, and which of them were never seen. A chain with a period of 0 waits for transactions, and is
 * never reported.
 *
 * <p>Threading: {@link #look} in one thread, the health in any thread.
 */
final class SignerWatch implements HealthCheck {
  /** How often the head is compared with the last one, on a chain that has to go on. */
  static final long LOOK_MILLIS = 1_000;

  private static final long IDLE_MILLIS = 10_000;

  /** A block is late after so many periods, and so many seconds. */
  private static final long LATE_PERIODS = 3;

  private static final long MIN_LATE_SECONDS = 15;

  private static final Logger LOG = LoggerFactory.getLogger(SignerWatch.class);

  private final InstantSource clock;
  private final Supplier<@Nullable ChainReader> chain;
  private final Votes votes;
  private volatile Health health = Health.healthy("no chain was seen");
  private @Nullable Hash lastHead;
  private long lastHeadMillis;

  /** Reads the votes after a block. */
  interface Votes {
    /**
     * Returns the state of the votes after a block.
     *
     * @throws InvalidBlockException when the headers before it are not those of Clique
     */
    Voting after(BlockHeader header, Hash hash, HeaderReader headers, ChainConfig config)
        throws InvalidBlockException;
  }

  SignerWatch(InstantSource clock, Supplier<@Nullable ChainReader> chain, Votes votes) {
    this.clock = clock;
    this.chain = chain;
    this.votes = votes;
  }

  @Override
  public String name() {
    return "consensus.signers";
  }

  @Override
  public Set<String> dependencies() {
    return Set.of("chain");
  }

  @Override
  public Health check() {
    return health;
  }

  /** Looks at the head; returns for how many milliseconds there is nothing to see. */
  long look() {
    ChainReader reader = chain.get();
    ChainConfig.Clique clique = reader == null ? null : reader.config().clique();
    if (reader == null || clique == null || clique.period() == 0) {
      report(
          Health.healthy(
              reader == null
                  ? "no chain was seen"
                  : clique == null
                      ? "the chain is not one of Clique"
                      : "blocks are sealed when there are transactions"));
      return IDLE_MILLIS;
    }
    try {
      report(healthOf(reader, clique));
    } catch (NotReadyException | StorageException | StorageUnavailableException unavailable) {
      health = Health.unavailable(String.valueOf(unavailable.getMessage()));
    } catch (InvalidBlockException broken) {
      report(Health.degraded("the signers cannot be read: " + broken.getMessage()));
    }
    return LOOK_MILLIS;
  }

  private void report(Health next) {
    Health before = health;
    health = next;
    if (isHealthy(next) != isHealthy(before)) {
      LOG.warn(isHealthy(next) ? "the chain goes on: {}" : "{}", next.message());
    }
  }

  private static boolean isHealthy(Health health) {
    return health.status() == Health.Status.HEALTHY;
  }

  private Health healthOf(ChainReader reader, ChainConfig.Clique clique)
      throws InvalidBlockException {
    Block block = reader.head();
    BlockHeader head = block.header();
    Hash hash = block.hash();
    long now = clock.millis();
    if (!hash.equals(lastHead)) { // a chain that is being downloaded is old, and does not wait
      lastHead = hash;
      lastHeadMillis = now;
    }
    long due = head.timestamp() + clique.period();
    long late = Math.max(LATE_PERIODS * clique.period(), MIN_LATE_SECONDS);
    if (now < (Math.max(due * 1_000, lastHeadMillis) + late * 1_000)) {
      return Health.healthy("head is block " + head.number());
    }
    long number = head.number() + 1;
    Voting voting = votes.after(head, hash, reader, reader.config());
    List<Address> eligible = voting.eligible(number);
    StringBuilder message = new StringBuilder();
    message
        .append("no block since ")
        .append(Instant.ofEpochSecond(head.timestamp()))
        .append(": block ")
        .append(number)
        .append(" was due at ")
        .append(Instant.ofEpochSecond(due))
        .append(" and waits for one of its signers ")
        .append(
            eligible.stream()
                .map(
                    signer ->
                        signer.toChecksumString()
                            + (voting.inTurn(signer, number) ? " (in turn)" : ""))
                .collect(Collectors.joining(", ")));
    List<Address> unseen = eligible.stream().filter(signer -> !voting.hasSealed(signer)).toList();
    if (!unseen.isEmpty()) {
      message
          .append(". Not one block since block ")
          .append(voting.first())
          .append(" is of ")
          .append(unseen.stream().map(Address::toChecksumString).collect(Collectors.joining(", ")));
    }
    return Health.degraded(message.append(". Start their nodes, or connect to them").toString());
  }
}
