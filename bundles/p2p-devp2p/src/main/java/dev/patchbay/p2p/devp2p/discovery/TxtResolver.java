// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import java.io.IOException;
import java.util.List;

/**
 * Resolves TXT records of the DNS. Threading: one thread at a time; {@link #close} by any thread.
 */
interface TxtResolver extends AutoCloseable {
  /**
   * Returns the TXT records of a name, each with its strings joined (RFC 1035, section 3.3.14), one
   * character a byte. Empty when the name does not exist. Blocks for 10 seconds at most.
   *
   * @throws IOException when no server responds
   */
  List<String> resolve(String name) throws IOException;

  /** Ends the query under way, and lets all others fail. Does nothing by default. */
  @Override
  default void close() {}
}
