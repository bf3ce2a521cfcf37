// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

/**
 * A case of the conformance kit.
 *
 * @param name its name: part, role of the peer under test, what is checked
 * @param millis time in milliseconds after which it has failed
 * @param mayBan whether the peer may ban the IP address of the kit for it; such cases run last
 * @param body ends without an exception when the peer conforms
 */
record Case(String name, long millis, boolean mayBan, Body body) {

  /** The conversation and the checks of a case. */
  interface Body {
    /** Runs against the peer; an exception is a failure, {@link Skipped} is none. */
    void run(Kit kit) throws Exception;
  }

  /** The peer does not conform, with the reason. */
  static class Failed extends Exception {
    private static final long serialVersionUID = 1L;

    Failed(String reason) {
      super(reason);
    }
  }

  /** The peer closes a new connection before its SHAKEHAND. */
  static final class Refused extends Failed {
    private static final long serialVersionUID = 1L;

    Refused(String reason) {
      super(reason);
    }
  }

  /** The case does not apply, with the reason. */
  static final class Skipped extends Exception {
    private static final long serialVersionUID = 1L;

    Skipped(String reason) {
      super(reason);
    }
  }
}
