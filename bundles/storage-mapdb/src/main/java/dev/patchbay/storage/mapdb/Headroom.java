// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

/**
 * Makes sure that a thread has stack left for a call. The lock of the store and MapDB's own locks
 * would stay held where the stack ends within them.
 */
final class Headroom {
  /** Frames of a few words each; some 10 kB or more. */
  private static final int FRAMES = 200;

  private Headroom() {}

  /**
   * Returns when there is stack left.
   *
   * @throws StackOverflowError otherwise
   */
  static void require() {
    if (descend(FRAMES, 0, 0) == 0) {
      throw new AssertionError();
    }
  }

  private static long descend(int frames, long a, long b) {
    return frames == 0 ? a + b : descend(frames - 1, a + frames, b + 1) + 1;
  }
}
