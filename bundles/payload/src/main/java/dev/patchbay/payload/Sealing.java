// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.payload.PayloadBuilder;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.txpool.PoolListener;
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
  private final Thread thread;
  private final ServiceRegistration<?> registration;
  private final Object signal = new Object();
  private boolean signalled;
  private volatile boolean stopped;
  private @Nullable String lastComplaint;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile @Nullable BlockSealer sealer;

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
    thread = new Thread(this::run, "payload-sealing-0");
    thread.start();
    // registered as an object, not by the component: the pool is upstream of this, and a lazy
    // listener would be a cycle
    registration =
        context.registerService(
            new String[] {PoolListener.class.getName(), ChainListener.class.getName()},
            this,
            new Hashtable<>());
  }

  @Deactivate
  void stop() {
    registration.unregister();
    stopped = true;
    wake();
    try {
      thread.join(10_000);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void transactionPending(Transaction transaction) {
    wake();
  }

  @Override
  public void headChanged(List<Block> removed, List<Block> added) {
    wake();
  }

  private void wake() {
    synchronized (signal) {
      signalled = true;
      signal.notifyAll();
    }
  }

  private void await(long millis) {
    synchronized (signal) {
      try {
        if (!signalled && millis > 0) {
          signal.wait(millis);
        }
      } catch (InterruptedException interrupted) {
        stopped = true;
      }
      signalled = false;
    }
  }

  private void run() {
    while (!stopped) {
      try {
        await(step());
      } catch (StorageUnavailableException gone) {
        await(RETRY_MILLIS);
      } catch (RuntimeException failure) {
        complain(String.valueOf(failure.getMessage()));
        await(RETRY_MILLIS);
      }
    }
  }

  /** Does what is due now; returns for how many milliseconds nothing will be. */
  private long step() {
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
    BlockSealer.Template template =
        current.prepare(head.header(), clock.instant().getEpochSecond(), chain, chain.config());
    Block draft = builder.build(head, template);
    if (clique.period() == 0 && draft.transactions().isEmpty()) {
      return IDLE_MILLIS;
    }
    BlockHeader sealed = current.seal(draft.header());
    Block block = new Block(sealed, draft.transactions(), draft.ommers(), draft.withdrawals());
    ImportResult result = importer.importBlock(block);
    if (result instanceof ImportResult.Invalid invalid) {
      complain("own block " + block.number() + " is not valid: " + invalid.reason());
      return IDLE_MILLIS;
    }
    lastComplaint = null;
    LOG.info(
        "block {} {} with {} transactions, {} gas",
        block.number(),
        block.hash(),
        block.transactions().size(),
        sealed.gasUsed());
    return clique.period() == 0 ? 0 : 1;
  }

  private void complain(String reason) {
    if (!reason.equals(lastComplaint)) {
      lastComplaint = reason;
      LOG.warn("cannot seal: {}", reason);
    }
  }
}
