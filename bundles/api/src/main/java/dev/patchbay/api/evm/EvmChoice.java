// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.evm;

import org.osgi.annotation.versioning.ProviderType;

/**
 * The EVM that the chain uses, of all that are installed; a service of the chain. A caller gets the
 * EVM once for each block or request and does not keep it: the bundle that provides the EVM can be
 * updated, and an operator can choose another EVM, at any time. Threading: any thread.
 */
@ProviderType
public interface EvmChoice {
  /**
   * Returns the EVM that is chosen for the chain.
   *
   * @throws dev.patchbay.api.execution.NotReadyException while it is not installed; the message
   *     names the EVM and says what to do
   */
  EvmEngine engine();
}
