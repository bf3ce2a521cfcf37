// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.execution.AccountOverride;
import dev.patchbay.api.execution.CallSimulator.Overrides;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The allowance of a sender; the figures are geth 1.17.5's. */
class EstimateGasTest {
  private static final String POOR = "0x1111111111111111111111111111111111111111";
  private static final String TO = "0x7dcd17433742f4c0ca53122ab541d0ba67fc27df";

  /** Accounts of the state; others are empty. */
  private final Map<Address, Account> accounts = new HashMap<>();

  /** Gas that code needs, if there is any. */
  private long needed = 50_000;

  /** Gas limits of the calls, in order. */
  private final List<Long> limits = new ArrayList<>();

  private final CallMethods methods =
      TestCalls.methods(accounts::get, (call, overrides, tracer) -> run(call, overrides));

  /** As the EVM does: the sender pays in advance, the gas must suffice for the code. */
  private ExecutionResult run(Transaction call, Overrides overrides) throws Exception {
    limits.add(call.gasLimit());
    AccountOverride override = overrides.accounts().get(call.sender());
    Account stored = accounts.getOrDefault(call.sender(), Account.EMPTY);
    UInt256 balance =
        override == null || override.balance() == null ? stored.balance() : override.balance();
    BigInteger cost =
        call.maxFeePerGas()
            .toBigInteger()
            .multiply(BigInteger.valueOf(call.gasLimit()))
            .add(call.value().toBigInteger());
    if (cost.compareTo(balance.toBigInteger()) > 0) {
      throw new InvalidTransactionException(
          InvalidTransactionException.Reason.INSUFFICIENT_FUNDS, "insufficient funds");
    }
    if (call.gasLimit() < 21_000) {
      throw new InvalidTransactionException(
          InvalidTransactionException.Reason.INTRINSIC_GAS, "intrinsic gas too low");
    }
    AccountOverride code = overrides.accounts().get(call.to());
    boolean runs =
        code != null && code.code() != null
            ? !code.code().isEmpty()
            : accounts.containsKey(call.to());
    long used = runs ? needed : 21_000;
    return call.gasLimit() < used
        ? new ExecutionResult(
            ExecutionResult.Status.HALT,
            call.gasLimit(),
            0,
            Bytes.EMPTY,
            List.of(),
            "out of gas",
            null)
        : new ExecutionResult(
            ExecutionResult.Status.SUCCESS, used, 0, Bytes.EMPTY, List.of(), null, null);
  }

  private Object estimate(Object... params) throws Exception {
    return TestCalls.call(methods, "eth_estimateGas", params);
  }

  private void putContract() {
    accounts.put(
        Address.fromHex(TO),
        new Account(1, UInt256.ZERO, Account.EMPTY_ROOT, Hash.keccak(new byte[] {1})));
  }

  private void assertError(String message, Object... params) {
    assertThatThrownBy(() -> estimate(params))
        .isInstanceOfSatisfying(RpcError.class, error -> assertThat(error.code()).isEqualTo(-32000))
        .hasMessage(message);
  }

  @Test
  void theAllowanceIsThatOfTheOverriddenBalance() throws Exception {
    Map<String, Object> call =
        Map.of(
            "from",
            POOR,
            "to",
            "0x14e46043e63d0e3cdcf2530519f4cfaf35058cb2",
            "gasPrice",
            "0x77359400");
    assertThat(estimate(call, "latest", Map.of(POOR, Map.of("balance", "0x2632e314a000"))))
        .isEqualTo("0x5208");
    assertError("insufficient funds for transfer", call);
  }

  @Test
  void theFirstLimitIsWhatTheOverriddenBalancePays() throws Exception {
    putContract();
    estimate(
        Map.of("from", POOR, "to", TO, "input", "0x11", "maxFeePerGas", "0x77359400"),
        "latest",
        Map.of(POOR, Map.of("balance", "0x6d23ad5f8000")));
    assertThat(limits.get(0)).isEqualTo(60_000);
  }

  @Test
  void aTransferCostsTheSameUnderOverrides() throws Exception {
    Map<String, Object> call = Map.of("from", POOR, "to", TO);
    assertThat(estimate(call, "latest", Map.of(POOR, Map.of("balance", "0x1"))))
        .isEqualTo("0x5208");
    assertThat(limits).containsExactly(21_000L);
    limits.clear();
    assertThat(estimate(call, "latest", Map.of(TO, Map.of("code", "0x5b00"))))
        .isNotEqualTo("0x5208");
    assertThat(limits).doesNotContain(21_000L);
    limits.clear();
    putContract();
    assertThat(estimate(call, "latest", Map.of(TO, Map.of("code", "0x")))).isEqualTo("0x5208");
    assertThat(limits).containsExactly(21_000L);
  }

  @Test
  void anAllowanceThatIsTooLowIsNamed() {
    putContract();
    Map<String, Object> call = Map.of("from", POOR, "to", TO, "input", "0x11", "gasPrice", "0x1");
    for (long gas : new long[] {20_999, 21_000, 49_999}) {
      assertError(
          "gas required exceeds allowance (" + gas + ")",
          call,
          "latest",
          Map.of(POOR, Map.of("balance", "0x" + Long.toHexString(gas))));
    }
  }

  @Test
  void valueAndBlobsArePaidBeforeGas() throws Exception {
    putContract();
    Map<String, Object> call = new HashMap<>();
    call.putAll(Map.of("from", POOR, "to", TO, "input", "0x11", "maxFeePerGas", "0x2"));
    call.putAll(Map.of("value", "0x64", "maxFeePerBlobGas", "0x3"));
    call.put("blobVersionedHashes", List.of("0x01" + "00".repeat(31)));
    long blob = 131_072 * 3;
    Map<Long, Long> allowances =
        Map.of(100 + blob + 140_000, 70_000L, 100 + blob + 120_001, 60_000L);
    for (Map.Entry<Long, Long> entry : allowances.entrySet()) {
      limits.clear();
      estimate(
          call, "latest", Map.of(POOR, Map.of("balance", "0x" + Long.toHexString(entry.getKey()))));
      assertThat(limits.get(0)).isEqualTo(entry.getValue());
    }
    assertError(
        "insufficient funds for transfer", call, "latest", Map.of(POOR, Map.of("balance", "0x64")));
    assertError(
        "insufficient funds for gas * price + value",
        call,
        "latest",
        Map.of(POOR, Map.of("balance", "0x" + Long.toHexString(100 + blob))));
  }

  @Test
  void theGasOfACallIsTakenFromTheCallThenFromTheBlock() throws Exception {
    putContract();
    needed = 30_000;
    Map<String, Object> call = Map.of("to", TO, "input", "0x11", "gas", "0x1d4c0");
    estimate(call);
    assertThat(limits.get(0)).isEqualTo(120_000);
    limits.clear();
    estimate(Map.of("to", TO, "input", "0x11"), "latest", Map.of(), Map.of("gasLimit", "0xc350"));
    assertThat(limits.get(0)).isEqualTo(50_000);
    limits.clear();
    estimate(Map.of("to", TO, "input", "0x11"));
    assertThat(limits.get(0)).isEqualTo(16_777_216);
  }
}
