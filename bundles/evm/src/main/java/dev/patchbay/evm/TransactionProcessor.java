// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.Tracer.CallType;
import dev.patchbay.primitives.AccessListEntry;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Authorization;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.Transaction.Deposit;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.ExecutionResult.Status;
import dev.patchbay.primitives.execution.IntrinsicGas;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.InvalidTransactionException.Reason;
import dev.patchbay.primitives.execution.TransactionRules;
import dev.patchbay.primitives.execution.TransactionRules.Fee;
import dev.patchbay.primitives.execution.TransactionValidator;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Applies transactions of one block to a state (Yellow Paper, section 6).
 *
 * <p>Threading: one thread at a time.
 */
public final class TransactionProcessor {
  private static final Address SYSTEM =
      Address.fromHex("0xfffffffffffffffffffffffffffffffffffffffe");
  private static final long SYSTEM_GAS = 30_000_000;

  private final EvmState state;
  private final BlockContext block;
  private final Fork fork;
  private final TransactionRules rules;
  private final Loop loop;
  private final List<Frame> frames = new ArrayList<>();
  private Precompiles precompiles;

  /** What a simulation leaves out of the rules. */
  public enum Mode {
    /** A transaction of a block: all rules. */
    CONSENSUS,
    /**
     * A call by {@code eth_call} and its kin: no nonce, no EOA check, no fees below the base fee
     * when none are given.
     */
    SIMULATION,
    /** A call whose nonce and fees are checked, but not who may send it and with how much gas. */
    VALIDATED_SIMULATION
  }

  /**
   * Which loop runs code. All give the same results; a tracer of steps needs the per-opcode one.
   */
  public enum Loop {
    /** The per-opcode loop, the register form for code that is hot, bytecode for what stays so. */
    ADAPTIVE,
    /** The per-opcode loop alone. */
    PER_OPCODE,
    /** The register form from the first call on. */
    REGISTERS,
    /** Bytecode from the first call on. */
    BYTECODE
  }

  /** Starts with a state and the block that transactions see. */
  public TransactionProcessor(EvmState state, BlockContext block) {
    this(state, block, Loop.ADAPTIVE);
  }

  /** Starts with a loop that is fixed, to compare them. */
  public TransactionProcessor(EvmState state, BlockContext block, Loop loop) {
    this.state = state;
    this.block = block;
    this.fork = block.fork();
    this.rules = block.rules();
    this.loop = loop;
    this.precompiles = Precompiles.of(fork).under(rules);
    if (fork.includes(Fork.BERLIN)) {
      state.keepWarm(precompiles.addresses());
    }
    if (fork.includes(Fork.AMSTERDAM)) {
      state.recordAccesses();
    }
  }

  /** Returns whether there is a precompiled contract at an address. */
  public boolean isPrecompile(Address address) {
    return precompiles.has(address);
  }

  /**
   * Takes the precompiled contract away from an address, for simulations.
   *
   * @param to where it is from now on; null for nowhere
   */
  public void movePrecompile(Address from, @Nullable Address to) {
    precompiles = precompiles.moved(from, to);
  }

