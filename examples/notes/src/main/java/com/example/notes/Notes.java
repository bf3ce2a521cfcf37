// SPDX-License-Identifier: Apache-2.0
package com.example.notes;

import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.api.storage.StoreOwner;
import dev.patchbay.api.storage.Stores;
import dev.patchbay.api.storage.WriteBatch;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * The namespace {@code notes}, which keeps texts in a store of its own. The reference to {@link
 * Stores} is static: the component restarts with the storage kernel. The component needs no chain.
 *
 * <p>A call while no store is bound throws {@code StorageUnavailableException}, which the server
 * answers with -32010. A write that fails throws {@code StorageException}, which it answers with
 * -32000; the note was not stored.
 *
 * <p>Threading: any thread.
 */
@Component(property = RpcNamespace.NAME + "=notes")
public final class Notes implements RpcNamespace {
  /** Name of the store, as {@code storage:list} shows it. */
  private static final String STORE = "notes";

  /** Texts by number, 8 bytes big-endian, from 1. */
  private static final Column TEXTS = new Column("TEXTS", Column.Access.LARGE_VALUES);

  /** One entry: how many notes there are. */
  private static final Column TOTALS = new Column("TOTALS");

  private static final byte[] COUNT = {'n'};
  private static final int MAX_CHARACTERS = 65_536;

  private final ReentrantLock writes = new ReentrantLock();
  private final Map<String, RpcMethod> methods =
      Map.of(
          "notes_put", (params, session) -> put(text(params)),
          "notes_get", (params, session) -> get(number(params)),
          "notes_count", (params, session) -> count());
  private final NamedStore store;

  /** Opens the store, in the backend that is chosen for it. */
  @Activate
  public Notes(@Reference Stores stores) {
    store = stores.register(STORE, List.of(TEXTS, TOTALS), new Owner());
  }

  @Deactivate
  void deactivate() {
    store.close();
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }

  /** Stores a note and returns its number. The note then survives the end of the process. */
  private long put(String text) {
    writes.lock();
    try {
      long number = count() + 1;
      WriteBatch batch = new WriteBatch();
      batch.put(TEXTS, bytes(number), text.getBytes(StandardCharsets.UTF_8));
      batch.put(TOTALS, COUNT, bytes(number));
      store.write(batch);
      return number;
    } finally {
      writes.unlock();
    }
  }

  /** Returns the text of a note; null when there is no note of this number. */
  private Object get(long number) {
    try (StoreLease lease = store.lease()) {
      byte[] text = lease.get().get(TEXTS, bytes(number));
      return text == null ? null : new String(text, StandardCharsets.UTF_8);
    }
  }

  private long count() {
    try (StoreLease lease = store.lease()) {
      return count(lease.get());
    }
  }

  private static long count(KeyReader reader) {
    byte[] count = reader.get(TOTALS, COUNT);
    if (count == null) {
      throw new StorageException("the store holds no notes: it has no total");
    }
    return ByteBuffer.wrap(count).getLong();
  }

  private static byte[] bytes(long number) {
    return ByteBuffer.allocate(Long.BYTES).putLong(number).array();
  }

  private static String text(List<Object> params) throws RpcError {
    if (params.size() != 1
        || !(params.get(0) instanceof String text)
        || text.length() > MAX_CHARACTERS) {
      throw RpcError.invalidParams(
          "the parameter must be a text of at most " + MAX_CHARACTERS + " characters");
    }
    return text;
  }

  private static long number(List<Object> params) throws RpcError {
    if (params.size() != 1 || !(params.get(0) instanceof Number number)) {
      throw RpcError.invalidParams("the parameter must be the number of a note");
    }
    return number.longValue();
  }

  /** What the namespace contributes when its store is opened or moved. */
  private final class Owner implements StoreOwner {
    @Override
    public Lock writeLock() {
      return writes;
    }

    @Override
    public void initialize(KeyValueStore empty) {
      WriteBatch batch = new WriteBatch();
      batch.put(TOTALS, COUNT, bytes(0));
      empty.write(batch);
    }

    @Override
    public void opened(KeyValueStore opened) {
      long count = count(opened);
      if (count > 0 && opened.get(TEXTS, bytes(count)) == null) {
        throw new StorageException(
            "the store lacks note "
                + count
                + ". Nothing was changed. Restore the files of store '"
                + STORE
                + "' from a backup");
      }
    }

    @Override
    public String describe(KeyReader described) {
      byte[] count = described.get(TOTALS, COUNT);
      return (count == null ? "no" : ByteBuffer.wrap(count).getLong()) + " notes";
    }
  }
}
