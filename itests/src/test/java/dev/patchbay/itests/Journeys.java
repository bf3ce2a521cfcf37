// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Steps that several journeys take. */
final class Journeys {
  private Journeys() {}

  /** Waits for a receipt by asking. */
  static JsonNode receipt(Node node, String hash) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (System.nanoTime() < limit) {
      JsonNode receipt = node.result("eth_getTransactionReceipt", hash);
      if (!receipt.isNull()) {
        return receipt;
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
    throw new AssertionError("no receipt of " + hash);
  }
}