  /**
   * Executes a transaction and ends it: the state holds its effects, the miner's fee included.
   *
   * @param gasLeft gas that the block has left, unsigned
   * @param tracer follows the execution; null for none
   * @throws InvalidTransactionException when the transaction may not be part of the block; the
   *     state is unchanged then
   */
  public ExecutionResult process(Transaction tx, long gasLeft, Mode mode, @Nullable Tracer tracer)
      throws InvalidTransactionException {
    Address from = fork.includes(Fork.HOMESTEAD) ? tx.sender() : tx.senderBeforeHomestead();
    if (from == null) {
      throw new InvalidTransactionException(Reason.SIGNATURE, "invalid sender: invalid signature");
    }
    AccountEntry sender = state.entry(from);
    if (!rules.allows(tx.type())) {
      throw invalid(Reason.TYPE_NOT_SUPPORTED, "transaction type not supported");
    }
    Deposit deposit = tx.deposit();
    if (deposit != null) {
      return deposit(tx, deposit, from, sender, gasLeft, tracer);
    }
    UInt256 mostFees = mode == Mode.CONSENSUS ? sum(fees(tx, tx.gasLimit())) : UInt256.ZERO;
    long floor = validate(tx, from, sender, gasLeft, mode, mostFees);
    UInt256 price = price(tx, mode);
    start(tx, from, tracer);

    UInt256 blobFee = block.blobBaseFee().multiply(UInt256.of(IntrinsicGas.blobGas(tx)));
    UInt256 prepaid = price.multiply(UInt256.of(tx.gasLimit())).add(blobFee).add(mostFees);
    state.debit(sender, prepaid);
    Frame frame = execute(tx, from, sender, price, tracer);
    ExecutionResult result = result(tx, frame, floor);

    long used = result.gasUsed();
    state.credit(sender, price.multiply(UInt256.of(tx.gasLimit() - used)), fork);
    UInt256 baseFee = block.baseFee();
    UInt256 tip = baseFee == null || price.compareTo(baseFee) < 0 ? price : price.subtract(baseFee);
    if (baseFee != null && price.compareTo(baseFee) < 0) {
      tip = UInt256.ZERO;
    }
    AccountEntry coinbase = state.entry(block.coinbase());
    coinbase.accessed = true;
    state.credit(coinbase, tip.multiply(UInt256.of(used)), fork);
    Address vault = rules.baseFeeRecipient();
    if (vault != null && baseFee != null && mode == Mode.CONSENSUS) {
      state.credit(state.entry(vault), baseFee.multiply(UInt256.of(used)), fork);
    }
    if (!mostFees.isZero()) {
      List<Fee> fees = fees(tx, used);
      state.credit(sender, mostFees.subtract(sum(fees)), fork);
      fees.forEach(fee -> state.credit(state.entry(fee.to()), fee.wei(), fork));
    }
    return end(result, tracer);
  }

  private List<Fee> fees(Transaction tx, long gasUsed) {
    return rules.fees(tx, gasUsed, state::storage);
  }

  private static UInt256 sum(List<Fee> fees) {
    return fees.stream().map(Fee::wei).reduce(UInt256.ZERO, UInt256::add);
  }

  private void start(Transaction tx, Address from, @Nullable Tracer tracer) {
    if (tracer != null) {
      tracer.onTransactionStart(new TracedState(state, block, precompiles), tx, from);
    }
  }

  /** Runs the code of a transaction, with the gas beyond the intrinsic. */
  private Frame execute(
      Transaction tx, Address from, AccountEntry sender, UInt256 price, @Nullable Tracer tracer) {
    Machine machine = new Machine(state, block, precompiles, frames, loop, tracer);
    machine.origin = from;
    machine.gasPrice = price;
    machine.blobHashes = tx.blobVersionedHashes();
    warmUp(tx, sender);

    long nonce = sender.nonce;
    long gas = tx.gasLimit() - IntrinsicGas.of(tx, fork);
    Address to = tx.to();
    state.setNonce(sender, nonce + 1);
    if (to == null) {
      return machine.create(from, nonce, tx.data(), tx.value(), gas);
    }
    for (Authorization authorization : tx.authorizations()) {
      authorize(authorization);
    }
    return machine.call(from, to, tx.data(), tx.value(), gas);
  }

  /** Returns how a transaction ended; its state is not ended yet. */
  private ExecutionResult result(Transaction tx, Frame frame, long floor) {
    long used = tx.gasLimit() - frame.gas;
    long cap = used / (fork.includes(Fork.LONDON) ? 5 : 2);
    long peak = Math.max(used, floor);
    used = Math.max(used - Math.min(cap, state.refund()), floor);
    boolean success = frame.error == null;
    return new ExecutionResult(
        status(frame),
        used,
        peak - used,
        frame.outputBytes(),
        success ? List.copyOf(state.logs()) : List.of(),
        frame.error,
        success && tx.isCreation() ? frame.self.address : null);
  }

  private ExecutionResult end(ExecutionResult result, @Nullable Tracer tracer) {
    state.endTransaction(fork);
    if (tracer != null) {
      tracer.onTransactionEnd(result.gasUsed());
    }
    return result;
  }

