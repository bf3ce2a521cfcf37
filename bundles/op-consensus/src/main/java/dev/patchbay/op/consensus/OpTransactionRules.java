// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.op.consensus;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.TransactionRules;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What transactions of a rollup may be and cost, by its fork. Threading: any thread. */
final class OpTransactionRules implements TransactionRules {
  private static final Address BASE_FEE_VAULT = predeploy(0x19);
  private static final Address L1_FEE_VAULT = predeploy(0x1a);
  private static final Address OPERATOR_FEE_VAULT = predeploy(0x1b);
  private static final long P256_VERIFY_GAS = 3_450;

  /** Gas for the L1 attributes, with which each block begins; as op-geth. */
  private static final long L1_ATTRIBUTES_GAS = 70_000;

  private static final Map<OpFork, OpTransactionRules> BY_FORK = new EnumMap<>(OpFork.class);

  static {
    for (OpFork fork : OpFork.values()) {
      BY_FORK.put(fork, new OpTransactionRules(fork));
    }
  }

  private final OpFork fork;
  private final Map<Address, Integer> maxPrecompileInputBytes = new HashMap<>();

  /** The last transaction that was measured: its fees are asked for twice. */
  private volatile @Nullable Measured measured;

  private record Measured(Transaction transaction, L1Fee.Data data) {}

  private OpTransactionRules(OpFork fork) {
    this.fork = fork;
    limit(0x08, OpFork.GRANITE, 112_687);
    limit(0x0c, OpFork.ISTHMUS, 513_760);
    limit(0x0e, OpFork.ISTHMUS, 488_448);
    limit(0x0f, OpFork.ISTHMUS, 235_008);
    limit(0x08, OpFork.JOVIAN, 81_984);
    limit(0x0c, OpFork.JOVIAN, 288_960);
    limit(0x0e, OpFork.JOVIAN, 278_784);
    limit(0x0f, OpFork.JOVIAN, 156_672);
    limit(0x08, OpFork.KARST, 57_600);
  }

  private void limit(int precompile, OpFork from, int bytes) {
    if (fork.includes(from)) {
      byte[] address = new byte[20];
      address[19] = (byte) precompile;
      maxPrecompileInputBytes.put(Address.wrap(address), bytes);
    }
  }

  static OpTransactionRules of(OpFork fork) {
    OpTransactionRules rules = BY_FORK.get(fork);
    if (rules == null) {
      throw new IllegalArgumentException("no rules for " + fork);
    }
    return rules;
  }

  /** Returns the address of a contract that a rollup has from the start. */
  static Address predeploy(int number) {
    return Address.fromHex(String.format("0x42%038x", number));
  }

  @Override
  public boolean allows(TransactionType type) {
    return type != TransactionType.BLOB;
  }

  @Override
  public List<Fee> fees(Transaction transaction, long gasUsed, Slots slots) {
    if (transaction.deposit() != null) {
      return List.of();
    }
    L1Block l1 = L1Block.read(slots);
    List<Fee> out = new ArrayList<>(2);
    out.add(new Fee(L1_FEE_VAULT, wei(L1Fee.of(data(transaction), l1, fork))));
    BigInteger operator = L1Fee.operator(gasUsed, l1, fork);
    if (operator.signum() > 0) {
      out.add(new Fee(OPERATOR_FEE_VAULT, wei(operator)));
    }
    return out;
  }

  /** What no account can pay is as good as the most that one can have. */
  private static UInt256 wei(BigInteger fee) {
    return fee.bitLength() > 255 ? UInt256.of(BigInteger.ONE.shiftLeft(255)) : UInt256.of(fee);
  }

  private L1Fee.Data data(Transaction transaction) {
    Measured last = measured;
    if (last == null || last.transaction != transaction) {
      last = new Measured(transaction, L1Fee.Data.of(transaction.encode()));
      measured = last;
    }
    return last.data;
  }

  @Override
  public long maxPoolGas(long blockGasLimit) {
    return Math.max(0, blockGasLimit - L1_ATTRIBUTES_GAS);
  }

  @Override
  public Address baseFeeRecipient() {
    return BASE_FEE_VAULT;
  }

  @Override
  public boolean chargesDepositGasLimit() {
    return !fork.includes(OpFork.REGOLITH);
  }

  @Override
  public boolean hasDepositNonce() {
    return fork.includes(OpFork.REGOLITH);
  }

  @Override
  public @Nullable Long depositReceiptVersion() {
    return fork.includes(OpFork.CANYON) ? (Long) 1L : null;
  }

  @Override
  public long blobGas(Transaction transaction, @Nullable Transaction first)
      throws InvalidTransactionException {
    boolean counts = fork.includes(OpFork.JOVIAN) && transaction.deposit() == null;
    if (!counts || first == null) {
      return 0;
    }
    Integer scalar = first.deposit() == null ? null : L1Block.daFootprintGasScalar(first.data());
    if (scalar == null) {
      throw new InvalidTransactionException(
          InvalidTransactionException.Reason.BLOB,
          "the block does not begin with L1 attributes of Jovian: it can hold deposits alone");
    }
    return data(transaction).bytes() * scalar;
  }

  @Override
  public Map<Address, Integer> maxPrecompileInputBytes() {
    return maxPrecompileInputBytes;
  }

  @Override
  public @Nullable Long p256VerifyGas() {
    return fork.includes(OpFork.FJORD) ? (Long) P256_VERIFY_GAS : null;
  }
}
