// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

/**
 * Counts the bytes that a session was given to send and that the operating system has not accepted
 * yet. Above the high mark the session is congested, until the count is below the low mark.
 *
 * <p>Threading: any thread.
 */
final class SendWindow {
  private final SessionSettings settings;
  private long unsentBytes;
  private boolean congested;

  /** Creates an empty one. */
  SendWindow(SessionSettings settings) {
    this.settings = settings;
  }

  /**
   * Adds a message.
   *
   * @return false when there would be too many bytes; the message is not added
   */
  synchronized boolean reserve(long bytes) {
    if (unsentBytes + bytes > settings.maxUnsentBytes()) {
      return false;
    }
    unsentBytes += bytes;
    congested |= unsentBytes > settings.highUnsentBytes();
    return true;
  }

  /**
   * Removes a message that was sent.
   *
   * @return whether the session was congested and is not any longer
   */
  synchronized boolean release(long bytes) {
    unsentBytes -= bytes;
    boolean ends = congested && unsentBytes <= settings.lowUnsentBytes();
    congested &= !ends;
    return ends;
  }

  /** Returns whether the session is not congested. */
  synchronized boolean isWritable() {
    return !congested;
  }

  /** Returns the count. */
  synchronized long unsentBytes() {
    return unsentBytes;
  }
}
