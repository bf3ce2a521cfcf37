// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

/**
 * The deadlines of a session. Each one is a total: bytes that trickle in do not extend it. Times
 * are in nanoseconds of {@link System#nanoTime}.
 *
 * <p>Threading: one thread at a time.
 */
final class SessionTimers {
  /** The actions of a session. */
  enum Due {
    NOTHING,
    SEND_PING,
    ENCRYPTION_EXPIRED,
    HELLO_EXPIRED,
    ESTABLISH_EXPIRED,
    READ_EXPIRED,
    WRITE_EXPIRED
  }

  private enum Stage {
    ENCRYPTION,
    HELLO,
    ESTABLISH,
    OPEN
  }

  private final SessionSettings settings;
  private Stage stage = Stage.ENCRYPTION;
  private long stageSince;
  private long frameRead;
  private boolean readSuspended;
  private boolean pingUnanswered;
  private boolean writing;
  private long writeProgress;

  /** Starts the deadline of the encryption handshake; see also {@link #connected}. */
  SessionTimers(SessionSettings settings, long now) {
    this.settings = settings;
    this.stageSince = now;
    this.frameRead = now;
  }

  /** Restarts the deadline of the encryption handshake: a TCP connection has been established. */
  void connected(long now) {
    enter(Stage.ENCRYPTION, now);
  }

  /** Starts the deadline of Hello. */
  void encrypted(long now) {
    enter(Stage.HELLO, now);
  }

  /** Starts the deadline of the sub-protocols. */
  void helloReceived(long now) {
    enter(Stage.ESTABLISH, now);
  }

  /** Ends the deadline of the sub-protocols. */
  void established(long now) {
    enter(Stage.OPEN, now);
  }

  private void enter(Stage next, long now) {
    stage = next;
    stageSince = now;
  }

  /** Records that a complete frame has arrived. */
  void frameRead(long now) {
    frameRead = now;
  }

  /** Records whether the session reads; while it does not, the peer cannot be late. */
  void suspendRead(boolean suspended, long now) {
    readSuspended = suspended;
    frameRead = now;
  }

  /** Records that Ping was sent. */
  void pingSent() {
    pingUnanswered = true;
  }

  /** Records that Pong has arrived. */
  void pongReceived() {
    pingUnanswered = false;
  }

  /**
   * Records that a frame waits to be written, or was written.
   *
   * @param more whether frames wait
   * @param progress whether one was written, or this is the first one
   */
  void write(boolean more, boolean progress, long now) {
    if (progress || !writing) {
      writeProgress = now;
    }
    writing = more;
  }

  /** Returns the action that is due. */
  Due check(long now) {
    if (stage == Stage.ENCRYPTION) {
      return isOver(stageSince, settings.encryption(), now) ? Due.ENCRYPTION_EXPIRED : Due.NOTHING;
    }
    if (stage == Stage.HELLO && isOver(stageSince, settings.hello(), now)) {
      return Due.HELLO_EXPIRED;
    }
    if (stage == Stage.ESTABLISH && isOver(stageSince, settings.establish(), now)) {
      return Due.ESTABLISH_EXPIRED;
    }
    if (writing && isOver(writeProgress, settings.frameWrite(), now)) {
      return Due.WRITE_EXPIRED;
    }
    if (readSuspended || stage == Stage.HELLO) {
      return Due.NOTHING;
    }
    if (isOver(frameRead, settings.frameRead(), now)) {
      return Due.READ_EXPIRED;
    }
    return !pingUnanswered && isOver(frameRead, settings.ping(), now) ? Due.SEND_PING : Due.NOTHING;
  }

  private static boolean isOver(long since, java.time.Duration limit, long now) {
    return now - since >= limit.toNanos();
  }
}
