// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import java.lang.reflect.Proxy;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The head in memory while the store is busy with the next one. */
class ChainHeadTest {
  private final ChainHead head = new ChainHead();
  private @Nullable RuntimeException unbound;

  private static Block block(long number) {
    return new Block(BlockHeader.builder().number(number).build(), List.of(), List.of(), null);
  }

  private NamedStore store() {
    return (NamedStore)
        Proxy.newProxyInstance(
            NamedStore.class.getClassLoader(),
            new Class<?>[] {NamedStore.class},
            (proxy, method, args) -> {
              if (method.getName().equals("requireBound") && unbound == null) {
                return null;
              }
              throw unbound == null ? new StorageUnavailableException("it is read") : unbound;
            });
  }

  /** The health of the chain does not depend on how long the store takes to write. */
  @Test
  void theSettledHeadIsKnownWithoutTheStore() {
    assertThatThrownBy(head::settled).hasMessageContaining("the chain is not open yet");
    head.attach(store());
    head.set(block(1));
    head.setNext(block(2));
    assertThat(head.settled().number()).isEqualTo(1);
    assertThatThrownBy(head::get).hasMessage("it is read");
    unbound = new StorageUnavailableException("no store is bound");
    assertThatThrownBy(head::settled).isSameAs(unbound);
    unbound = null;
    head.setStale("a write has failed");
    assertThatThrownBy(head::settled).hasMessageContaining("a write has failed");
  }
}
