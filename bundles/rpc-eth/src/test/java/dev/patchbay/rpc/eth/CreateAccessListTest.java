// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.execution.AccountOverride;
import dev.patchbay.api.execution.CallSimulator.Overrides;
import dev.patchbay.api.rpc.RpcExpensive;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.evm.CodeCache;
import dev.patchbay.evm.EvmState;
import dev.patchbay.evm.StateBase;
import dev.patchbay.evm.TransactionProcessor;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.TransactionRules;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Access lists and their gas; the figures are geth 1.17.5's. */
class CreateAccessListTest {
  private static final Address RICH = Address.fromHex("0x14e46043e63d0e3cdcf2530519f4cfaf35058cb2");
  private static final String CODE = "0xc0de000000000000000000000000000000000001";
  private static final String OTHER = "0x1111111111111111111111111111111111111111";
  private static final String ZERO = Hash.ZERO.toString();

  private static Account account(Address address) {
    return address.equals(RICH)
        ? new Account(7, UInt256.of(Long.MAX_VALUE), Account.EMPTY_ROOT, Account.EMPTY_CODE)
        : Account.EMPTY;
  }

  private final CallMethods methods =
      TestCalls.methods(CreateAccessListTest::account, CreateAccessListTest::run);

  private static ExecutionResult run(Transaction call, Overrides overrides, Tracer tracer)
      throws Exception {
    BlockContext block =
        new BlockContext(
            Fork.OSAKA,
            UInt256.ONE,
            Address.ZERO,
            54,
            1_234,
            60_000_000,
            UInt256.ZERO,
            Hash.ZERO,
            UInt256.ZERO,
            UInt256.ONE,
            0,
            9,
            number -> Hash.ZERO,
            TransactionRules.ETHEREUM);
    StateBase base =
        TestChain.stub(
            StateBase.class,
            (name, args) ->
                switch (name) {
                  case "account" -> {
                    AccountOverride override = overrides.accounts().get((Address) args[0]);
                    Account account = account((Address) args[0]);
                    yield override == null
                        ? account
                        : new Account(
                            override.nonce() == null ? account.nonce() : override.nonce(),
                            account.balance(),
                            Account.EMPTY_ROOT,
                            override.code() == null
                                ? account.codeHash()
                                : override.code().keccak());
                  }
                  case "code" ->
                      overrides.accounts().values().stream()
                          .map(AccountOverride::code)
                          .filter(code -> code != null && code.keccak().equals(args[0]))
                          .findFirst()
                          .orElse(Bytes.EMPTY);
                  default -> UInt256.ZERO;
                });
    return new TransactionProcessor(new EvmState(base, new CodeCache(1 << 20)), block)
        .process(call, 60_000_000, TransactionProcessor.Mode.SIMULATION, tracer);
  }

  private Map<?, ?> list(Object... params) throws Exception {
    Object call = TestCalls.call(methods, "eth_createAccessList", params);
    return (Map<?, ?>) ((RpcExpensive) call).call();
  }

  private static Map<String, Object> entry(String address, String... keys) {
    return Map.of("address", address, "storageKeys", List.of(keys));
  }

  @Test
  void overriddenCodeIsExecuted() throws Exception {
    Map<?, ?> found =
        list(
            Map.of("from", RICH.toString(), "to", CODE),
            "latest",
            Map.of(CODE, Map.of("code", "0x60005400")));
    assertThat(found.get("accessList")).isEqualTo(List.of(entry(CODE, ZERO)));
    assertThat(found.get("gasUsed")).isEqualTo("0x633b");
  }

  /** BALANCE of 0x100, the contract of EIP-7951. */
  @Test
  void noPrecompiledContractIsInTheList() throws Exception {
    Map<?, ?> found =
        list(
            Map.of(
                "from",
                RICH.toString(),
                "input",
                "0x60016101003100",
                "gas",
                "0x30d40",
                "gasPrice",
                "0x77359400"),
            "latest");
    assertThat(found.get("accessList")).isEqualTo(List.of());
    assertThat(found.get("gasUsed")).isEqualTo("0xcfcc");
  }

  @Test
  void theListOfTheCallIsKept() throws Exception {
    Map<?, ?> found =
        list(
            Map.of(
                "from",
                RICH.toString(),
                "to",
                CODE,
                "accessList",
                List.of(entry(OTHER, ZERO), entry(RICH.toString(), ZERO))),
            "latest",
            Map.of(CODE, Map.of("code", "0x60005400")));
    assertThat(found.get("accessList")).isEqualTo(List.of(entry(OTHER, ZERO), entry(CODE, ZERO)));
    // 21,000, two accounts, two slots, PUSH1 and a warm SLOAD
    assertThat(found.get("gasUsed")).isEqualTo("0x7407");
  }

  /** A contract that is created by nonce 5 reads its own slot, and needs no entry of its own. */
  @Test
  void aCreationUsesTheOverriddenNonce() throws Exception {
    Map<?, ?> found =
        list(
            Map.of("from", RICH.toString(), "input", "0x3031505f5ff3"),
            "latest",
            Map.of(RICH.toString(), Map.of("nonce", "0x5")));
    assertThat(found.get("accessList")).isEqualTo(List.of());
  }
}
