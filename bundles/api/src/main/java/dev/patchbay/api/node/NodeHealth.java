// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.node;

import org.osgi.annotation.versioning.ProviderType;

/**
 * Reports the health of the node: the registered {@link HealthCheck}s, the components and bundles
 * of the container, its features, and its configurations. Commands show this report, and nothing
 * else decides whether a part works. Threading: any thread.
 */
@ProviderType
public interface NodeHealth {
  /**
   * Returns the health of all parts at this moment. Each call asks every health check. The call
   * waits for no lock that is held during input or output of the node.
   */
  HealthReport report();
}
