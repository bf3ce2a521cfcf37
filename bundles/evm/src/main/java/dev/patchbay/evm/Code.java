// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Code with its valid jump destinations, analyzed once, and its register form once it is hot.
 *
 * <p>Any number of threads may run it. The count of its jumps is not exact then, and need not be.
 */
final class Code {
  static final Code EMPTY = new Code(Bytes.EMPTY);

  /** Every read of a PUSH operand stays inside of the padded array. */
  private static final int PADDING = 33;

  /** Longer code, which only init code can be, stays in the per-opcode loop. */
  private static final int MAX_COMPILED = 1 << 16;

  /** Of a class, and of its methods once the JIT compiler has made machine code of them. */
  private static final int BYTECODE_OVERHEAD = 16 << 10;

  private static final int BYTECODE_BYTES_PER_WORD = 100;

  private static final byte[] DELEGATION_PREFIX = {(byte) 0xef, 0x01, 0x00};

  final Bytes bytes;
  final byte[] padded;
  final int length;
  private final long[] jumpDestinations;
  private final Hash hash;

  /** Jumps and calls that the per-opcode loop may still run before the code is compiled. */
  private int patience;

  private volatile @Nullable RegisterCode registers;

  Code(Bytes bytes) {
    this(bytes, bytes.keccak());
  }

  Code(Bytes bytes, Hash hash) {
    this.bytes = bytes;
    this.hash = hash;
    this.length = bytes.size();
    this.patience = initialPatience();
    this.padded = Arrays.copyOf(bytes.unsafeArray(), length + PADDING);
    this.jumpDestinations = new long[(length >> 6) + 1];
    for (int pc = 0; pc < length; pc++) {
      int op = padded[pc] & 0xff;
      if (op == Opcodes.JUMPDEST) {
        jumpDestinations[pc >> 6] |= 1L << pc;
      } else if (op >= Opcodes.PUSH1 && op <= Opcodes.PUSH32) {
        pc += op - Opcodes.PUSH1 + 1;
      }
    }
  }

  Hash hash() {
    return hash;
  }

  boolean isJumpDestination(long pc) {
    return pc >= 0 && pc < length && (jumpDestinations[(int) pc >> 6] & (1L << pc)) != 0;
  }

  /** Returns the bit map of the jump destinations of 64 bytes of code. */
  long jumpDestinations(int word) {
    return jumpDestinations[word];
  }

  int jumpDestinationCount() {
    int count = 0;
    for (long word : jumpDestinations) {
      count += Long.bitCount(word);
    }
    return count;
  }

  /**
   * Compiling takes about as long as running this many blocks one opcode at a time: code that costs
   * the compiler much has to have run for as long, so nobody gains by making it compile.
   */
  private int initialPatience() {
    return length > MAX_COMPILED ? Integer.MAX_VALUE : 16 + length / 4;
  }

  /** Counts a jump or a call in the per-opcode loop; returns whether the code is hot now. */
  boolean heat() {
    return --patience < 0;
  }

  /** Returns the register form, null when there is none for these prices. */
  @Nullable RegisterCode registers(GasSchedule schedule) {
    RegisterCode compiled = registers;
    return compiled != null && compiled.schedule == schedule ? compiled : null;
  }

  /** Returns about how many bytes of memory the bytecode takes, with what the JVM makes of it. */
  int bytecodeSize() {
    RegisterCode compiled = registers;
    return compiled == null || compiled.bytecode() == null
        ? 0
        : BYTECODE_OVERHEAD + BYTECODE_BYTES_PER_WORD * compiled.instructions.length;
  }

  /** Makes the register form. */
  RegisterCode compile(GasSchedule schedule) {
    RegisterCode compiled = RegisterCompiler.compile(this, schedule);
    if (hash == Hash.ZERO) {
      compiled.patience = Long.MAX_VALUE; // code of a creation runs once
    }
    registers = compiled;
    patience = initialPatience();
    return compiled;
  }

  /** Returns whether this is a delegation designator (EIP-7702): 0xef0100 and an address. */
  boolean isDelegation() {
    return length == 23 && Arrays.equals(padded, 0, 3, DELEGATION_PREFIX, 0, 3);
  }

  static Bytes delegation(dev.patchbay.primitives.Address target) {
    byte[] out = Arrays.copyOf(DELEGATION_PREFIX, 23);
    System.arraycopy(target.unsafeArray(), 0, out, 3, 20);
    return Bytes.wrap(out);
  }
}
