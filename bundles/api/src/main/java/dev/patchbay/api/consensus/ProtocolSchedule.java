// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.consensus;

import dev.patchbay.primitives.ChainConfig;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The protocol of the chain: the configuration, which says from which block each fork is active,
 * and the consensus rules that the configuration names. A caller gets the rules once for each block
 * or request, as the narrowest role that serves, and does not keep them: the bundle that provides
 * them can be replaced at any time. Threading: any thread.
 */
@ProviderType
public interface ProtocolSchedule {
  /** Returns the configuration of the chain. */
  ChainConfig config();

  /**
   * Returns the consensus rules of the chain.
   *
   * @throws dev.patchbay.api.execution.NotReadyException while the bundle that provides them is not
   *     installed
   */
  ConsensusRules rules();
}
