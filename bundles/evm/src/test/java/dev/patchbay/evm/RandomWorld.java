// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.evm.TransactionProcessor.Loop;
import dev.patchbay.evm.TransactionProcessor.Mode;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.IntrinsicGas;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.StateChanges.AccountChange;
import dev.patchbay.primitives.execution.TransactionRules;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Three contracts of random code, one that delegates to the first (EIP-7702), and a call of the
 * first or a creation. Notes what is read.
 */
final class RandomWorld implements StateBase {
  private static final Address SENDER = address(0xaa);
  private static final Address COINBASE = address(0xcb);

  /** Exists and is empty: a touch of it survives a revert (EIP-161, addendum). */
  static final Address RIPEMD = Address.fromHex("0x0000000000000000000000000000000000000003");

  private final Map<Address, Account> accounts = new HashMap<>();
  private final Map<Hash, Bytes> byHash = new HashMap<>();
  private final CodeCache codes = new CodeCache(1 << 20);
  private final List<Object> reads = new ArrayList<>();
  private final Fork fork;
  private final Transaction.Builder call;

  RandomWorld(Random random, Fork fork) {
    this.fork = fork;
    for (int contract = 1; contract <= 3; contract++) {
      put(address(contract), new RandomProgram(random).bytes());
    }
    accounts.put(RIPEMD, new Account(0, UInt256.ZERO, Account.EMPTY_ROOT, Account.EMPTY_CODE));
    put(address(4), Code.delegation(address(1)).toArray());
    accounts.put(
        SENDER, new Account(0, UInt256.of(1L << 60), Account.EMPTY_ROOT, Account.EMPTY_CODE));
    call =
        Transaction.builder(TransactionType.LEGACY)
            .to(random.nextInt(10) == 0 ? null : address(1))
            .data(
                random.nextInt(10) == 0
                    ? Bytes.wrap(new RandomProgram(random).bytes())
                    : bytes(random))
            .gasLimit(150_000 + random.nextInt(random.nextBoolean() ? 60_000 : 1_000_000))
            .value(UInt256.of(random.nextInt(2)))
            .sender(SENDER);
  }

  /** Returns the least gas limit of the call. */
  long minGas() {
    Transaction transaction = call.build();
    return Math.max(IntrinsicGas.of(transaction, fork), IntrinsicGas.floor(transaction, fork));
  }

  /** Sets the gas limit of the call. */
  void limitGas(long gas) {
    call.gasLimit(gas);
  }

  static Address address(int last) {
    byte[] b = new byte[20];
    b[0] = 0x10;
    b[19] = (byte) last;
    return Address.wrap(b);
  }

  private static Bytes bytes(Random random) {
    byte[] b = new byte[random.nextInt(100)];
    random.nextBytes(b);
    return Bytes.wrap(b);
  }

  /** What a transaction did, and in which order it read accounts and slots of the state before. */
  record Outcome(
      ExecutionResult.Status status,
      long gasUsed,
      long refunded,
      Bytes output,
      List<Log> logs,
      @Nullable String error,
      @Nullable Address contract,
      Set<AccountChange> changes,
      @Nullable Bytes accessList,
      List<Object> reads) {}

  Outcome run(Loop loop, @Nullable Tracer tracer) throws InvalidTransactionException {
    reads.clear();
    EvmState state = new EvmState(this, codes);
    BlockContext block =
        new BlockContext(
            fork,
            UInt256.of(1),
            COINBASE,
            1000,
            1_700_000_000,
            30_000_000,
            UInt256.of(7),
            Hash.keccak(new byte[] {1}),
            fork.includes(Fork.LONDON) ? UInt256.of(7) : null,
            UInt256.ONE,
            123_456,
            6,
            number -> Hash.keccak(new byte[] {(byte) number}),
            TransactionRules.ETHEREUM);
    ExecutionResult result =
        new TransactionProcessor(state, block, loop)
            .process(call.build(), 30_000_000, Mode.SIMULATION, tracer);
    return new Outcome(
        result.status(),
        result.gasUsed(),
        result.gasRefunded(),
        result.output(),
        result.logs(),
        result.error(),
        result.contract(),
        new HashSet<>(state.changes().accounts()),
        state.accessList(),
        List.copyOf(reads));
  }

  void put(Address address, String hex) {
    put(address, Bytes.fromHex("0x" + hex.replace(" ", "")).toArray());
  }

  private void put(Address address, byte[] code) {
    Bytes bytes = Bytes.wrap(code);
    byHash.put(bytes.keccak(), bytes);
    accounts.put(address, new Account(1, UInt256.of(1000), Hash.ZERO, bytes.keccak()));
  }

  /** Lets code become hot while it runs, and its bytecode lack some blocks. */
  void changeLoops(Random random) {
    GasSchedule schedule = GasSchedule.of(fork);
    for (Hash hash : byHash.keySet()) {
      RegisterCode registers = codes.get(hash, this).compile(schedule);
      if (random.nextBoolean()) {
        registers.compile(150 + random.nextInt(1_000));
      } else {
        registers.patience = random.nextInt(30);
      }
    }
  }

  @Override
  public @Nullable Account account(Address address) {
    reads.add(address);
    return accounts.get(address);
  }

  @Override
  public UInt256 storage(Address address, UInt256 key) {
    reads.add(List.of(address, key));
    return (key.w0() & 1) == 0 ? UInt256.ZERO : UInt256.of(5);
  }

  @Override
  public Bytes code(Hash codeHash) {
    return byHash.getOrDefault(codeHash, Bytes.EMPTY);
  }

  @Override
  public String toString() {
    StringBuilder out = new StringBuilder(fork + "\n");
    for (int contract = 1; contract <= 3; contract++) {
      Account account = accounts.get(address(contract));
      out.append(contract)
          .append(": ")
          .append(account == null ? "" : code(account.codeHash()))
          .append('\n');
    }
    return out.toString();
  }
}
