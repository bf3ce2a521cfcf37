// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.patchbay.api.rpc.RpcConstant;
import dev.patchbay.api.rpc.SharedCache;
import org.jspecify.annotations.Nullable;

/**
 * The JSON of results that never change, as long as there is room. A result goes by its key, which
 * has the hash of its block: a reorg makes none of them wrong. Threading: any thread.
 */
final class Constants {
  private static final int OVERHEAD = 200;

  private final JsonMapper json;
  private final int longest;
  private final Cache<String, byte[]> known;

  /** Keeps about so many bytes, and no result that takes more than an eighth of them. */
  Constants(JsonMapper json, int bytes) {
    this.json = json;
    longest = bytes / 8;
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
   */
  byte[] of(RpcConstant constant, @Nullable SharedCache shared) throws JsonProcessingException {
    byte[] found = known.getIfPresent(constant.key());
    if (found != null) {
      return found;
    }
    found = shared == null ? null : shared.get(constant.key());
    if (found == null) {
      found = json.writeValueAsBytes(constant.value().get());
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
