// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.patchbay.api.rpc.RpcConstant;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.SharedCache;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The JSON of results that never change, as long as there is room. A result goes by its key, which
 * has the hash of its block: a reorg makes none of them wrong. Threading: any thread.
 */
final class Constants {
  private static final int OVERHEAD = 200;
  private static final int LOCKS = 64;

  /** Writes the JSON of a result. */
  interface Writer {
    /**
     * Returns the JSON of a value.
     *
     * @throws RpcError when it is too long, or there is no memory for it
     */
    byte[] write(@Nullable Object value) throws RpcError;
  }

  private final int longest;

  /** One thread at a time writes a result: others that want the same take what it has written. */
  private final Object[] locks = new Object[LOCKS];

  private final Cache<String, byte[]> known;

  /** Keeps about so many bytes, and no result that takes more than an eighth of them. */
  Constants(int bytes) {
    longest = bytes / 8;
    Arrays.setAll(locks, i -> new Object());
    known =
        Caffeine.newBuilder()
            .executor(Runnable::run)
            .maximumWeight(bytes)
            .weigher((String key, byte[] value) -> OVERHEAD + 2 * key.length() + value.length)
            .build();
  }

  /**
   * Returns the JSON of a result; the array must not be changed.
   *
   * @param shared where other nodes put what they have made, or null
   * @throws RpcError as the writer
   */
  byte[] of(RpcConstant constant, @Nullable SharedCache shared, Writer writer) throws RpcError {
    byte[] found = known.getIfPresent(constant.key());
    if (found != null) {
      return found;
    }
    synchronized (locks[Math.floorMod(constant.key().hashCode(), LOCKS)]) {
      found = known.getIfPresent(constant.key());
      return found == null ? made(constant, shared, writer) : found;
    }
  }

  private byte[] made(RpcConstant constant, @Nullable SharedCache shared, Writer writer)
      throws RpcError {
    byte[] found = shared == null ? null : shared.get(constant.key());
    if (found == null) {
      found = writer.write(constant.value().get());
      if (shared != null) {
        shared.put(constant.key(), found);
      }
    }
    if (found.length <= longest) {
      known.put(constant.key(), found);
    }
    return found;
  }
}
