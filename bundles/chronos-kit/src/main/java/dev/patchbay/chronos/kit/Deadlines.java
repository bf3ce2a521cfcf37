// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

/**
 * The deadlines of the protocol in milliseconds, and how long the kit waits.
 *
 * @param handshake for the first message
 * @param frame for a frame, from its first byte to its last
 * @param silence without a frame
 * @param response how long the kit waits for a response
 * @param slack how much later than its deadline the peer may close a connection
 * @param quiet how long the kit waits to see that nothing comes
 */
record Deadlines(long handshake, long frame, long silence, long response, long slack, long quiet) {

  /** Those of docs/chronos.md. */
  static final Deadlines SPECIFIED = new Deadlines(5_000, 15_000, 30_000, 5_000, 5_000, 1_000);
}
