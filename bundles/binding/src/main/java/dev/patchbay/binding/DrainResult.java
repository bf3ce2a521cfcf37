// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import java.time.Duration;

/**
 * How the wait for the leases on a binding that was taken out ended.
 *
 * @param leasesLeft leases still open when the wait ended; 0 when all were closed
 * @param waited how long the wait took
 */
public record DrainResult(int leasesLeft, Duration waited) {
  /** Returns whether no lease was left. */
  public boolean drained() {
    return leasesLeft == 0;
  }
}
