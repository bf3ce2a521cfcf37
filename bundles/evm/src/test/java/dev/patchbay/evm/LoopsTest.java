// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.tracing.Step;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.evm.TransactionProcessor.Loop;
import dev.patchbay.evm.TransactionProcessor.Mode;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.StateChanges.AccountChange;
import dev.patchbay.primitives.execution.TransactionRules;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Random and mutated programs give the same gas, result, logs, state and block access list in the
 * per-opcode loop, in the register form, in bytecode, and where frames change from one to the
 * other. {@code -Dfuzz.cases} and {@code -Dfuzz.seed} run other programs than the fixed ones.
 */
class LoopsTest {
  private static final int CASES = Integer.getInteger("fuzz.cases", 10_000);
  private static final long SEED = Long.getLong("fuzz.seed", 1);

  private static final Address SENDER = address(0xaa);
  private static final Address COINBASE = address(0xcb);

  private static Address address(int last) {
    byte[] b = new byte[20];
    b[0] = 0x10;
    b[19] = (byte) last;
    return Address.wrap(b);
  }

  /** What a transaction did; of the errors, which of several reasons was found first may differ. */
  private record Outcome(
      ExecutionResult.Status status,
      long gasUsed,
      long refunded,
      Bytes output,
      List<dev.patchbay.primitives.Log> logs,
      @Nullable Address contract,
      Set<AccountChange> changes,
      @Nullable Bytes accessList) {}

  @Test
  void theLoopsAgree() throws Exception {
    long[] executed = new long[256];
    int[] ends = new int[3];
    Fork[] forks = Fork.values();
    for (int i = 0; i < CASES; i++) {
      long seed = SEED * 1_000_003 + i;
      Random random = new Random(seed);
      Fork fork =
          switch (random.nextInt(3)) {
            case 0 -> forks[random.nextInt(forks.length)];
            case 1 -> Fork.OSAKA; // from Amsterdam on, an access ends a block of the register form
            default -> Fork.AMSTERDAM;
          };
      World world = new World();
      for (int contract = 1; contract <= 3; contract++) {
        world.put(address(contract), new Program(random).bytes());
      }
      world.accounts.put(
          SENDER, new Account(0, UInt256.of(1L << 60), Account.EMPTY_ROOT, Account.EMPTY_CODE));
      Transaction call =
          Transaction.builder(TransactionType.LEGACY)
              .to(random.nextInt(10) == 0 ? null : address(1))
              .data(
                  random.nextInt(10) == 0
                      ? Bytes.wrap(new Program(random).bytes())
                      : bytes(random, 100))
              .gasLimit(150_000 + random.nextInt(random.nextBoolean() ? 60_000 : 1_000_000))
              .value(UInt256.of(random.nextInt(2)))
              .sender(SENDER)
              .build();
      Outcome expected = run(world, call, fork, Loop.PER_OPCODE, new Counter(executed));
      ends[expected.status.ordinal()]++;
      for (Loop loop : Loop.values()) {
        assertThat(run(world, call, fork, loop, null))
            .as("fuzz.seed %d, case %d, %s, %s\n%s", SEED, i, fork, loop, world)
            .isEqualTo(expected);
      }
      world.changeLoops(GasSchedule.of(fork), random);
      assertThat(run(world, call, fork, Loop.ADAPTIVE, null))
          .as("fuzz.seed %d, case %d, %s, changes of loops\n%s", SEED, i, fork, world)
          .isEqualTo(expected);
    }
    GasSchedule latest = GasSchedule.of(Fork.AMSTERDAM);
    for (int op = 0; op < 256; op++) {
      if (latest.cost[op] >= 0 && op != 0xfe) {
        assertThat(executed[op]).as("runs of " + Opcodes.nameOf(op)).isPositive();
      }
    }
    System.out.printf("%d successes, %d reverts, %d halts%n", ends[0], ends[1], ends[2]);
    for (int count : ends) {
      assertThat(count).as("successes, reverts or halts").isGreaterThan(CASES / 50);
    }
  }

  private static Outcome run(
      World world, Transaction call, Fork fork, Loop loop, @Nullable Tracer tracer)
      throws Exception {
    EvmState state = new EvmState(world, world.codes);
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
            .process(call, 30_000_000, Mode.SIMULATION, tracer);
    return new Outcome(
        result.status(),
        result.gasUsed(),
        result.gasRefunded(),
        result.output(),
        result.logs(),
        result.contract(),
        new HashSet<>(state.changes().accounts()),
        state.accessList());
  }

  private static Bytes bytes(Random random, int most) {
    byte[] b = new byte[random.nextInt(most)];
    random.nextBytes(b);
    return Bytes.wrap(b);
  }

