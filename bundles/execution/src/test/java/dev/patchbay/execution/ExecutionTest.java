// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.evm.EvmExecution;
import dev.patchbay.api.execution.BlockAssembly;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.execution.Simulation;
import dev.patchbay.api.node.Health;
import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The executor while the EVM or the rules of the chain are replaced, or not installed. */
class ExecutionTest {
  private static final String MISSING = "the EVM 'patchbay' of bundle b is not installed";

  /** The executions that were opened or continued, by the name of their EVM. */
  private final List<String> uses = new ArrayList<>();

  private EvmEngine engine;
  private boolean hasRules = true;
  private int openStates;

  private EvmEngine engine() {
    if (engine == null) {
      throw new NotReadyException(MISSING);
    }
    return engine;
  }

  private EvmEngine evm(String name) {
    EvmExecution execution =
        proxy(
            EvmExecution.class,
            (self, method, arguments) -> {
              if (method.getName().equals("next")) {
                uses.add(name);
                return self;
              }
              return null;
            });
    return (block, parent) -> {
      uses.add(name);
      return execution;
    };
  }

  private static <T> T proxy(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  private Execution execution() {
    ConsensusRules rules =
        proxy(
            ConsensusRules.class,
            (self, method, arguments) ->
                method.isDefault()
                    ? InvocationHandler.invokeDefault(self, method, arguments)
                    : null);
    ChainConfig config = ChainConfig.of(UInt256.ONE, Fork.LONDON);
    IterableStateReader state =
        proxy(
            IterableStateReader.class,
            (self, method, arguments) -> {
              openStates -= method.getName().equals("close") ? 1 : 0;
              return null;
            });
    return new Execution(
        proxy(HeaderReader.class, (self, method, arguments) -> null),
        proxy(
            ProtocolSchedule.class,
            (self, method, arguments) -> {
              if (method.getName().equals("config")) {
                return config;
              }
              if (!hasRules) {
                throw new NotReadyException("the rules are not installed");
              }
              return rules;
            }),
        proxy(
            StateProvider.class,
            (self, method, arguments) -> {
              openStates++;
              return state;
            }),
        this::engine);
  }

  @Test
  void theHealthIsThatOfTheChosenEvm() {
    ExecutionHealth health = new ExecutionHealth(execution(), this::engine);
    assertThat(health.check()).isEqualTo(Health.unavailable(MISSING));
    engine = evm("ours");
    assertThat(health.check().status()).isEqualTo(Health.Status.HEALTHY);
    engine = null;
    assertThat(health.check()).isEqualTo(Health.unavailable(MISSING));
  }

  @Test
  void aSimulationEndsWithTheEvmThatItBeganWith() {
    assertThatThrownBy(() -> execution().simulate(Hash.ZERO))
        .isInstanceOf(NotReadyException.class)
        .hasMessage(MISSING);
    engine = evm("ours");
    try (Simulation simulation = execution().simulate(Hash.ZERO)) {
      engine = evm("theirs");
      for (long number = 1; number <= 2; number++) {
        BlockHeader header =
            BlockHeader.builder().number(number).baseFeePerGas(UInt256.ONE).build();
        simulation.begin(header, null, Map.of(), List.of());
      }
    }
    assertThat(uses).containsExactly("ours", "ours");
  }

  /** A state that stays open keeps a lease of the store, which then cannot be closed. */
  @Test
  void aSimulationWithoutRulesLeavesNoStateOpen() {
    engine = evm("ours");
    hasRules = false;
    assertThatThrownBy(() -> execution().simulate(Hash.ZERO)).isInstanceOf(NotReadyException.class);
    assertThat(openStates).isZero();
    hasRules = true;
    execution().simulate(Hash.ZERO).close();
    assertThat(openStates).isZero();
  }

  /** No peer could get a longer one, and validators that build such blocks stop their chain. */
  @Test
  void aBlockBeforeOsakaIsNotBuiltLongerThanPeersCanSend() {
    engine = evm("ours");
    BlockHeader header =
        BlockHeader.builder().number(1).gasLimit(60_000_000).baseFeePerGas(UInt256.ONE).build();
    StateReader parent = proxy(StateReader.class, (self, method, arguments) -> null);
    BlockAssembly assembly = execution().assemble(header, Address.ZERO, List.of(), parent);
    Transaction tx =
        Transaction.builder(TransactionType.LEGACY)
            .gasLimit(30_000_000)
            .data(Bytes.wrap(new byte[8 << 20]))
            .signature(27, UInt256.ONE, UInt256.ONE)
            .build();
    assertThatThrownBy(() -> assembly.add(tx))
        .isInstanceOfSatisfying(
            InvalidTransactionException.class,
            refused ->
                assertThat(refused.reason())
                    .isEqualTo(InvalidTransactionException.Reason.BLOCK_SIZE));
  }
}
