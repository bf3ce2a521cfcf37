// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.execution.AccountOverride;
import dev.patchbay.api.execution.BlockOverride;
import dev.patchbay.api.execution.CallSimulator;
import dev.patchbay.api.execution.CallSimulator.Overrides;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.tracing.TracerException;
import dev.patchbay.primitives.AccessListEntry;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.TransactionValidator;
import dev.patchbay.rpc.codec.CallArguments;
import dev.patchbay.rpc.codec.OverrideParams;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Replay;
import dev.patchbay.rpc.codec.Results;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Methods that execute without leaving a trace. */
final class CallMethods {
  private static final long TRANSFER_GAS = 21_000;

  private final ChainReader chain;
  private final StateProvider states;
  private final CallSimulator simulator;

  CallMethods(ChainReader chain, StateProvider states, CallSimulator simulator) {
    this.chain = chain;
    this.states = states;
    this.simulator = simulator;
  }

  Map<String, RpcMethod> methods() {
    Map<String, RpcMethod> m = new LinkedHashMap<>();
    m.put("eth_call", (p, s) -> call(new Params(p)));
    m.put("eth_estimateGas", (p, s) -> Hex.quantity(estimate(new Params(p))));
    m.put("eth_createAccessList", RpcMethod.expensive((p, s) -> accessList(new Params(p))));
    return m;
  }

  private Transaction transaction(
      Map<String, @Nullable Object> call, Block block, @Nullable Long gas) throws RpcError {
    long nonce = 0;
    if (call.get("from") != null) {
      Account account = account(block, Params.address("from", call.get("from")));
      nonce = account.nonce();
    }
    return CallArguments.transaction(call, chain.config().chainId(), nonce, gas);
  }

  /** Returns the nonce of an account after a block. */
  long nonce(Block block, Address address) {
    return account(block, address).nonce();
  }

  private Account account(Block block, Address address) {
    try (StateReader state = states.stateAt(block.hash())) {
      Account account = state == null ? null : state.account(address);
      return account == null ? Account.EMPTY : account;
    }
  }

