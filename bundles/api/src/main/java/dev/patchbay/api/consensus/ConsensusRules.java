// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.consensus;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * The consensus rules of a chain type, in all their roles; a service. The kernel selects them by
 * the name of the consensus protocol and provides those of its chain as {@link ProtocolSchedule}.
 * What only some chain types have is a capability: the rules of a rollup implement {@link
 * RollupRules}, too. Threading: any thread.
 */
@ConsumerType
public interface ConsensusRules extends HeaderRules, FeeRules, ExecutionRules {
  /**
   * Returns the name of the consensus protocol, by which the configuration of a chain selects: at
   * most 200 letters, digits, '.', '_' and '-'.
   */
  String name();
}