  /**
   * Executes a deposit: it mints, costs nothing, and one that cannot be executed is part of its
   * block all the same, failed, with the mint and a nonce more (OP Stack specification, deposits).
   */
  private ExecutionResult deposit(
      Transaction tx,
      Deposit deposit,
      Address from,
      AccountEntry sender,
      long gasLeft,
      @Nullable Tracer tracer)
      throws InvalidTransactionException {
    boolean system = deposit.isSystemTransaction();
    if (system && !rules.chargesDepositGasLimit()) {
      throw invalid(
          Reason.TYPE_NOT_SUPPORTED, "system tx not supported: address " + from.toChecksumString());
    }
    if (!system && Long.compareUnsigned(tx.gasLimit(), gasLeft) > 0) {
      throw invalid(Reason.BLOCK_GAS, "gas limit reached");
    }
    start(tx, from, tracer);
    if (!deposit.mint().isZero()) {
      state.credit(sender, deposit.mint(), fork);
    }
    ExecutionResult result;
    try {
      if (sender.balance.compareTo(tx.value()) < 0) {
        throw invalid(
            Reason.INSUFFICIENT_FUNDS,
            "insufficient funds for transfer: address " + from.toChecksumString());
      }
      long floor = TransactionValidator.checkGas(tx, fork);
      result = result(tx, execute(tx, from, sender, UInt256.ZERO, tracer), floor);
    } catch (InvalidTransactionException failure) {
      String error = "failed deposit: " + failure.getMessage();
      state.setNonce(sender, sender.nonce + 1);
      if (tracer != null) {
        Address to = tx.to() == null ? Address.ZERO : tx.to();
        CallType type = tx.isCreation() ? CallType.CREATE : CallType.CALL;
        tracer.onEnter(0, type, from, to, tx.data(), tx.gasLimit(), tx.value());
        tracer.onExit(0, Bytes.EMPTY, tx.gasLimit(), error, true);
      }
      result =
          new ExecutionResult(Status.HALT, tx.gasLimit(), 0, Bytes.EMPTY, List.of(), error, null);
    }
    if (rules.chargesDepositGasLimit()) {
      result =
          new ExecutionResult(
              result.status(),
              system ? 0 : tx.gasLimit(),
              0,
              result.output(),
              result.logs(),
              result.error(),
              result.contract());
    }
    return end(result, tracer);
  }

  /**
   * Makes a system call (EIP-4788, EIP-2935, EIP-7002, EIP-7251): from the system address, with gas
   * of its own.
   *
   * @return null when there is no code at the address
   */
  public @Nullable ExecutionResult systemCall(Address to, Bytes input) {
    AccountEntry target = state.entry(to);
    target.accessed = true;
    if (!target.hasCode()) {
      return null;
    }
    Machine machine = new Machine(state, block, precompiles, frames, loop, null);
    machine.origin = SYSTEM;
    state.warm(target);
    Frame frame = machine.call(SYSTEM, to, input, UInt256.ZERO, SYSTEM_GAS);
    boolean success = frame.error == null;
    ExecutionResult result =
        new ExecutionResult(
            status(frame),
            SYSTEM_GAS - frame.gas,
            0,
            frame.outputBytes(),
            success ? List.copyOf(state.logs()) : List.of(),
            frame.error,
            null);
    state.endTransaction(fork);
    return result;
  }

  private static Status status(Frame frame) {
    if (frame.error == null) {
      return Status.SUCCESS;
    }
    return Machine.REVERTED.equals(frame.error) ? Status.REVERT : Status.HALT;
  }

  private UInt256 price(Transaction tx, Mode mode) {
    if (mode == Mode.SIMULATION && tx.maxFeePerGas().isZero()) {
      return UInt256.ZERO;
    }
    return tx.effectiveGasPrice(block.baseFee());
  }

  // ---- validity

  private long validate(
      Transaction tx, Address from, AccountEntry sender, long gasLeft, Mode mode, UInt256 mostFees)
      throws InvalidTransactionException {
    TransactionValidator.checkType(tx, fork, block.maxBlobs());
    checkBlobFee(tx);
    boolean simulated = mode == Mode.SIMULATION;
    if (!simulated) {
      TransactionValidator.checkChainId(tx, fork, block.chainId());
      checkNonce(tx, from, sender);
    }
    if (mode == Mode.CONSENSUS) {
      if (sender.hasCode() && !(fork.includes(Fork.PRAGUE) && state.code(sender).isDelegation())) {
        throw invalid(
            Reason.SENDER_NOT_EOA,
            "sender not an eoa: address "
                + from.toChecksumString()
                + ", codehash: "
                + sender.codeHash);
      }
      TransactionValidator.checkGasCap(tx, fork);
    }
    if (Long.compareUnsigned(tx.gasLimit(), gasLeft) > 0) {
      throw invalid(Reason.BLOCK_GAS, "gas limit reached");
    }
    checkFees(tx, from, simulated);
    checkFunds(tx, from, sender, mostFees);
    return TransactionValidator.checkGas(tx, fork);
  }