  private ExecutionResult run(
      Transaction transaction,
      Block block,
      Overrides overrides,
      dev.patchbay.api.tracing.@Nullable Tracer tracer)
      throws RpcError {
    try {
      return simulator.call(transaction, block.hash(), block.header(), overrides, tracer);
    } catch (TracerException failure) {
      throw Replay.error(failure);
    } catch (InvalidTransactionException | IllegalArgumentException invalid) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(invalid.getMessage()));
    }
  }

  private String call(Params params) throws RpcError {
    Map<String, @Nullable Object> call = params.object(0);
    Block block = params.requiredHeader(1, chain);
    ExecutionResult result =
        run(
            transaction(call, block, null),
            block,
            OverrideParams.of(params.optional(2), params.optional(3)),
            null);
    if (!result.success()) {
      throw CallArguments.failure(result);
    }
    return result.output().toString();
  }

  private long estimate(Params params) throws RpcError {
    return estimate(
        params.object(0),
        params.requiredHeader(1, chain),
        OverrideParams.of(params.optional(2), params.optional(3)));
  }

  /**
   * Finds the least gas limit with which the call succeeds, to within 1.5 percent, by bisection.
   */
  long estimate(Map<String, @Nullable Object> call, Block block, Overrides overrides)
      throws RpcError {
    long high = highest(call, block, overrides);
    Transaction first = transaction(call, block, high);
    Address to = first.to();
    if (to != null && first.data().isEmpty() && !hasCode(to, block, overrides)) {
      try {
        ExecutionResult transfer = run(call, block, overrides, TRANSFER_GAS);
        if (transfer != null && transfer.success()) {
          return TRANSFER_GAS;
        }
      } catch (RpcError needsLess) {
        // the sender cannot pay so much gas: the search says so
      }
    }
    ExecutionResult result = run(call, block, overrides, high);
    if (result == null || String.valueOf(result.error()).startsWith("out of gas")) {
      throw new RpcError(RpcError.SERVER_ERROR, "gas required exceeds allowance (" + high + ")");
    }
    if (!result.success()) {
      throw CallArguments.failure(result);
    }
    long low = result.gasUsed() - 1;
    long optimistic = (result.gasUsed() + result.gasRefunded() + 2_300) * 64 / 63;
    if (optimistic < high) {
      if (succeeds(call, block, overrides, optimistic)) {
        high = optimistic;
      } else {
        low = optimistic;
      }
    }
    while (low + 1 < high && (high - low) * 1_000 >= high * 15) {
      long middle = Math.min(low + (high - low) / 2, low * 2);
      if (succeeds(call, block, overrides, middle)) {
        high = middle;
      } else {
        low = middle;
      }
    }
    return high;
  }

  private boolean succeeds(
      Map<String, @Nullable Object> call, Block block, Overrides overrides, long gas)
      throws RpcError {
    ExecutionResult result = run(call, block, overrides, gas);
    return result != null && result.success();
  }

  /** Executes a call with a gas limit; returns null when another limit may be valid. */
  private @Nullable ExecutionResult run(
      Map<String, @Nullable Object> call, Block block, Overrides overrides, long gas)
      throws RpcError {
    try {
      return simulator.call(
          transaction(call, block, gas), block.hash(), block.header(), overrides, null);
    } catch (InvalidTransactionException invalid) {
      if (invalid.reason() == InvalidTransactionException.Reason.INTRINSIC_GAS
          || invalid.reason() == InvalidTransactionException.Reason.GAS_LIMIT_TOO_HIGH) {
        return null;
      }
      throw new RpcError(
          RpcError.SERVER_ERROR, "failed with " + gas + " gas: " + invalid.getMessage());
    } catch (IllegalArgumentException invalid) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(invalid.getMessage()));
    }
  }

  private boolean hasCode(Address address, Block block, Overrides overrides) {
    AccountOverride override = overrides.accounts().get(address);
    return override != null && override.code() != null
        ? !override.code().isEmpty()
        : !account(block, address).codeHash().equals(Account.EMPTY_CODE);
  }

  /** Returns the most gas that the call, the rules and the sender's balance allow. */
  private long highest(Map<String, @Nullable Object> call, Block block, Overrides overrides)
      throws RpcError {
    BlockOverride in = overrides.block();
    long high = in.gasLimit() == null ? block.header().gasLimit() : in.gasLimit();
    if (call.get("gas") != null) {
      long asked = transaction(call, block, null).gasLimit();
      high = asked >= TRANSFER_GAS ? asked : high;
    }
    long number = in.number() == null ? block.number() : in.number();
    long time = in.timestamp() == null ? block.header().timestamp() : in.timestamp();
    Fork fork = chain.config().forkAt(number, time);
    if (fork.includes(Fork.OSAKA)) {
      high = Math.min(high, TransactionValidator.MAX_GAS);
    }
    Transaction transaction = transaction(call, block, high);
    Address from = transaction.sender();
    if (!transaction.maxFeePerGas().isZero() && from != null) {
      BigInteger allowance = allowance(transaction, balance(from, block, overrides), fork);
      if (allowance.bitLength() < 63) {
        high = Math.min(high, allowance.longValue());
      }
    }
    return Math.min(high, CallArguments.GAS_CAP);
  }

  private BigInteger balance(Address address, Block block, Overrides overrides) {
    AccountOverride override = overrides.accounts().get(address);
    return (override != null && override.balance() != null
            ? override.balance()
            : account(block, address).balance())
        .toBigInteger();
  }

  /** Returns the gas that a sender can pay beside the value and the blobs. */
  private static BigInteger allowance(Transaction transaction, BigInteger balance, Fork fork)
      throws RpcError {
    BigInteger left = balance.subtract(transaction.value().toBigInteger());
    if (left.signum() <= 0) {
      throw new RpcError(RpcError.SERVER_ERROR, "insufficient funds for transfer");
    }
    int blobs = transaction.blobVersionedHashes().size();
    if (blobs > 0 && fork.includes(Fork.CANCUN)) {
      left =
          left.subtract(
              BigInteger.valueOf(blobs * FeeMarket.BLOB_GAS)
                  .multiply(transaction.maxFeePerBlobGas().toBigInteger()));
      if (left.signum() <= 0) {
        throw new RpcError(RpcError.SERVER_ERROR, "insufficient funds for gas * price + value");
      }
    }
    return left.divide(transaction.maxFeePerGas().toBigInteger());
  }

  /** Repeats the call with the list of what it touched until the list does not grow any more. */
  private Object accessList(Params params) throws RpcError {
    Map<String, @Nullable Object> call = new HashMap<>(params.object(0));
    Block block = params.requiredHeader(1, chain);
    Overrides overrides = OverrideParams.of(params.optional(2), null);
    if (call.get("from") != null && call.get("nonce") == null) {
      AccountOverride sender = overrides.accounts().get(Params.address("from", call.get("from")));
      if (sender != null && sender.nonce() != null) {
        call.put("nonce", Hex.quantity(sender.nonce())); // names the contract of a creation
      }
    }
    List<AccessListEntry> list = transaction(call, block, null).accessList();
    for (int round = 0; ; round++) {
      Transaction transaction = transaction(call, block, null);
      Address to = transaction.to();
      Address from = transaction.sender();
      TouchTracer tracer =
          new TouchTracer(
              from == null ? Address.ZERO : from,
              to == null && from != null ? Address.ofCreation(from, transaction.nonce()) : to,
              list);
      ExecutionResult result = run(transaction, block, overrides, tracer);
      List<AccessListEntry> next = tracer.list();
      if (next.equals(list) || round == 10) {
        Map<String, @Nullable Object> out = new LinkedHashMap<>();
        out.put("accessList", Results.accessList(next));
        if (!result.success()) {
          out.put("error", String.valueOf(CallArguments.failure(result).getMessage()));
        }
        out.put("gasUsed", Hex.quantity(result.gasUsed()));
        return out;
      }
      list = next;
      call.put("accessList", Results.accessList(list));
    }
  }
}
