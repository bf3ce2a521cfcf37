// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.AddResult.Reason;

/** Thrown when a transaction may not enter the pool; the message is geth's sentence. */
class RejectedException extends Exception {
  private static final long serialVersionUID = 1L;

  private final Reason reason;

  RejectedException(Reason reason, String message) {
    super(message, null, false, false); // peers send these by the thousand: no stack trace
    this.reason = reason;
  }

  AddResult result() {
    return new AddResult.Rejected(reason, String.valueOf(getMessage()));
  }
}
