// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.io.OutputStream;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a message came by.
 *
 * @param direct opens the connection for a result that is written while it is made; null: such a
 *     result is held until it is whole, and must not be longer than others
 * @param memory counts what the message and its response take; the sender of the response closes it
 */
record Exchange(@Nullable Supplier<OutputStream> direct, MemoryBudget.Account memory) {
  /** Returns this one, with results that are held. */
  Exchange held() {
    return new Exchange(null, memory);
  }
}
