// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import static dev.patchbay.evm.RandomWorld.address;
import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.tracing.TraceContext;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.evm.RandomWorld.Outcome;
import dev.patchbay.evm.TransactionProcessor.Loop;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * A tracer of frames and logs is called alike whatever loop runs the code, with the state in the
 * same condition: cold, hot, and where frames change from one loop to the other. {@code
 * -Dfuzz.cases} and {@code -Dfuzz.seed} run other programs than the fixed ones.
 */
class TracesTest {
  private static final int CASES = Integer.getInteger("fuzz.cases", 300);
  private static final long SEED = Long.getLong("fuzz.seed", 1);

  /** How often a case runs with less gas than it uses. */
  private static final int SHORTAGES = 4;

  @Test
  void tracesDoNotDependOnTheLoop() throws Exception {
    Fork[] forks = Fork.values();
    int outOfGas = 0;
    for (int i = 0; i < CASES; i++) {
      Random random = new Random(SEED * 2_000_003 + i);
      Fork fork = random.nextInt(4) == 0 ? forks[random.nextInt(forks.length)] : Fork.OSAKA;
      RandomWorld world = new RandomWorld(random, fork);
      long min = world.minGas();
      long used = world.run(Loop.PER_OPCODE, null).gasUsed();
      for (int shortage = 0; shortage <= SHORTAGES; shortage++) {
        if (shortage > 0) {
          world.limitGas(min + random.nextInt((int) Math.max(1, used - min)));
        }
        Calls expected = new Calls(true);
        Outcome outcome = world.run(Loop.PER_OPCODE, expected);
        outOfGas += expected.hasCallsBeforeOutOfGas() ? 1 : 0;
        String what = "case " + i + "." + shortage;
        for (Loop loop : Loop.values()) {
          check(world, loop, expected, outcome, what);
        }
        world.changeLoops(random);
        check(world, Loop.ADAPTIVE, expected, outcome, what + " with changes");
      }
    }
    System.out.printf("%d traces with calls before a frame was out of gas%n", outOfGas);
    assertThat(outOfGas).isGreaterThanOrEqualTo(CASES / 10);
  }

  /** A touch of RIPEMD-160's address survives the revert of its frame (EIP-161, addendum). */
  @Test
  void whatSurvivesAFrameOutOfGasDoesNotDependOnTheLoop() throws Exception {
    RandomWorld world = new RandomWorld(new Random(SEED), Fork.OSAKA);
    String expandsMemory = "61800051 50";
    String callsRipemd = "5f 5f 5f 5f 5f 6003 6103e8 f1 50";
    String logs = "5f 5f a0".repeat(20); // for these the gas does not suffice
    world.put(address(1), expandsMemory + callsRipemd + logs);
    world.limitGas(world.minGas() + 9_000);
    Calls expected = new Calls(true);
    Outcome outcome = world.run(Loop.PER_OPCODE, expected);
    assertThat(outcome.changes())
        .anyMatch(change -> change.address().equals(RandomWorld.RIPEMD) && !change.exists());
    for (Loop loop : Loop.values()) {
      check(world, loop, expected, outcome, "RIPEMD-160");
    }
  }

  private static void check(
      RandomWorld world, Loop loop, Calls expected, Outcome outcome, String what) throws Exception {
    Calls calls = new Calls(false);
    Outcome found = world.run(loop, calls);
    assertThat(calls.events)
        .as("fuzz.seed %d, %s, %s\n%s", SEED, what, loop, world)
        .isEqualTo(expected.events);
    assertThat(found).as("fuzz.seed %d, %s, %s\n%s", SEED, what, loop, world).isEqualTo(outcome);
  }

  /** Notes every call of a hook, and what the state is then. */
  private static final class Calls implements Tracer {
    private final boolean steps;
    private final List<List<@Nullable Object>> events = new ArrayList<>();
    private @Nullable TraceContext context;

    Calls(boolean steps) {
      this.steps = steps;
    }

    private void note(@Nullable Object... event) {
      events.add(Arrays.asList(event));
    }

    boolean hasCallsBeforeOutOfGas() {
      for (int i = 1; i < events.size(); i++) {
        boolean out =
            "onExit".equals(events.get(i).get(0)) && "out of gas".equals(events.get(i).get(4));
        if (out && "onExit".equals(events.get(i - 1).get(0))) {
          return true;
        }
      }
      return false;
    }

    @Override
    public boolean tracesSteps() {
      return steps;
    }

    @Override
    public void onTransactionStart(TraceContext asked, Transaction transaction, Address from) {
      context = asked;
    }

    @Override
    public void onEnter(
        int depth, CallType type, Address from, Address to, Bytes input, long gas, UInt256 value) {
      note("onEnter", depth, type, from, to, input, gas, value);
      state(from);
      state(to);
    }

    private void state(Address address) {
      TraceContext state = Objects.requireNonNull(context);
      note(state.exists(address), state.balance(address), state.nonce(address));
      note(state.code(address), state.storage(address, UInt256.ONE));
    }

    @Override
    public void onExit(
        int depth, Bytes output, long gasUsed, @Nullable String error, boolean reverted) {
      note("onExit", depth, output, gasUsed, error, reverted);
    }

    @Override
    public void onLog(Log log) {
      note("onLog", log);
    }

    @Override
    public void onTransactionEnd(long gasUsed) {
      note("onTransactionEnd", gasUsed);
    }

    @Override
    public @Nullable Object result() {
      return null;
    }
  }
}
