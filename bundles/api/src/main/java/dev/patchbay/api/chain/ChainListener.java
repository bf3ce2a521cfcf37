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
   * @param removed blocks that are canonical no more, highest first; empty unless a reorganisation
   *     took place
   * @param added blocks that are canonical now, lowest first; empty when the head was set back
   */
  void headChanged(List<Block> removed, List<Block> added);
}
