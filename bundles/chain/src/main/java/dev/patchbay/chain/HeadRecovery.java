// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.binding.Failures;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the head from the store again after an error has left it unknown.
 *
 * <p>Threading: any thread; the work is done under the import lock.
 */
final class HeadRecovery {
  private static final Logger LOG = LoggerFactory.getLogger(HeadRecovery.class);

  private static final long PAUSE_NANOS = 1_000_000_000L;

  private final Chain chain;
  private final ReentrantLock imports;
  private final BlockProcessor processor;
  private final HeadNotifier notifier;
  private final Failures failures =
      new Failures("reading the head from the store after an error", LOG::warn, LOG::info);
  private volatile long nextAttempt = System.nanoTime();

  HeadRecovery(
      Chain chain, ReentrantLock imports, BlockProcessor processor, HeadNotifier notifier) {
    this.chain = chain;
    this.imports = imports;
    this.processor = processor;
    this.notifier = notifier;
  }

  /**
   * Reads the head. Does nothing while another thread holds the import lock, and for a second after
   * an attempt that failed.
   */
  void recover() {
    if (System.nanoTime() - nextAttempt < 0 || !imports.tryLock()) {
      return;
    }
    try (StoreLease lease = chain.storage().lease()) {
      processor.clear();
      chain.writer().reload(lease.get());
      notifier.catchUp(lease.get(), chain.head());
      failures.succeeded();
    } catch (StorageUnavailableException unavailable) {
      LOG.debug("the head is read again later: {}", unavailable.getMessage());
    } catch (Throwable failure) {
      failures.failed(failure);
      nextAttempt = System.nanoTime() + PAUSE_NANOS;
    } finally {
      imports.unlock();
    }
  }
}
