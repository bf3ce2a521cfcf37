// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.chain.Chains;
import java.lang.reflect.Proxy;
import java.time.InstantSource;
import java.util.Map;

/** Wires a pool as the container would, with its default configuration. */
public final class Pools {
  private Pools() {}

  /**
   * Returns an empty pool over a chain, which observes its heads.
   *
   * @param heapBytes of which the pool may take its share
   */
  public static TransactionPool of(Chains.Wired chain, long heapBytes) {
    TransactionPoolComponent.Config defaults =
        (TransactionPoolComponent.Config)
            Proxy.newProxyInstance(
                Pools.class.getClassLoader(),
                new Class<?>[] {TransactionPoolComponent.Config.class},
                (self, method, arguments) -> method.getDefaultValue());
    TransactionPoolComponent pool =
        new TransactionPoolComponent(
            chain.reader(),
            chain.schedule(),
            chain.states(),
            PoolSettings.of(
                defaults, ConfigurationValues.of("dev.patchbay.txpool", Map.of()), heapBytes),
            InstantSource.system(),
            null);
    ChainListener observer = pool;
    chain.listeners().add(observer);
    return pool;
  }
}
