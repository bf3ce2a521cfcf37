// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.payload.PayloadBuilder;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Seals the block after the head when its time has come: every period, or with a period of 0 as
 * soon as a transaction can be executed, and later when it is the turn of another signer. The block
 * is built and sealed at that time, not before: when another block becomes the head meanwhile,
 * nothing was sealed. It is imported as the block of any other node.
 *
 * <p>Threading: one thread.
 */
final class SealingStep {
  private static final Logger LOG = LoggerFactory.getLogger(SealingStep.class);
  private static final long IDLE_MILLIS = 1_000;
  private static final long RETRY_MILLIS = 100;

  private final ChainReader chain;
  private final BlockImporter importer;
  private final PayloadBuilder builder;
  private final InstantSource clock;
  private @Nullable Plan plan;
  private @Nullable String lastComplaint;
  private volatile @Nullable String refusal;

  /** The next block, whose time to be sealed is chosen once. */
  private record Plan(BlockSealer sealer, Hash parent, BlockSealer.Template template) {}

  SealingStep(
      ChainReader chain, BlockImporter importer, PayloadBuilder builder, InstantSource clock) {
    this.chain = chain;
    this.importer = importer;
    this.builder = builder;
    this.clock = clock;
  }

  /**
   * Does what is due now.
   *
   * @param sealer seals; null when the node has no key
   * @return for how many milliseconds nothing is due, unless the head changes or, with a period of
   *     0, a transaction comes
   */
  long run(@Nullable BlockSealer sealer) {
    try {
      if (sealer == null) {
        refusal = null;
        return IDLE_MILLIS;
      }
      return seal(sealer);
    } catch (StorageUnavailableException unavailable) { // the store reports its health itself
      return RETRY_MILLIS;
    } catch (NotReadyException missing) {
      complain(missing);
      return RETRY_MILLIS;
    }
  }

  /** Returns why the sealer cannot seal; null when it can, or waits for its turn. */
  @Nullable String refusal() {
    return refusal;
  }

  private void complain(RuntimeException reason) {
    String message = String.valueOf(reason.getMessage());
    if (!message.equals(lastComplaint)) {
      lastComplaint = message;
      LOG.warn("cannot seal: {}", message);
    }
  }

  private long seal(BlockSealer sealer) {
    ChainConfig.Clique clique = chain.config().clique();
    if (clique == null) {
      return IDLE_MILLIS;
    }
    Block head = chain.head();
    boolean onDemand = clique.period() == 0;
    long due = (head.header().timestamp() + clique.period()) * 1_000 - clock.millis();
    if (!onDemand && due > 0) {
      return due;
    }
    Plan next = plan;
    Block draft = null;
    if (next == null || next.sealer != sealer || !next.parent.equals(head.hash())) {
      next = prepare(sealer, head);
      if (next == null) {
        return RETRY_MILLIS;
      }
      if (onDemand) { // the delay of a signer begins with a transaction
        draft = builder.build(head, next.template);
        if (draft.transactions().isEmpty()) {
          return IDLE_MILLIS;
        }
      }
      plan = next;
    }
    long early = next.template.sealAtMillis() - clock.millis();
    if (early > 0) {
      return early;
    }
    if (draft == null) {
      draft = builder.build(head, next.template);
    }
    if (onDemand && draft.transactions().isEmpty()) {
      plan = null;
      return IDLE_MILLIS;
    }
    if (!chain.head().hash().equals(head.hash())) { // before anything is signed
      plan = null;
      return 0;
    }
    return importSealed(sealer, sealer.seal(draft), onDemand);
  }

  /** Returns the plan for the block after the head; null when this node does not seal it now. */
  private @Nullable Plan prepare(BlockSealer sealer, Block head) {
    plan = null;
    BlockSealer.Template template;
    try {
      template =
          sealer.prepare(head.header(), clock.instant().getEpochSecond(), chain, chain.config());
    } catch (IllegalStateException cannot) {
      complain(cannot);
      refusal = "cannot seal: " + cannot.getMessage();
      return null;
    }
    refusal = null;
    return template == null ? null : new Plan(sealer, head.hash(), template);
  }

  private long importSealed(BlockSealer sealer, Block block, boolean onDemand) {
    ImportResult result = importer.importBlock(block);
    if (result instanceof ImportResult.TooEarly early) { // the clock was set back
      return Math.max(RETRY_MILLIS, early.timestamp() * 1_000 - clock.millis());
    }
    plan = null;
    if (result instanceof ImportResult.Invalid invalid) {
      sealer.discard(block);
      builder.rejected(block, invalid.reason());
      throw new IllegalStateException(
          "own block " + block.number() + " is not valid: " + invalid.reason());
    }
    if (!(result instanceof ImportResult.Imported)) {
      return RETRY_MILLIS; // the head was moved meanwhile
    }
    builder.accepted(block);
    lastComplaint = null;
    LOG.info(
        "block {} {} with {} transactions, {} gas",
        block.number(),
        block.hash(),
        block.transactions().size(),
        block.header().gasUsed());
    return onDemand ? 0 : 1;
  }
}
