// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Block;
import java.util.Objects;

/** Blocks as Chronos sends them, outside of a network. */
public final class Frames {
  private Frames() {}

  /** Returns the message that responds to a pull, without the length before it. */
  public static byte[] write(Block block) {
    return Json.write(
        MessageCode.PUSH_BLOCK, Objects.requireNonNull(BlockJson.write(block), "ommers"), 1L);
  }

  /** Returns the block of a message, whose body has been compared with its header. */
  public static Block read(byte[] message) throws Exception {
    return BlockJson.read(false, Json.read(message).data());
  }
}
