// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import dev.patchbay.api.storage.StorageException;
import org.rocksdb.Cache;
import org.rocksdb.LRUCache;
import org.rocksdb.RocksDB;
import org.rocksdb.WriteBufferManager;

/**
 * The native memory that all stores of a backend share: a cache of blocks, and write buffers that
 * are accounted for in the cache. It does not grow with the number of stores.
 */
final class SharedMemory implements AutoCloseable {
  private static final long MIN_CACHE_BYTES = 128L << 20;
  private static final long MAX_CACHE_BYTES = 1L << 30;
  private static final long MIN_BUFFER_BYTES = 64L << 20;
  private static final long MAX_BUFFER_BYTES = 256L << 20;

  final Cache cache;
  final WriteBufferManager buffers;
  final long bufferBytes;

  private SharedMemory(long cacheBytes, long bufferBytes) {
    this.bufferBytes = bufferBytes;
    cache = new LRUCache(cacheBytes + bufferBytes);
    buffers = new WriteBufferManager(bufferBytes, cache);
  }

  /**
   * Loads the native library and allocates: more memory for the heap is more memory here.
   *
   * @throws StorageException when the library cannot be loaded
   */
  static SharedMemory allocate() {
    try {
      RocksDB.loadLibrary();
    } catch (UnsatisfiedLinkError | RuntimeException failure) {
      throw new StorageException(
          "the native library of RocksDB cannot be loaded ("
              + failure.getMessage()
              + "); choose another storage backend, such as mapdb",
          failure);
    }
    return new SharedMemory(
        share(2, MIN_CACHE_BYTES, MAX_CACHE_BYTES), share(6, MIN_BUFFER_BYTES, MAX_BUFFER_BYTES));
  }

  private static long share(int parts, long least, long most) {
    return Math.max(least, Math.min(most, Runtime.getRuntime().maxMemory() / parts));
  }

  /** Releases the memory; all stores must be closed. */
  @Override
  public void close() {
    buffers.close();
    cache.close();
  }
}
