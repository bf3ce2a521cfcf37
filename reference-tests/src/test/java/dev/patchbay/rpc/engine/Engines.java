// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.engine;

import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.chain.Chains;

/** Makes the engine namespace as the container would. */
public final class Engines {
  private Engines() {}

  /** Returns the namespace of a chain, without a builder and a pool. */
  public static RpcNamespace of(Chains.Wired chain) {
    return of(chain, false);
  }

  /**
   * Returns the same with a configuration.
   *
   * @param inconsistentStatus whether a payload on a parent without state is INCONSISTENT
   */
  public static RpcNamespace of(Chains.Wired chain, boolean inconsistentStatus) {
    return new EngineNamespace(
        chain.reader(),
        chain.schedule(),
        chain.importer(),
        chain.forkChoice(),
        chain.executor(),
        new ClientVersion("1", "00000000"),
        inconsistentStatus);
  }
}