  /** Counts the instructions that are run. */
  private record Counter(long[] executed) implements Tracer {
    @Override
    public boolean tracesSteps() {
      return true;
    }

    @Override
    public void onStep(Step step) {
      executed[step.opcode()]++;
    }

    @Override
    public @Nullable Object result() {
      return null;
    }
  }

  /** Accounts in memory. */
  private static final class World implements StateBase {
    private final Map<Address, Account> accounts = new HashMap<>();
    private final Map<Hash, Bytes> byHash = new HashMap<>();
    private final CodeCache codes = new CodeCache(1 << 20);

    void put(Address address, byte[] code) {
      Bytes bytes = Bytes.wrap(code);
      byHash.put(bytes.keccak(), bytes);
      accounts.put(address, new Account(1, UInt256.of(1000), Hash.ZERO, bytes.keccak()));
    }

    /** Lets code become hot while it runs, and its bytecode lack some blocks. */
    void changeLoops(GasSchedule schedule, Random random) {
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
      return accounts.get(address);
    }

    @Override
    public UInt256 storage(Address address, UInt256 key) {
      return (key.w0() & 1) == 0 ? UInt256.ZERO : UInt256.of(5);
    }

    @Override
    public Bytes code(Hash codeHash) {
      return byHash.getOrDefault(codeHash, Bytes.EMPTY);
    }

