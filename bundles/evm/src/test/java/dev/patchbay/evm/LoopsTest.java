// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.tracing.Step;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.evm.RandomWorld.Outcome;
import dev.patchbay.evm.TransactionProcessor.Loop;
import dev.patchbay.primitives.Fork;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Random and mutated programs give the same gas, result, error, logs, state, reads and block access
 * list in the per-opcode loop, in the register form, in bytecode, and where frames change from one
 * to the other. {@code -Dfuzz.cases} and {@code -Dfuzz.seed} run other programs than the fixed
 * ones.
 */
class LoopsTest {
  private static final int CASES = Integer.getInteger("fuzz.cases", 10_000);
  private static final long SEED = Long.getLong("fuzz.seed", 1);

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
            case 1 -> Fork.OSAKA;
            default -> Fork.AMSTERDAM; // has block access lists
          };
      RandomWorld world = new RandomWorld(random, fork);
      Outcome expected = world.run(Loop.PER_OPCODE, new Counter(executed));
      ends[expected.status().ordinal()]++;
      for (Loop loop : Loop.values()) {
        assertThat(world.run(loop, null))
            .as("fuzz.seed %d, case %d, %s\n%s", SEED, i, loop, world)
            .isEqualTo(expected);
      }
      world.changeLoops(random);
      assertThat(world.run(Loop.ADAPTIVE, null))
          .as("fuzz.seed %d, case %d, changes of loops\n%s", SEED, i, world)
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
}
