// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Code in register form: basic blocks of three-address instructions whose operands are places in
 * the stack array. PUSH, DUP, SWAP and POP are gone; gas and stack bounds are checked once a block.
 *
 * <p>An instruction is one word: the operation in bits 0 to 7, the destination in bits 8 to 23, two
 * operands in bits 24 to 39 and 40 to 55, a small number in bits 56 to 63. Places are signed
 * offsets in longs from the height of the stack at the block's start. A block starts with its
 * position in the code, and a word with its static gas (bits 0 to 31), the longs of stack that it
 * needs (32 to 47) and the most by which it grows the stack (48 to 63).
 *
 * <p>Any number of threads may run it. Only the count of blocks changes, which need not be exact,
 * and once the bytecode.
 */
final class RegisterCode {
  // d = a op b
  static final int ADD = 1;
  static final int SUB = 2;
  static final int MUL = 3;
  static final int DIV = 4;
  static final int SDIV = 5;
  static final int MOD = 6;
  static final int SMOD = 7;
  static final int LT = 8;
  static final int SLT = 9;
  static final int EQ = 10;
  static final int AND = 11;
  static final int OR = 12;
  static final int XOR = 13;
  static final int BYTE = 14;
  static final int SHL = 15;
  static final int SHR = 16;
  static final int SAR = 17;
  static final int SIGNEXTEND = 18;
  static final int EXP = 19;
  // d = a op (small constant in the next word); GTK: constant < a
  static final int ADDK = 20;
  static final int SUBK = 21;
  static final int EQK = 22;
  static final int ANDK = 23;
  static final int LTK = 24;
  static final int GTK = 25;
  static final int SHLK = 26;
  static final int SHRK = 27;
  // d = op a
  static final int ISZERO = 28;
  static final int NOT = 29;
  static final int CLZ = 30;
  static final int COPY = 31;
  // d = constant: four limbs at an index in the next word, or the next word itself
  static final int CONSTANT = 32;
  static final int SMALL = 33;
  // d = (a, b, place in the next word)
  static final int ADDMOD = 34;
  static final int MULMOD = 35;
  // memory; K: offset in the next word
  static final int MLOAD = 36;
  static final int MLOADK = 37;
  static final int MSTORE = 38;
  static final int MSTOREK = 39;
  static final int MSTORE8 = 40;
  static final int MCOPY = 41;
  static final int KECCAK = 42;
  // the EVM's opcode in the small number
  static final int ENVIRONMENT = 43;
  static final int QUERY = 44;
  static final int DATA_COPY = 45;
  static final int EXTCODECOPY = 46;
  static final int CALLDATALOAD = 47;
  // gas that the block has paid for what follows, in the next word
  static final int GAS = 48;
  static final int SSTORE = 49;
  static final int SLOAD = 50;
  static final int TLOAD = 51;
  static final int TSTORE = 52;
  static final int LOG = 53;
  // calls and creations: the EVM's opcode, as GAS; operands below place d, height after it a
  static final int CALL = 54;
  // ends of blocks; d is the height after it, the next word the block that is jumped to
  static final int FALL = 55;
  static final int JUMP = 56;
  static final int JUMP_TO = 57;
  static final int JNZ = 58;
  static final int JZ = 59;
  static final int JLT = 60;
  static final int JGE = 61;
  static final int JEQ = 62;
  static final int JNE = 63;
  static final int JNZ_TO = 64;
  static final int STOP = 65;
  static final int RETURN = 66;
  static final int REVERT = 67;
  static final int SELFDESTRUCT = 68;
  static final int UNDEFINED = 69;
  static final int BAD_JUMP = 70;

  // Making bytecode takes as long as running some 70,000 blocks, and 150 a word of the code; the
  // JIT compiler's threads then take a few times that.
  private static final long BLOCKS_BEFORE_BYTECODE = 400_000;
  private static final long BLOCKS_PER_WORD = 400;

  /** Where the first block's header stands. */
  static final int START = 1;

  final GasSchedule schedule;
  final long[] instructions;
  final long[] constants;
  private final Code code;

