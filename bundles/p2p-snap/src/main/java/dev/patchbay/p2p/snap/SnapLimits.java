// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import java.time.Duration;

/** Limits of requests and replies, in one place. */
final class SnapLimits {
  /**
   * Bytes of accounts, slots, codes or nodes from which on nothing more is added to a reply,
   * whatever the request allows; as geth.
   */
  static final int SOFT_REPLY_BYTES = 2 * 1024 * 1024;

  /**
   * A storage that a reply has begun may exceed the requested bytes by this part, so that a small
   * rest needs no proof; as geth.
   */
  static final int STORAGE_SLACK_PART = 10;

  /** Accounts, code hashes, or sets of paths in a request. More is a violation. */
  static final int MAX_ITEMS = 4_096;

  /** Paths of all sets in a request. More is a violation. */
  static final int MAX_PATHS = 16_384;

  /**
   * Codes, nodes or accounts with slots that are looked up for a request; the rest is not served.
   */
  static final int MAX_LOOKUPS = 1_024;

  /** How long a request is worked on; then the reply ends. */
  static final Duration MAX_WORK = Duration.ofSeconds(2);

  /** How long a request waits for its turn; then the reply is empty. */
  static final Duration MAX_WAIT = Duration.ofSeconds(1);

  private SnapLimits() {}
}
