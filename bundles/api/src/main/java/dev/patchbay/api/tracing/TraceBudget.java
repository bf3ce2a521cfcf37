// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.tracing;

import dev.patchbay.primitives.Bytes;

/**
 * The memory that one trace may take until it is written, in bytes. Each tracer of the trace counts
 * what it keeps, with what its result will take, before it keeps it. Threading: one thread at a
 * time.
 */
public final class TraceBudget {
  /** Data are kept as bytes, and each byte as two digits of the result. */
  private static final long DATA_FACTOR = 3;

  /** All traces together may take a quarter of the heap, when as many run as are processors. */
  private static final int HEAP_SHARE = 4;

  private static final long MIN_BYTES = 16 << 20;

  private final long bytes;
  private long left;

  /** Creates a budget of the share of the heap that one trace may take, at least 16 MiB. */
  public TraceBudget() {
    this(
        Math.max(
            MIN_BYTES,
            Runtime.getRuntime().maxMemory()
                / HEAP_SHARE
                / Runtime.getRuntime().availableProcessors()));
  }

  /** Creates a budget of so many bytes. */
  public TraceBudget(long bytes) {
    this.bytes = bytes;
    this.left = bytes;
  }

  /**
   * Counts bytes that the trace keeps from now on.
   *
   * @param more bytes, estimated; never negative
   * @throws TracerException one of {@link TracerException#limit} when the budget is exhausted
   */
  public void charge(long more) {
    left -= more;
    if (left < 0) {
      throw TracerException.limit("the trace takes more than " + bytes + " bytes of memory");
    }
  }

  /**
   * Counts data that the trace keeps from now on, and shows in hexadecimal.
   *
   * @throws TracerException as {@link #charge}
   */
  public void chargeData(Bytes data) {
    charge(DATA_FACTOR * data.size());
  }
}
