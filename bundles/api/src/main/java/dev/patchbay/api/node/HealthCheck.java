// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.node;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Reports the health of one part of the node; a whiteboard service. {@code patchbay:ready} shows
 * all registered checks, and the launcher waits for the checks that a start requires. Threading:
 * any thread, also several at a time.
 */
@ConsumerType
public interface HealthCheck {
  /**
   * Returns the name of the part, in lower case, such as {@code chain} or {@code
   * rpc.listener~http}. The name is unique in the node and does not change.
   */
  String name();

  /**
   * Returns the current health of the part. The method must return within milliseconds, must not
   * wait for a lock that is held during input or output, and must not change the node. An exception
   * counts as {@link Health.Status#FAILED} with the message of the exception.
   */
  Health check();
}
