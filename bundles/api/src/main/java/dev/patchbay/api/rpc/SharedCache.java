// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.rpc;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * JSON of results that never change ({@link RpcConstant}), shared by several nodes. It is never
 * more than a shorter way: what it does not have, or has no time to say, is made anew.
 *
 * <p>Threading: any thread, many calls at a time.
 */
@ConsumerType
public interface SharedCache {
  /**
   * Returns what some node has put, or null. Takes a bounded time, also when the cache is not
   * reachable; throws nothing.
   *
   * @param key the key of an {@link RpcConstant}
   */
  byte @Nullable [] get(String key);

  /**
   * Puts a result, if there is room; returns at once and throws nothing.
   *
   * @param json the result as UTF-8 JSON; must not be changed afterwards
   */
  void put(String key, byte[] json);

  /** Returns how it goes. */
  Statistics statistics();

  /**
   * How it goes.
   *
   * @param address where it is, for people
   * @param reachable whether it has answered last
   * @param hits results that it had
   * @param misses results that it did not have
   * @param failures times when it did not answer, or had what was not put there
   */
  record Statistics(String address, boolean reachable, long hits, long misses, long failures) {}
}
