// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.patchbay.api.rpc.RpcConstant;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.SharedCache;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The JSON of results that never change, as long as there is room. A result goes by its key, which
 * has the hash of its block: a reorg makes none of them wrong. Threading: any thread.
 */
final class Constants {
  private static final int OVERHEAD = 200;

  /** Stands for a result that could not be written. */
  private static final byte[] NOTHING = {};

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

  /** Results that are being written: others that want the same wait for them. */
  private final Map<String, CompletableFuture<byte[]>> unfinished = new ConcurrentHashMap<>();

  private final Cache<String, byte[]> known;

  /** Keeps about so many bytes, and no result that takes more than an eighth of them. */
  Constants(int bytes) {
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
   * @throws RpcError as the writer
   */
  byte[] of(RpcConstant constant, @Nullable SharedCache shared, Writer writer) throws RpcError {
    byte[] found = known.getIfPresent(constant.key());
    if (found != null) {
      return found;
    }
    CompletableFuture<byte[]> own = new CompletableFuture<>();
    CompletableFuture<byte[]> other = unfinished.putIfAbsent(constant.key(), own);
    if (other != null) {
      byte[] written = other.join();
      return written.length > 0 ? written : load(constant, shared, writer);
    }
    byte[] written = NOTHING;
    try {
      written = load(constant, shared, writer);
      return written;
    } finally {
      unfinished.remove(constant.key());
      own.complete(written);
    }
  }

  private byte[] load(RpcConstant constant, @Nullable SharedCache shared, Writer writer)
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
