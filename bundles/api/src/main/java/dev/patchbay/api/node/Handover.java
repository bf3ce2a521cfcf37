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

  /**
   * Keeps state that needs an end when no successor takes it, in place of the state of the same
   * name. State whose end is all the same is kept by {@link #put(String, Object)}.
   *
   * <p>A service of a version without this method keeps the state as that method does, and never
   * runs {@code ifDropped}: an update finds its state also while the service is older, and only
   * what no successor takes has no end.
   *
   * @param name as above
   * @param state as above
   * @param ifDropped ends what the state stands for. It is run once, by any thread and without a
   *     lock, when the state expires, when another state of the name is put, or when this service
   *     is closed; never when the state is taken. It belongs to the bundle that puts it and keeps
   *     the classes of that bundle in memory until the state is taken or dropped: it must not need
   *     a service, as its bundle may be stopped by then
   */
  default void put(String name, Object state, Runnable ifDropped) {
    put(name, state);
  }

  /** Returns the state of a name, which is not kept any longer; null when there is none. */
  @Nullable Object take(String name);
}
