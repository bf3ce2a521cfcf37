// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.node;

import java.util.Objects;

/**
 * The health of one part of the node at one moment. Immutable.
 *
 * @param status whether the part works
 * @param message one line for the operator. A healthy part states a fact, such as the address that
 *     it listens on; any other part states what is wrong and what to do. Never null
 */
public record Health(Status status, String message) {
  /** Whether a part of the node works. */
  public enum Status {
    /** The part works. */
    HEALTHY,
    /** The part works, but not as configured or not completely. */
    DEGRADED,
    /** The part does not work yet. Its start makes progress, and may take any time. */
    STARTING,
    /**
     * The part does not work. It recovers without a restart when the thing that it lacks, such as a
     * service or free disk space, becomes available.
     */
    UNAVAILABLE,
    /** The part does not work, and does not recover without an operator. */
    FAILED
  }

  /**
   * Creates a health.
   *
   * @throws NullPointerException when an argument is null
   */
  public Health {
    Objects.requireNonNull(status, "status");
    Objects.requireNonNull(message, "message");
  }

  /** Returns a health with the status {@link Status#HEALTHY}. */
  public static Health healthy(String message) {
    return new Health(Status.HEALTHY, message);
  }

  /** Returns a health with the status {@link Status#DEGRADED}. */
  public static Health degraded(String message) {
    return new Health(Status.DEGRADED, message);
  }

  /** Returns a health with the status {@link Status#STARTING}. */
  public static Health starting(String message) {
    return new Health(Status.STARTING, message);
  }

  /** Returns a health with the status {@link Status#UNAVAILABLE}. */
  public static Health unavailable(String message) {
    return new Health(Status.UNAVAILABLE, message);
  }

  /** Returns a health with the status {@link Status#FAILED}. */
  public static Health failed(String message) {
    return new Health(Status.FAILED, message);
  }

  /** Returns whether the part works: {@link Status#HEALTHY} or {@link Status#DEGRADED}. */
  public boolean isWorking() {
    return status == Status.HEALTHY || status == Status.DEGRADED;
  }
}