  /** Jump destinations before each 64 bytes of code, and the block of each jump destination. */
  private final int[] ranks;

  private final int[] blocks;

  /** Blocks that the interpreter may still run before this is compiled to bytecode. */
  long patience;

  /** The same as bytecode, once it was hot enough. */
  private volatile @Nullable CompiledCode bytecode;

  RegisterCode(
      GasSchedule schedule,
      long[] instructions,
      long[] constants,
      Code code,
      int[] ranks,
      int[] blocks) {
    this.schedule = schedule;
    this.instructions = instructions;
    this.constants = constants;
    this.code = code;
    this.ranks = ranks;
    this.blocks = blocks;
    this.patience = BLOCKS_BEFORE_BYTECODE + BLOCKS_PER_WORD * instructions.length;
  }

  /** Returns whether the word after an operation belongs to it. */
  static boolean hasOperand(int op) {
    return (op >= ADDK && op <= SHRK)
        || (op >= CONSTANT && op <= MULMOD)
        || (op >= JNZ && op <= JNE)
        || switch (op) {
          case MLOADK, MSTOREK, MCOPY, DATA_COPY, GAS, SSTORE, CALL, JUMP -> true;
          default -> false;
        };
  }

  /** Returns whether a block ends with an operation. */
  static boolean isEnd(int op) {
    return op >= FALL;
  }

  /** Returns whether the next block may follow an operation. */
  static boolean fallsThrough(int op) {
    return op == FALL || (op >= JNZ && op <= JNZ_TO);
  }

  @Nullable CompiledCode bytecode() {
    return bytecode;
  }

  /** Makes the bytecode, in methods of a size. */
  void compile(int chunkBytes) {
    bytecode = BytecodeCompiler.compile(this, chunkBytes);
  }

  /** Returns where the instruction after one is, or the next block's position in the code. */
  int next(int ip) {
    return ip + (hasOperand((int) instructions[ip] & 0xff) ? 2 : 1);
  }

  /** Returns where a block's last instruction is. */
  int last(int block) {
    int ip = block + 1;
    while (!isEnd((int) instructions[ip] & 0xff)) {
      ip = next(ip);
    }
    return ip;
  }

  /**
   * Ends a frame whose instruction failed. If it lacked gas, what its block has paid ahead may
   * suffice for it and for some after it: the per-opcode loop goes on there.
   *
   * @param after where the next instruction is
   * @param window height of the stack at the block's start
   */
  Frame.Exit failed(Frame f, int after, int window, long failure) {
    if (!Instructions.lacksGas(failure)) {
      return f.halt(Instructions.error(failure));
    }
    int block = blockBefore(after);
    int count = 0;
    int ip = block + 1;
    for (int next; (next = next(ip)) != after; ip = next) {
      count++;
    }
    int start = (int) instructions[block - 1];
    if (((int) instructions[ip] & 0xff) == CALL) {
      // the call has ended, and has left the stack and the gas as the per-opcode loop has them
      return f.exact(RegisterCompiler.position(code, schedule, start, count) + 1, f.sp, f.gas);
    }
    return RegisterCompiler.handOver(code, schedule, start, count, f, window, ~failure);
  }

  /** Returns the start of the block that a place inside of it belongs to. */
  private int blockBefore(int place) {
    int found = Arrays.binarySearch(blocks, place);
    int block = found == -1 ? START : blocks[-2 - found];
    for (int next; (next = next(last(block)) + 1) < place; ) {
      block = next;
    }
    return block;
  }

  /** Returns where the block at a jump destination starts, 0 when there is none. */
  int block(long pc) {
    if (!code.isJumpDestination(pc)) {
      return 0;
    }
    long before = code.jumpDestinations((int) pc >> 6) & ((1L << pc) - 1);
    return blocks[ranks[(int) pc >> 6] + Long.bitCount(before)];
  }

  /** Returns the same for a stack word. */
  int block(long[] s, int a) {
    return (s[a + 1] | s[a + 2] | s[a + 3]) == 0 ? block(s[a]) : 0;
  }
}
