// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Something that is tried again until it succeeds. Its failure is logged once, and its success
 * after a failure.
 *
 * <p>Threading: one thread at a time; {@link #latest} by any thread.
 */
public final class Outage {
  private final Consumer<String> warn;
  private final Consumer<String> info;
  private volatile @Nullable String latest;

  /**
   * Creates an instance without a failure.
   *
   * @param warn logs a failure
   * @param info logs the success after a failure
   */
  public Outage(Consumer<String> warn, Consumer<String> info) {
    this.warn = warn;
    this.info = info;
  }

  /** Records a failure; logs it when it differs from the latest one. */
  public void failed(String message) {
    if (!message.equals(latest)) {
      latest = message;
      warn.accept(message);
    }
  }

  /** Records a success; logs it when there was a failure. */
  public void succeeded(String message) {
    if (latest != null) {
      latest = null;
      info.accept(message);
    }
  }

  /** Returns the latest failure; null when there is none, or a success has followed. */
  public @Nullable String latest() {
    return latest;
  }
}
