// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CodeCacheTest {
  private static final int CODES = 60;
  private static final int LENGTH = 2_000;
  private static final long BUDGET = 2L << 20;

  /** Classes of hot code are made again and again, and those that the budget drops are unloaded. */
  @Test
  void bytecodeStaysInTheBudget() {
    GasSchedule schedule = GasSchedule.of(Fork.OSAKA);
    Codes base = new Codes();
    CodeCache cache = new CodeCache(BUDGET);
    List<WeakReference<Class<?>>> classes = new ArrayList<>();
    int size = 0;
    for (int i = 0; i < CODES; i++) {
      Code code = cache.get(base.add(i), base);
      RegisterCode registers = code.compile(schedule);
      registers.compile(BytecodeCompiler.CHUNK_BYTES);
      cache.hasGrown(code);
      size = code.bytecodeSize();
      classes.add(new WeakReference<>(Objects.requireNonNull(registers.bytecode()).getClass()));
    }
    assertThat(BUDGET / size).as("codes in the budget").isBetween(2L, CODES / 3L);
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (loaded(classes) > BUDGET / size && System.nanoTime() < limit) {
      System.gc();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
    assertThat(loaded(classes)).as("classes loaded").isBetween(1L, BUDGET / size);
    long kept =
        base.codes.keySet().stream()
            .filter(hash -> cache.get(hash, base).bytecodeSize() > 0)
            .count();
    assertThat(kept).as("codes with bytecode").isPositive();
  }

  private static long loaded(List<WeakReference<Class<?>>> classes) {
    return classes.stream().filter(type -> type.get() != null).count();
  }

  private static final class Codes implements StateBase {
    private final Map<Hash, Bytes> codes = new HashMap<>();

    /** Adds code that differs from all others. */
    Hash add(int number) {
      byte[] code = new byte[LENGTH];
      for (int i = 0; i + 5 < LENGTH; i += 5) { // PUSH2 number, ADD, JUMPDEST
        code[i] = 0x61;
        code[i + 1] = (byte) (number >> 8);
        code[i + 2] = (byte) number;
        code[i + 3] = 0x01;
        code[i + 4] = 0x5b;
      }
      Bytes bytes = Bytes.wrap(code);
      codes.put(bytes.keccak(), bytes);
      return bytes.keccak();
    }

    @Override
    public @Nullable Account account(Address address) {
      return null;
    }

    @Override
    public UInt256 storage(Address address, UInt256 key) {
      return UInt256.ZERO;
    }

    @Override
    public Bytes code(Hash codeHash) {
      return codes.getOrDefault(codeHash, Bytes.EMPTY);
    }
  }
}
