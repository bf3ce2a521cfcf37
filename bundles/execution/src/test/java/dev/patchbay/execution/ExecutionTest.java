// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.evm.EvmExecution;
import dev.patchbay.api.execution.AccountOverride;
import dev.patchbay.api.execution.BlockAssembly;
import dev.patchbay.api.execution.BlockOverride;
import dev.patchbay.api.execution.CallSimulator.Overrides;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.execution.Simulation;
import dev.patchbay.api.node.Health;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** The executor while the EVM or the rules of the chain are replaced, or not installed. */
class ExecutionTest {
  private static final String MISSING = "the EVM 'patchbay' of bundle b is not installed";

  private static final ExecutionResult EMPTY_RESULT =
      new ExecutionResult(
          ExecutionResult.Status.SUCCESS, 21_000, 0, Bytes.EMPTY, List.of(), null, null);

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
              return method.getName().equals("transact") ? EMPTY_RESULT : null;
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
    assertThat(fits(execution(), 8 << 20)).isFalse();
    assertThat(fits(execution(), (8 << 20) - 2_000)).isTrue();
  }

  /** Whichever networks there are when the block is begun: the narrowest one decides. */
  @Test
  void aBlockIsNotBuiltLongerThanEachNetworkCanSend() {
    engine = evm("ours");
    Execution execution = execution();
    Network wide = network(() -> Long.MAX_VALUE);
    Network narrow = network(() -> 100_000L);
    execution.addNetwork(narrow);
    execution.addNetwork(wide);
    execution.addNetwork(
        network(
            () -> {
              throw new IllegalStateException("of a third party");
            }));
    assertThat(fits(execution, 100_000)).isFalse();
    assertThat(fits(execution, 98_000)).isTrue();
    execution.removeNetwork(narrow);
    assertThat(fits(execution, 100_000)).isTrue();
    assertThat(fits(execution, 8 << 20)).isFalse();
  }

  private static Network network(Supplier<Long> maxBlockBytes) {
    return proxy(
        Network.class,
        (self, method, arguments) ->
            method.getName().equals("maxBlockBytes") ? maxBlockBytes.get() : null);
  }

  /** Returns whether a new block has room for a transaction with so many bytes of data. */
  private static boolean fits(Execution execution, int bytes) {
    BlockHeader header =
        BlockHeader.builder().number(1).gasLimit(60_000_000).baseFeePerGas(UInt256.ONE).build();
    StateReader parent = proxy(StateReader.class, (self, method, arguments) -> null);
    BlockAssembly assembly = execution.assemble(header, Address.ZERO, List.of(), parent);
    Transaction tx =
        Transaction.builder(TransactionType.LEGACY)
            .gasLimit(30_000_000)
            .data(Bytes.wrap(new byte[bytes]))
            .signature(27, UInt256.ONE, UInt256.ONE)
            .build();
    try {
      assembly.add(tx);
      return true;
    } catch (InvalidTransactionException refused) {
      assertThat(refused.reason()).isEqualTo(InvalidTransactionException.Reason.BLOCK_SIZE);
      return false;
    }
  }

  @Test
  void aCallWithinABlockSeesTheTransactionsBeforeItAndThenTheOverrides() throws Exception {
    List<Object> steps = new ArrayList<>();
    EvmExecution recorder =
        proxy(
            EvmExecution.class,
            (self, method, arguments) ->
                switch (method.getName()) {
                  case "transact" -> {
                    steps.add("nonce " + ((Transaction) arguments[0]).nonce());
                    yield EMPTY_RESULT;
                  }
                  case "next" -> {
                    steps.add("block " + ((BlockContext) arguments[0]).number());
                    yield self;
                  }
                  case "override", "simulate" -> {
                    steps.add(method.getName());
                    yield null;
                  }
                  default -> method.getReturnType() == boolean.class ? (Object) false : null;
                });
    engine = (block, parent) -> recorder;
    List<Transaction> transactions = new ArrayList<>();
    for (long nonce = 0; nonce < 3; nonce++) {
      transactions.add(
          Transaction.builder(TransactionType.LEGACY)
              .nonce(nonce)
              .signature(27, UInt256.ONE, UInt256.ONE)
              .build());
    }
    BlockHeader header =
        BlockHeader.builder().number(45).gasLimit(60_000_000).baseFeePerGas(UInt256.ONE).build();
    AccountOverride rich = new AccountOverride(UInt256.ONE, null, null, Map.of(), false, null);
    execution()
        .call(
            Transaction.builder(TransactionType.LEGACY).build(),
            new Block(header, transactions, List.of(), null),
            2,
            new Overrides(
                Map.of(Address.ZERO, rich),
                new BlockOverride(46L, null, null, null, null, null, null, null)),
            null);
    assertThat(steps).containsExactly("nonce 0", "nonce 1", "block 46", "override", "simulate");
    assertThat(openStates).isZero();
  }
}
