// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreListener;
import dev.patchbay.api.storage.WriteBatch;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * What a lease of a named store gives: reads go to the store, writes through {@link
 * ManagedStore#write}, so that a migration never misses one. It cannot be closed.
 */
final class LeasedStore implements KeyValueStore {
  private final OpenStore open;
  private final ManagedStore owner;

  LeasedStore(OpenStore open, ManagedStore owner) {
    this.open = open;
    this.owner = owner;
  }

  boolean isOf(ManagedStore other) {
    return owner == other;
  }

  @Override
  public void write(WriteBatch batch) {
    owner.write(open, batch);
  }

  @Override
  public void flush() {
    open.store().flush();
  }

  @Override
  public byte @Nullable [] get(Column column, byte[] key) {
    return open.store().get(column, key);
  }

  @Override
  public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
    open.store().scan(column, from, visitor);
  }

  @Override
  public void scan(Column column, byte[] from, byte[] until, BiPredicate<byte[], byte[]> visitor) {
    open.store().scan(column, from, until, visitor);
  }

  @Override
  public boolean isEmpty(Column column) {
    return open.store().isEmpty(column);
  }

  @Override
  public long count(Column column) {
    return open.store().count(column);
  }

  @Override
  public long estimateCount(Column column) {
    return open.store().estimateCount(column);
  }

  @Override
  public Snapshot snapshot() {
    return open.store().snapshot();
  }

  @Override
  public long sizeInBytes() {
    return open.store().sizeInBytes();
  }

  @Override
  public void setListener(StoreListener listener) {
    throw new StorageException("the storage kernel alone listens to a named store");
  }

  @Override
  public void close() {
    throw new StorageException("a named store is closed by the storage kernel alone");
  }
}
