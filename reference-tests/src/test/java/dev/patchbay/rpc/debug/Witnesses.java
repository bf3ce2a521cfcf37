// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.debug;

import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.chain.Chains;
import dev.patchbay.primitives.Block;
import java.util.Map;

/** Makes witnesses as the namespace would. */
public final class Witnesses {
  private Witnesses() {}

  /** Returns what {@code debug_executionWitness} answers for a block. */
  public static Map<String, Object> of(Chains.Wired chain, Block block) throws RpcError {
    return new Witness(chain.reader(), chain.states(), chain.executor()).of(block);
  }
}