  private void checkBlobFee(Transaction tx) throws InvalidTransactionException {
    if (tx.type() == TransactionType.BLOB
        && tx.maxFeePerBlobGas().compareTo(block.blobBaseFee()) < 0) {
      throw invalid(
          Reason.BLOB,
          "max fee per blob gas less than block blob gas fee: maxFeePerBlobGas: "
              + tx.maxFeePerBlobGas()
              + ", blobBaseFee: "
              + block.blobBaseFee());
    }
  }

  private static void checkNonce(Transaction tx, Address from, AccountEntry sender)
      throws InvalidTransactionException {
    int order = Long.compareUnsigned(tx.nonce(), sender.nonce);
    if (order == 0 && tx.nonce() != -1L) {
      return;
    }
    String detail =
        ": address "
            + from.toChecksumString()
            + ", tx: "
            + Long.toUnsignedString(tx.nonce())
            + " state: "
            + Long.toUnsignedString(sender.nonce);
    if (order < 0) {
      throw invalid(Reason.NONCE_TOO_LOW, "nonce too low" + detail);
    }
    if (order > 0) {
      throw invalid(Reason.NONCE_TOO_HIGH, "nonce too high" + detail);
    }
    throw invalid(Reason.NONCE_MAX, "nonce has max value" + detail);
  }

  private void checkFees(Transaction tx, Address from, boolean simulated)
      throws InvalidTransactionException {
    UInt256 baseFee = block.baseFee();
    if (baseFee == null) {
      return;
    }
    TransactionValidator.checkTip(tx);
    boolean free = simulated && tx.maxFeePerGas().isZero();
    if (!free && tx.maxFeePerGas().compareTo(baseFee) < 0) {
      throw invalid(
          Reason.FEE_CAP_TOO_LOW,
          "max fee per gas less than block base fee: address "
              + from.toChecksumString()
              + ", maxFeePerGas: "
              + tx.maxFeePerGas()
              + ", baseFee: "
              + baseFee);
    }
  }

  private static void checkFunds(
      Transaction tx, Address from, AccountEntry sender, UInt256 mostFees)
      throws InvalidTransactionException {
    BigInteger cost = IntrinsicGas.maximumCost(tx).add(mostFees.toBigInteger());
    BigInteger have = sender.balance.toBigInteger();
    if (have.compareTo(cost) < 0) {
      throw invalid(
          Reason.INSUFFICIENT_FUNDS,
          "insufficient funds for gas * price + value: address "
              + from.toChecksumString()
              + " have "
              + have
              + " want "
              + cost);
    }
  }

  private static InvalidTransactionException invalid(Reason reason, String message) {
    return new InvalidTransactionException(reason, message);
  }

  // ---- preparation

  private void warmUp(Transaction tx, AccountEntry sender) {
    if (!fork.includes(Fork.BERLIN)) {
      return;
    }
    state.warm(sender);
    Address to = tx.to();
    if (to != null) {
      state.warm(state.entry(to));
    }
    if (fork.includes(Fork.SHANGHAI)) {
      state.warm(state.entry(block.coinbase()));
    }
    for (AccessListEntry item : tx.accessList()) {
      AccountEntry account = state.entry(item.address());
      state.warm(account);
      for (Hash key : item.storageKeys()) {
        UInt256 k = UInt256.ofBytes(key.unsafeArray());
        int at = state.slot(account, k.w0(), k.w1(), k.w2(), k.w3());
        if (!state.isSlotWarm(at)) {
          state.warmSlot(at);
        }
      }
    }
  }

  /** Applies one authorization; one that does not hold is skipped (EIP-7702). */
  private void authorize(Authorization a) {
    if (!a.chainId().isZero() && !a.chainId().equals(block.chainId()) || a.nonce() == -1L) {
      return;
    }
    Address signer = a.authority();
    if (signer == null) {
      return;
    }
    AccountEntry authority = state.entry(signer);
    state.warm(authority);
    authority.accessed = true;
    Code code = state.code(authority);
    if ((code.length > 0 && !code.isDelegation()) || authority.nonce != a.nonce()) {
      return;
    }
    if (authority.exists) {
      state.addRefund(25_000 - 12_500);
    }
    state.setCode(authority, a.address().isZero() ? Bytes.EMPTY : Code.delegation(a.address()));
    state.setNonce(authority, authority.nonce + 1);
  }
}