    @Override
    public String toString() {
      StringBuilder out = new StringBuilder();
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

  /** A program that mostly makes sense: operands are there, jumps hit, loops end by their gas. */
  private static final class Program {
    private static final int[] QUERIES = {0x31, 0x3b, 0x3f, 0x40, 0x49};
    private static final int[] WORDS = {
      0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3a, 0x3d, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47,
      0x48, 0x4a, 0x4b, 0x58, 0x59, 0x5a, 0x5a, 0x5f
    };
    private static final int[] ARITHMETIC = {
      0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0a, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16,
      0x17, 0x18, 0x1a, 0x1b, 0x1c, 0x1d
    };
    private static final int[] CALLS = {0xf1, 0xf2, 0xf4, 0xfa};

    private final Random random;
    private final byte[] code = new byte[4096];
    private int size;
    private final int[] labels = new int[64];
    private int labelCount;
    private final int[] jumps = new int[512];
    private int jumpCount;

    Program(Random random) {
      this.random = random;
      for (int i = random.nextInt(20); i > 0; i--) {
        push(random.nextInt(500)); // so that few programs end by an empty stack
      }
      int gadgets = 5 + random.nextInt(60);
      for (int i = 0; i < gadgets; i++) {
        gadget();
      }
      end();
      for (int i = 0; i < jumpCount; i++) {
        int target =
            labelCount == 0 || random.nextInt(12) == 0
                ? random.nextInt(size + 2)
                : labels[random.nextInt(labelCount)];
        code[jumps[i]] = (byte) (target >> 8);
        code[jumps[i] + 1] = (byte) target;
      }
      if (random.nextInt(4) == 0) {
        for (int i = random.nextInt(3); i >= 0; i--) {
          code[random.nextInt(size)] = (byte) random.nextInt(256);
        }
      }
    }

    byte[] bytes() {
      return java.util.Arrays.copyOf(code, size);
    }

    private void add(int op) {
      code[size++] = (byte) op;
    }

    private int any(int[] ops) {
      return ops[random.nextInt(ops.length)];
    }

    private void push(long value) {
      int bytes = Math.max(1, (71 - Long.numberOfLeadingZeros(value)) / 8);
      add(0x5f + bytes);
      for (int i = bytes - 1; i >= 0; i--) {
        add((int) (value >>> (8 * i)));
      }
    }

    private void pushAny() {
      switch (random.nextInt(6)) {
        case 0 -> push(random.nextInt(4));
        case 1 -> push(random.nextInt(300));
        case 2 -> push(random.nextLong());
        case 3 -> {
          int bytes = 1 + random.nextInt(32);
          add(0x5f + bytes);
          for (int i = 0; i < bytes; i++) {
            add(random.nextInt(3) == 0 ? 0xff : random.nextInt(256));
          }
        }
        case 4 -> add(any(WORDS));
        default -> add(0x80 + random.nextInt(4));
      }
    }

    private void pushTarget() {
      add(0x61);
      jumps[jumpCount++] = size;
      size += 2;
    }

    private void offsetAndLength() {
      push(random.nextInt(100));
      push(random.nextInt(300));
    }

    private void gadget() {
      switch (random.nextInt(24)) {
        case 0, 1, 2 -> pushAny();
        case 3, 4 -> {
          pushAny();
          pushAny();
          add(any(ARITHMETIC));
        }
        case 5 -> add(any(ARITHMETIC));
        case 6 -> add(0x80 + random.nextInt(random.nextInt(4) == 0 ? 16 : 4));
        case 7 -> add(0x90 + random.nextInt(random.nextInt(4) == 0 ? 16 : 4));
        case 8 -> add(random.nextBoolean() ? 0x50 : random.nextBoolean() ? 0x15 : 0x19);
        case 9 -> {
          pushAny();
          pushAny();
          pushAny();
          add(0x08 + random.nextInt(2));
        }
        case 10 -> {
          pushAny();
          push(random.nextInt(500));
          add(0x51 + random.nextInt(3));
        }
        case 11 -> {
          pushAny();
          push(random.nextInt(3));
          add(random.nextBoolean() ? 0x55 : 0x5d);
        }
        case 12 -> {
          push(random.nextInt(3));
          add(random.nextBoolean() ? 0x54 : 0x5c);
        }
        case 13 -> {
          offsetAndLength();
          add(0x20);
        }
        case 14, 15 -> {
          if (labelCount < labels.length) {
            labels[labelCount++] = size;
          }
          add(0x5b);
        }
        case 16, 17 -> {
          switch (random.nextInt(5)) {
            case 0 -> pushAny();
            case 1 -> {
              pushAny();
              pushAny();
              add(0x10 + random.nextInt(5));
            }
            case 2 -> {
              pushAny();
              add(0x10 + random.nextInt(5));
              add(0x15);
            }
            case 3 -> add(0x15);
            default -> add(0x5a);
          }
          pushTarget();
          if (random.nextInt(8) == 0) {
            add(0x80);
            add(0x50);
            push(1);
            add(0x02); // no longer a constant for who does not fold
          }
          add(0x57);
        }
        case 18 -> {
          if (random.nextInt(4) == 0) {
            pushTarget();
            add(0x56);
          } else {
            pushAny();
            add(0x1e);
          }
        }
        case 19 -> call();
        case 20 -> {
          int topics = random.nextInt(5);
          for (int i = 0; i < topics; i++) {
            pushAny();
          }
          offsetAndLength();
          add(0xa0 + topics);
        }
        case 21 -> {
          if (random.nextBoolean()) {
            push(random.nextBoolean() ? 1 + random.nextInt(9) : random.nextInt(300));
          } else {
            pushAddress();
          }
          add(any(QUERIES));
        }
        case 22 -> copy();
        default -> create();
      }
    }

    private void copy() {
      push(random.nextInt(random.nextInt(5) == 0 ? 3000 : 40));
      push(random.nextInt(60));
      push(random.nextInt(200));
      switch (random.nextInt(5)) {
        case 0 -> add(0x37);
        case 1 -> add(0x39);
        case 2 -> {
          pushAddress();
          add(0x3c);
        }
        case 3 -> add(0x5e);
        default -> {
          add(0x50);
          add(0x50);
          add(0x50);
          add(0x3d);
          push(0);
          push(random.nextInt(64));
          add(0x3e);
        }
      }
      if (random.nextInt(3) == 0) {
        push(random.nextInt(100));
        add(0x35);
      }
    }

    private void pushAddress() {
      int kind = random.nextInt(8);
      if (kind < 5) {
        Address target = address(kind == 4 ? 0x77 : 1 + random.nextInt(3));
        add(0x73);
        for (byte b : target.unsafeArray()) {
          add(b);
        }
      } else {
        push(1 + random.nextInt(5));
      }
    }

    private void call() {
      int op = any(CALLS);
      offsetAndLength();
      offsetAndLength();
      if (op == 0xf1 || op == 0xf2) {
        push(random.nextInt(3) == 0 ? random.nextInt(3) : 0);
      }
      pushAddress();
      switch (random.nextInt(3)) {
        case 0 -> push(random.nextInt(20_000));
        case 1 -> push(-1L);
        default -> add(0x5a);
      }
      add(op);
    }

    private void create() {
      if (random.nextInt(3) != 0) {
        pushAny();
        return;
      }
      int op = random.nextBoolean() ? 0xf0 : 0xf5;
      push(random.nextInt(60));
      push(0);
      push(0);
      add(0x39); // its own code, cut
      if (op == 0xf5) {
        push(random.nextInt(3));
      }
      push(random.nextInt(60));
      push(0);
      push(random.nextInt(2));
      add(op);
    }

    private void end() {
      switch (random.nextInt(10)) {
        case 0 -> add(0xfe);
        case 1 -> {
          pushAddress();
          add(0xff);
        }
        case 2, 3 -> {
          offsetAndLength();
          add(0xfd);
        }
        case 4, 5 -> {
          offsetAndLength();
          add(0xf3);
        }
        case 6 -> {
          pushTarget();
          add(0x56);
        }
        default -> add(0x00);
      }
    }
  }
}
