// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.execution.CallSimulator;
import dev.patchbay.api.execution.CallSimulator.Overrides;
import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.ExecutionResult;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Calls on a head of Osaka with the number 54, which a test executes itself. */
final class TestCalls {
  private static final Block HEAD =
      new Block(
          BlockHeader.builder().number(54).gasLimit(60_000_000).build(),
          List.of(),
          List.of(),
          null);

  private TestCalls() {}

  interface Run {
    ExecutionResult of(Transaction call, Overrides overrides, @Nullable Tracer tracer)
        throws Exception;
  }

  /** Returns the methods over a state with these accounts; null for one that is empty. */
  static CallMethods methods(Function<Address, @Nullable Account> accounts, Run run) {
    ChainReader chain =
        TestChain.stub(
            ChainReader.class,
            (name, args) -> name.equals("config") ? ChainConfig.of(UInt256.ONE, Fork.OSAKA) : HEAD);
    IterableStateReader state =
        TestChain.stub(
            IterableStateReader.class,
            (name, args) -> name.equals("account") ? accounts.apply((Address) args[0]) : null);
    CallSimulator simulator =
        (CallSimulator)
            Proxy.newProxyInstance(
                CallSimulator.class.getClassLoader(),
                new Class<?>[] {CallSimulator.class},
                (self, method, args) ->
                    run.of((Transaction) args[0], (Overrides) args[3], (Tracer) args[4]));
    return new CallMethods(
        chain, TestChain.stub(StateProvider.class, (name, args) -> state), simulator);
  }

  /** Calls a method. */
  static @Nullable Object call(CallMethods methods, String method, Object... params)
      throws Exception {
    return methods.methods().get(method).call(List.of(params), new TestSession("a").session);
  }
}
