// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import dev.patchbay.primitives.Block;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Is told when the head has moved; a whiteboard service.
 *
 * <p>Threading: called by the importing thread, one call at a time, in the order of the changes;
 * return soon.
 */
@ConsumerType
public interface ChainListener {
  /**
   * Called after the head has moved.
   *
   * @param removed blocks that are no longer canonical, highest first; empty unless a reorg took
   *     place
   * @param added blocks that are canonical now, lowest first; empty when the head was set back
   */
  void headChanged(List<Block> removed, List<Block> added);

  /**
   * Called after the head has moved, for listeners that need the depth of the reorg. A deep one
   * takes several calls, each with some of its blocks and with the same depth. By default this
   * calls {@link #headChanged(List, List)}; the node calls no other method after a move.
   *
   * @param removed blocks that are no longer canonical, highest first
   * @param added blocks that are canonical now, lowest first
   * @param depth how many blocks the reorg removes in all of its calls; 0 when none
   */
  default void headChanged(List<Block> removed, List<Block> added, long depth) {
    headChanged(removed, added);
  }

  /** Called when a consensus client names a head that the chain lacks, see {@link BlockStage}. */
  default void headRequested() {}
}
