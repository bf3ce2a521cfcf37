// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.consensus.CliqueControl;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.binding.Lease;
import dev.patchbay.binding.NotBoundException;
import dev.patchbay.binding.Slot;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockLimits;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What this node states and serves of its chain. The chain, the rules of Clique and the signer may
 * be missing while their bundles are replaced. Threading: any thread.
 */
final class LocalChain {
  private static final Logger LOG = LoggerFactory.getLogger(LocalChain.class);

  /** The value of the configuration that leaves the number of confirmations to the consensus. */
  static final int AUTOMATIC = -1;

  private final Slot<ChainReader> chain = new Slot<>("chain");
  private final Slot<CliqueControl> clique = new Slot<>("rules of proof of authority");
  private final Slot<BlockSealer> sealer = new Slot<>("signer");
  private final Address address;
  private final int confirmations;
  private final LongSupplier wallMillis;

  /** Whether a block was reported that the protocol cannot carry. */
  private final AtomicBoolean isReported = new AtomicBoolean();

  /** The signer, while its bundle is replaced; null when there was none. */
  private volatile @Nullable Address latestSigner;

  /** Whether the chain is a rollup, while it is replaced. */
  private volatile boolean latestRollup;

  /** The last number of confirmations under Clique, while its rules are replaced. */
  private volatile int latestConfirmations = 1;

  /**
   * Creates a view.
   *
   * @param address address of a node without a signer
   * @param confirmations how far below the head a block counts as confirmed; {@link #AUTOMATIC}
   * @param wallMillis milliseconds since the Unix epoch
   */
  LocalChain(Address address, int confirmations, LongSupplier wallMillis) {
    this.address = address;
    this.confirmations = confirmations;
    this.wallMillis = wallMillis;
  }

  Slot<ChainReader> chain() {
    return chain;
  }

  Slot<CliqueControl> clique() {
    return clique;
  }

  Slot<BlockSealer> sealer() {
    return sealer;
  }

  LongSupplier wallMillis() {
    return wallMillis;
  }

  /** Returns what this node states now; null while the chain cannot be read. */
  @Nullable Shakehand shakehand() {
    return with(
        chain,
        reader -> {
          Block head = reader.head();
          return new Shakehand(
              wallMillis.getAsLong(),
              head.number(),
              address(),
              new Shakehand.ChainId(reader.config().chainId(), reader.genesis().hash()),
              head.hash());
        });
  }

  /** Returns the account that signs, else an address of the node. */
  Address address() {
    Address signer = with(sealer, BlockSealer::signer);
    if (signer != null) {
      latestSigner = signer;
    }
    Address latest = latestSigner;
    return latest == null ? address : latest;
  }

  /** Returns whether a consensus client moves the head; true while the chain cannot be read. */
  boolean isDriven() {
    return !Boolean.FALSE.equals(with(chain, reader -> reader.config().isDriven()));
  }

  /**
   * Returns the most bytes of the RLP of a block that this node may build. Peers of Chronos must
   * get it, except where a consensus client spreads the blocks of the chain.
   */
  long maxBlockBytes() {
    return Boolean.TRUE.equals(with(chain, reader -> reader.config().isDriven()))
        ? BlockLimits.MAX_BYTES
        : Limits.MAX_BLOCK_BYTES;
  }

  /**
   * Returns the message with a block; null, with one warning, for one that the protocol cannot
   * carry, as of {@link BlockJson#message}.
   *
   * @param id id of the request; null for none
   */
  byte @Nullable [] message(MessageCode code, Block block, @Nullable Long id) {
    byte[] message = BlockJson.message(code, block, id);
    if (message == null && isReported.compareAndSet(false, true)) {
      LOG.warn(
          "chronos: {} and others are not served: they have ommers, or their messages exceed 8 MiB;"
              + " nodes need devp2p to follow this chain",
          block);
    }
    return message;
  }

  /** Returns whether the chain is a rollup; while it cannot be read, whether it was. */
  boolean isRollup() {
    Boolean isRollup = with(chain, reader -> reader.config().rollup() != null);
    if (isRollup != null) {
      latestRollup = isRollup;
    }
    return latestRollup;
  }

  /** Returns the number of the head; -1 while the chain cannot be read. */
  long height() {
    Long height = with(chain, reader -> reader.head().number());
    return height == null ? -1 : height;
  }

  /** Returns the number of the latest confirmed block; -1 while the chain cannot be read. */
  long confirmedHeight() {
    Long height = with(chain, this::confirmedHeight);
    return height == null ? -1 : height;
  }

  private long confirmedHeight(ChainReader reader) {
    if (confirmations != AUTOMATIC) {
      return Math.max(0, reader.head().number() - confirmations);
    }
    if (reader.config().isDriven()) {
      Block finalized = reader.finalized();
      return finalized == null ? 0 : finalized.number();
    }
    Integer signers = with(clique, control -> control.signers().size());
    if (signers != null) {
      latestConfirmations = signers / 2 + 1;
    }
    return Math.max(0, reader.head().number() - latestConfirmations);
  }

  /** Returns a confirmed block; null when there is none with the number. */
  @Nullable Block confirmed(long height) {
    return with(chain, reader -> height > confirmedHeight(reader) ? null : reader.block(height));
  }

  /** Returns a block of any branch that is not far below the head. */
  @Nullable Block recent(Hash hash) {
    return with(
        chain,
        reader -> {
          BlockHeader header = reader.header(hash);
          return header == null || header.number() < reader.head().number() - Limits.MAX_DEPTH
              ? null
              : reader.block(hash);
        });
  }

  /** Returns a block; null when it is unknown. */
  @Nullable Block block(Hash hash) {
    return with(chain, reader -> reader.block(hash));
  }

  /** Returns a header; null when it is unknown. */
  @Nullable BlockHeader header(Hash hash) {
    return with(chain, reader -> reader.header(hash));
  }

  boolean knows(Hash hash) {
    return header(hash) != null;
  }

  /** Returns the total difficulty up to and with a block whose parent is known; else 0. */
  UInt256 totalDifficulty(BlockHeader header) {
    UInt256 parent = with(chain, reader -> reader.totalDifficulty(header.parentHash()));
    return parent == null ? UInt256.ZERO : parent.add(header.difficulty());
  }

  private static <T, R> @Nullable R with(Slot<T> slot, Function<T, @Nullable R> work) {
    try (Lease<T> lease = slot.lease()) {
      return work.apply(lease.get());
    } catch (NotBoundException
        | StorageUnavailableException
        | StorageException
        | NotReadyException missing) {
      return null; // no fault of a peer; the chain reports its health itself
    }
  }
}
