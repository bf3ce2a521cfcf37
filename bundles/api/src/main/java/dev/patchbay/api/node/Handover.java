// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.node;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Keeps the state of a part of the node while the bundle of the part is replaced: the part puts its
 * state when it is deactivated, and its successor takes the state when it is activated. State that
 * no successor takes is dropped after half a minute.
 *
 * <p>Threading: any thread.
 */
@ProviderType
public interface Handover {
  /**
   * Keeps state, in place of the state of the same name.
   *
   * @param name names the part and the state, such as {@code rpc-eth.events}
   * @param state made of types of the JDK, of the bundle {@code primitives} and of this one alone:
   *     a type of another bundle would keep the replaced bundle in memory, and its successor could
   *     not read it. The successor may be another version: it checks what it takes
   */
  void put(String name, Object state);

  /** Returns the state of a name, which is not kept any longer; null when there is none. */
  @Nullable Object take(String name);
}
