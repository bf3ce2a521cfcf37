// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import dev.patchbay.api.execution.BlockAssembly;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.StateChanges;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Services of which a test needs some methods. */
final class Stubs {
  private Stubs() {}

  /** Returns states that cannot be read. */
  static StateProvider states() {
    return of(
        StateProvider.class,
        Map.of("stateAt", args -> of(IterableStateReader.class, Map.of("close", a -> null))));
  }

  /**
   * Returns an executor of blocks that hold any number of transactions.
   *
   * @param added gets each transaction that is added to a block
   */
  static BlockExecutor executor(Consumer<Transaction> added) {
    return of(
        BlockExecutor.class, Map.of("assemble", args -> assembly((BlockHeader) args[0], added)));
  }

  private static BlockAssembly assembly(BlockHeader header, Consumer<Transaction> added) {
    List<Transaction> transactions = new ArrayList<>();
    return of(
        BlockAssembly.class,
        Map.of(
            "gasLeft",
            args -> 30_000_000L,
            "add",
            args -> {
              transactions.add((Transaction) args[0]);
              added.accept((Transaction) args[0]);
              return new ExecutionResult(
                  ExecutionResult.Status.SUCCESS, 21_000, 0, Bytes.EMPTY, List.of(), null, null);
            },
            "finish",
            args ->
                new BlockExecutor.Assembled(
                    new Block(header, transactions, List.of(), null),
                    new BlockExecutor.Outcome(List.of(), 0, 0, null, null, StateChanges.NONE))));
  }

  /** Returns an object with the given methods, by name; any other one throws. */
  static <T> T of(Class<T> type, Map<String, Function<Object[], @Nullable Object>> calls) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, args) -> {
              Function<Object[], @Nullable Object> call = calls.get(method.getName());
              if (call == null) {
                throw new UnsupportedOperationException(method.getName());
              }
              return call.apply(args == null ? new Object[0] : args);
            }));
  }
}
