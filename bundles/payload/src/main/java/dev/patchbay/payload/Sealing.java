// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.payload.PayloadBuilder;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.txpool.PoolListener;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Transaction;
import java.time.InstantSource;
import java.util.Hashtable;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes blocks while a sealer is there: every period, or with a period of 0 as soon as a
 * transaction can be executed. What it makes goes through the same door as a foreign block.
 */
@Component(
    service = {},
    immediate = true)
public final class Sealing implements PoolListener, ChainListener {
  private static final Logger LOG = LoggerFactory.getLogger(Sealing.class);
  private static final long IDLE_MILLIS = 1_000;
  private static final long RETRY_MILLIS = 100;

  private final ChainReader chain;
  private final BlockImporter importer;
  private final PayloadBuilder builder;
  private final InstantSource clock = InstantSource.system();
  private final Loop loop =
      new Loop("payload-sealing-0", new Failures("sealing", LOG::warn, LOG::info), this::step);
  private final List<ServiceRegistration<?>> registrations;
  private @Nullable String lastComplaint;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  volatile @Nullable BlockSealer sealer;

  /** Starts the thread that seals. */
  @Activate
  public Sealing(
      BundleContext context,
      @Reference ChainReader chain,
      @Reference BlockImporter importer,
      @Reference PayloadBuilder builder) {
    this.chain = chain;
    this.importer = importer;
    this.builder = builder;
    // registered as an object, not by the component: the pool is upstream of this, and a lazy
    // listener would be a cycle
    registrations =
        List.of(
            context.registerService(
                new String[] {PoolListener.class.getName(), ChainListener.class.getName()},
                this,
                new Hashtable<>()),
            context.registerService(
                HealthCheck.class,
                HealthCheck.ofFailures(
                    "payload.sealing",
                    "blocks are sealed when they are due",
                    loop::failure,
                    "chain"),
                new Hashtable<>()));
    try {
      loop.start();
    } catch (Throwable failure) { // no memory for a thread
      registrations.forEach(ServiceRegistration::unregister);
      throw failure;
    }
  }

  @Deactivate
  void stop() {
    registrations.forEach(ServiceRegistration::unregister);
    loop.close();
  }

  @Override
  public void transactionPending(Transaction transaction) {
    loop.wake();
  }

  @Override
  public void headChanged(List<Block> removed, List<Block> added) {
    loop.wake();
  }

  private long step() {
    try {
      return seal();
    } catch (StorageUnavailableException unavailable) { // the store reports its health itself
      return RETRY_MILLIS;
    } catch (NotReadyException missing) {
      complain(missing);
      return RETRY_MILLIS;
    }
  }

  private void complain(RuntimeException reason) {
    String message = String.valueOf(reason.getMessage());
    if (!message.equals(lastComplaint)) {
      lastComplaint = message;
      LOG.warn("cannot seal: {}", message);
    }
  }

  /** Does what is due now; returns for how many milliseconds nothing will be. */
  private long seal() {
    BlockSealer current = sealer;
    ChainConfig.Clique clique = chain.config().clique();
    if (current == null || clique == null) {
      return IDLE_MILLIS;
    }
    Block head = chain.head();
    long due = (head.header().timestamp() + clique.period()) * 1_000 - clock.millis();
    if (clique.period() > 0 && due > 0) {
      return due;
    }
    BlockSealer.Template template;
    try {
      template =
          current.prepare(head.header(), clock.instant().getEpochSecond(), chain, chain.config());
    } catch (IllegalStateException notNow) { // it is the turn of others; the next head wakes this
      complain(notNow);
      return RETRY_MILLIS;
    }
    Block draft = builder.build(head, template);
    if (clique.period() == 0 && draft.transactions().isEmpty()) {
      return IDLE_MILLIS;
    }
    BlockHeader sealed = current.seal(draft.header());
    Block block = new Block(sealed, draft.transactions(), draft.ommers(), draft.withdrawals());
    ImportResult result = importer.importBlock(block);
    if (result instanceof ImportResult.Invalid invalid) {
      builder.rejected(block, invalid.reason());
      throw new IllegalStateException(
          "own block " + block.number() + " is not valid: " + invalid.reason());
    }
    builder.accepted(block);
    lastComplaint = null;
    LOG.info(
        "block {} {} with {} transactions, {} gas",
        block.number(),
        block.hash(),
        block.transactions().size(),
        sealed.gasUsed());
    return clique.period() == 0 ? 0 : 1;
  }
}
