// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The EVM and the consensus rules that a chain uses. Both are written with the chain. What is
 * chosen stays chosen, installed or not, until one of these methods chooses another one. Threading:
 * any thread.
 */
@ProviderType
public interface ChainChoices {
  /**
   * An EVM, or consensus rules, of one bundle.
   *
   * @param name the name, such as {@code patchbay} or {@code clique}
   * @param bundle the symbolic name of the bundle; null while no bundle is chosen
   */
  record Provider(String name, @Nullable String bundle) {
    @Override
    public String toString() {
      return "'" + name + "'" + (bundle == null ? "" : " of bundle " + bundle);
    }
  }

  /**
   * A choice at one moment.
   *
   * @param chosen what is chosen
   * @param available whether it is installed
   * @param installed all that is installed, in order
   */
  record Choice(Provider chosen, boolean available, List<Provider> installed) {}

  /** Returns the choice of the EVM. */
  Choice evm();

  /** Returns the choice of the consensus rules. */
  Choice rules();

  /**
   * Chooses another EVM. Waits until no block is imported; executions that have begun end with the
   * EVM that they began with. Returns when the choice is durable.
   *
   * @param bundle the symbolic name of its bundle; null when only one bundle provides the name
   * @return what is chosen now
   * @throws IllegalArgumentException when it is not installed, or several bundles provide the name
   *     and none is given; nothing was changed
   * @throws dev.patchbay.api.storage.StorageUnavailableException when the store of the chain is not
   *     bound; nothing was changed
   * @throws dev.patchbay.api.storage.StorageException when the choice cannot be written
   */
  Provider useEvm(String name, @Nullable String bundle);

  /**
   * Chooses the consensus rules of another bundle. Their name stays: the genesis decides it. Waits
   * until no block is imported, and returns when the choice is durable.
   *
   * @param bundle the symbolic name of the bundle
   * @return what is chosen now
   * @throws IllegalArgumentException when the bundle is not installed, or has no rules of this name
   * @throws dev.patchbay.api.storage.StorageUnavailableException when the store of the chain is not
   *     bound; nothing was changed
   * @throws dev.patchbay.api.storage.StorageException when the choice cannot be written
   */
  Provider useRules(String bundle);
}
