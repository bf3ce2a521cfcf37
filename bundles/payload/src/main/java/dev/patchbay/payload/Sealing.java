// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.node.SyncStatus;
import dev.patchbay.api.payload.PayloadBuilder;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.txpool.PoolListener;
import dev.patchbay.binding.BlockClock;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Transaction;
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
 * Seals blocks while a {@link BlockSealer} is registered, in a thread of its own that a new head
 * and a new transaction wake; {@link SealingStep} has the work.
 */
@Component(
    service = {},
    immediate = true)
public final class Sealing implements PoolListener, ChainListener {
  private static final Logger LOG = LoggerFactory.getLogger(Sealing.class);

  /** How often a node that is behind its peers looks whether it still is. */
  private static final long BEHIND_MILLIS = 200;

  private final SealingStep step;
  private final Loop loop =
      new Loop("payload-sealing-0", new Failures("sealing", Sealing::warn, LOG::info), this::step);
  private final List<ServiceRegistration<?>> registrations;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  volatile @Nullable BlockSealer sealer;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  volatile @Nullable SyncStatus sync;

  /** Starts the thread that seals. */
  @Activate
  public Sealing(
      BundleContext context,
      @Reference ChainReader chain,
      @Reference BlockImporter importer,
      @Reference PayloadBuilder builder) {
    step = new SealingStep(chain, importer, builder, BlockClock.system(LOG::warn));
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
                    this::failure,
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

  private @Nullable String failure() {
    String failure = loop.failure();
    return failure == null ? step.refusal() : failure;
  }

  /** The message of a store says all; any other failure is one of this program. */
  private static void warn(String message, Throwable failure) {
    LOG.warn(message, failure instanceof StorageException ? null : failure);
  }

  private long step() {
    SyncStatus status = sync;
    boolean isBehind = status != null && status.progress() != null;
    return isBehind ? BEHIND_MILLIS : step.run(sealer); // its block would be on an old one
  }
}
