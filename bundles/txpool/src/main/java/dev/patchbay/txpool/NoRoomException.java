// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.api.txpool.AddResult.Reason;

/** Thrown when a transaction is valid, but worth less than those that fill the pool. */
final class NoRoomException extends RejectedException {
  private static final long serialVersionUID = 1L;

  NoRoomException(Reason reason, String message) {
    super(reason, message);
  }
}
