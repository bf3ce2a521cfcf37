// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.primitives.Block;
import dev.patchbay.storage.memory.MemoryBackend;
import dev.patchbay.storage.tck.FixedStore;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Listeners are notified of every head, whatever the store does. */
class HeadNotifierTest extends ChainFixture {
  private final List<Long> removed = new ArrayList<>();
  private final List<Long> added = new ArrayList<>();

  private void listen() {
    listeners.add(
        (gone, blocks) -> {
          gone.forEach(block -> removed.add(block.number()));
          blocks.forEach(block -> added.add(block.number()));
        });
  }

  /** Returns the store, which fails as soon as it has a batch. */
  private KeyValueStore failingAfterAWrite() {
    boolean[] failed = {false};
    return (KeyValueStore)
        Proxy.newProxyInstance(
            KeyValueStore.class.getClassLoader(),
            new Class<?>[] {KeyValueStore.class},
            (proxy, method, args) -> {
              if (failed[0]) {
                throw new StorageException("the store has failed");
              }
              try {
                Object result = method.invoke(memory, args);
                failed[0] = method.getName().equals("write");
                if (failed[0]) {
                  throw new StorageException("the store has failed");
                }
                return result;
              } catch (InvocationTargetException failure) {
                throw failure.getCause();
              }
            });
  }

  @Test
  void aHeadThatAStoreHasWhenItIsOpenedAgainIsMadeUpFor() {
    open(Long.MAX_VALUE);
    listen();
    extend(3);
    chain.attach(new FixedStore(failingAfterAWrite()));
    Block fourth = child(canonical(3), 0);
    assertThatThrownBy(() -> importer.importBlock(fourth)).hasMessage("the store has failed");
    pipeline.open(memory); // as when the storage kernel opens a store again
    chain.attach(new FixedStore(memory));
    assertThat(chain.head()).isEqualTo(fourth);
    extend(1);
    assertThat(added).containsExactly(1L, 2L, 3L, 4L, 5L);
    assertThat(removed).isEmpty();
  }

  @Test
  void anOlderHeadOfTheSameChainIsMadeUpFor() {
    open(Long.MAX_VALUE);
    extend(3);
    listen();
    importer.setHead(2);
    KeyValueStore older = new MemoryBackend().open(Path.of("older"), Columns.ALL, true);
    chain.initialize(older);
    pipeline.open(older); // it does not have block 2: listeners begin anew
    chain.attach(new FixedStore(older));
    extend(1);
    assertThat(removed).containsExactly(3L);
    assertThat(added).containsExactly(1L);
  }
}
