// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.util.Arrays;

/** Code with its valid jump destinations, analysed once. */
final class Code {
  static final Code EMPTY = new Code(Bytes.EMPTY);

  /** Every read of a PUSH operand stays inside of the padded array. */
  private static final int PADDING = 33;

  private static final byte[] DELEGATION_PREFIX = {(byte) 0xef, 0x01, 0x00};

  final Bytes bytes;
  final byte[] padded;
  final int length;
  private final long[] jumpDestinations;
  private final Hash hash;

  Code(Bytes bytes) {
    this(bytes, bytes.keccak());
  }

  Code(Bytes bytes, Hash hash) {
    this.bytes = bytes;
    this.hash = hash;
    this.length = bytes.size();
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
