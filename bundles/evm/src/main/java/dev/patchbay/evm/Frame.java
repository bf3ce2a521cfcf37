// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.api.tracing.Tracer.CallType;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One message call or creation: stack, memory and what the code sees. Frames are pooled by depth.
 */
final class Frame {
  /**
   * How a loop left the frame. CALL asks for {@link #callee}. The others ask for another loop: HOT
   * for the next faster one, REGISTERS for the register form, EXACT for the per-opcode loop until
   * the end.
   */
  enum Exit {
    STOP,
    RETURN,
    REVERT,
    FAULT,
    CALL,
    HOT,
    REGISTERS,
    EXACT
  }

  /**
   * Room below and above the stack: the compiler may read operands before it checks how many there
   * are.
   */
  static final int GUARD = 1024;

  static final int STACK_LONGS = 1024 * 4;
  private static final int MEMORY_KEPT = 1 << 20;
  static final VarHandle BIG_ENDIAN =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  final int depth;
  final long[] stack = new long[GUARD + STACK_LONGS + RegisterCompiler.TEMPORARY_LONGS + 128];
  byte[] memory = new byte[1024];
  int memorySize;

  CallType type = CallType.CALL;
  Code code = Code.EMPTY;
  AccountEntry self;
  Address caller = Address.ZERO;
  UInt256 value = UInt256.ZERO;
  final Slice input = new Slice();
  boolean isStatic;
  long gas;
  long gasAtEntry;

  /** Position in the code, or in the register form when there is one. */
  int pc;

  /** Height of the stack when the frame is not running. */
  int sp;

  int mark;

  /** The register form that the frame runs; null for the per-opcode loop. */
  @Nullable RegisterCode registers;

  /** Height of the stack at the start of the block of the register form. */
  int window;

  /** Whether the frame goes on in the middle of a block of the register form. */
  boolean resumed;

  /** Whether the frame stays in the per-opcode loop. */
  boolean exact;

  // what the next call or creation is about: set by Instructions, used by Machine
  AccountEntry target;
  Code targetCode = Code.EMPTY;
  long granted;

  /** Whether the value moves from the caller to {@link #self} when the frame starts. */
  boolean transfers;

  /** The account whose code runs: differs from {@link #self} under DELEGATECALL and CALLCODE. */
  Address codeAddress = Address.ZERO;

  final Slice returnData = new Slice();

  // where the caller wants the output
  int outOffset;
  int outLength;

  // how the frame ended
  final Slice output = new Slice();
  @Nullable String error;
  boolean reverted;

  /** The call or creation that the frame asks for. */
  @Nullable Frame callee;

  Frame(int depth, AccountEntry self) {
    this.depth = depth;
    this.self = self;
    this.target = self;
  }

  void reset() {
    if (memory.length > MEMORY_KEPT) {
      memory = new byte[1024];
    }
    memorySize = 0;
    pc = 0;
    sp = GUARD;
    returnData.clear();
    output.clear();
    error = null;
    reverted = false;
    callee = null;
    isStatic = false;
    outOffset = 0;
    outLength = 0;
    registers = null;
    resumed = false;
    exact = false;
  }

  // ---- how a loop leaves

  Exit stop(long left) {
    gas = left;
    return Exit.STOP;
  }

  /** RETURN and REVERT. */
  Exit end(int offsetWord, int lengthWord, long available, boolean reverts) {
    long left = expand(available, offsetWord, lengthWord);
    if (left < 0) {
      return halt(Instructions.error(left));
    }
    memoryAt(offsetWord, lengthWord, output);
    gas = left;
    return reverts ? Exit.REVERT : Exit.RETURN;
  }

  /** Halts exceptionally. */
  Exit halt(String reason) {
    error = reason;
    gas = 0;
    return Exit.FAULT;
  }

  /** Goes on at a block in another chunk of the same bytecode. */
  @Nullable Exit leave(int block, int height, long left) {
    pc = block;
    return leave(height, left);
  }

  /** Goes on at {@link #pc} in another chunk of the same bytecode. */
  @Nullable Exit leave(int height, long left) {
    window = height;
    gas = left;
    return null;
  }

  /** Hands over at an instruction of the code. */
  Exit exact(int at, int height, long left) {
    pc = at;
    sp = height;
    gas = left;
    return Exit.EXACT;
  }

  /** Goes on in the register form, at the start of one of its blocks. */
  void enter(RegisterCode code, int block) {
    registers = code;
    pc = block;
    window = sp;
    resumed = false;
  }

  /**
   * Charges for memory up to {@code end} bytes and grows it; returns the gas left, negative when it
   * does not suffice.
   */
  long expand(long left, long end) {
    if (end <= memorySize) {
      return left;
    }
    if (end > 0x7fffffe0L) {
      return -1;
    }
    long words = (end + 31) >> 5;
    long old = memorySize >> 5;
    long gasLeft = left - (3 * (words - old) + (words * words >> 9) - (old * old >> 9));
    if (gasLeft < 0) {
      return -1;
    }
    int size = (int) (words << 5);
    if (size > memory.length) {
      memory =
          Arrays.copyOf(memory, (int) Math.min(0x7fffffe0L, Math.max(size, memory.length * 2L)));
    }
    Arrays.fill(memory, memorySize, size, (byte) 0);
    memorySize = size;
    return gasLeft;
  }

  /**
   * Charges for a memory range given by two stack words; a range of no bytes costs nothing wherever
   * it starts, and one of 2^31 bytes or more fails whatever gas is left.
   */
  long expand(long left, int offsetWord, int lengthWord) {
    long[] s = stack;
    if ((s[lengthWord] | s[lengthWord + 1] | s[lengthWord + 2] | s[lengthWord + 3]) == 0) {
      return left;
    }
    if (isLarge(offsetWord) || isLarge(lengthWord)) {
      return -1;
    }
    return expand(left, s[offsetWord] + s[lengthWord]);
  }

  /** Returns whether a stack word is 2^31 or more. */
  boolean isLarge(int word) {
    long[] s = stack;
    return (s[word + 1] | s[word + 2] | s[word + 3]) != 0 || (s[word] >>> 31) != 0;
  }

  void loadWord(byte[] from, int offset, int word) {
    long[] s = stack;
    s[word + 3] = (long) BIG_ENDIAN.get(from, offset);
    s[word + 2] = (long) BIG_ENDIAN.get(from, offset + 8);
    s[word + 1] = (long) BIG_ENDIAN.get(from, offset + 16);
    s[word] = (long) BIG_ENDIAN.get(from, offset + 24);
  }

  void storeWord(int offset, int word) {
    long[] s = stack;
    BIG_ENDIAN.set(memory, offset, s[word + 3]);
    BIG_ENDIAN.set(memory, offset + 8, s[word + 2]);
    BIG_ENDIAN.set(memory, offset + 16, s[word + 1]);
    BIG_ENDIAN.set(memory, offset + 24, s[word]);
  }

  void push(Address address, int word) {
    byte[] b = address.unsafeArray();
    long[] s = stack;
    s[word + 3] = 0;
    s[word + 2] = (long) BIG_ENDIAN.get(b, 0) >>> 32;
    s[word + 1] = (long) BIG_ENDIAN.get(b, 4);
    s[word] = (long) BIG_ENDIAN.get(b, 12);
  }

  void push(UInt256 number, int word) {
    long[] s = stack;
    s[word] = number.w0();
    s[word + 1] = number.w1();
    s[word + 2] = number.w2();
    s[word + 3] = number.w3();
  }

  void push(byte[] hash, int word) {
    loadWord(hash, 0, word);
  }

  UInt256 numberAt(int word) {
    long[] s = stack;
    return new UInt256(s[word + 3], s[word + 2], s[word + 1], s[word]);
  }

  /** Points a slice to a memory range that was paid for. */
  void memoryAt(int offsetWord, int lengthWord, Slice slice) {
    int length = (int) stack[lengthWord];
    slice.set(memory, length == 0 ? 0 : (int) stack[offsetWord], length);
  }

  /** Returns a copy of a memory range that was paid for. */
  byte[] memoryAt(int offsetWord, int lengthWord) {
    int length = (int) stack[lengthWord];
    int offset = length == 0 ? 0 : (int) stack[offsetWord];
    return Arrays.copyOfRange(memory, offset, offset + length);
  }

  /**
   * Copies from a range of {@code source} into memory that was paid for; what lies beyond the range
   * is zero.
   */
  void copyToMemory(
      byte[] source, int sourceOffset, int sourceLength, int target, int from, int lengthWord) {
    int length = (int) stack[lengthWord];
    if (length == 0) {
      return;
    }
    int to = (int) stack[target];
    int available =
        isLarge(from) ? 0 : (int) Math.max(0, Math.min(length, sourceLength - stack[from]));
    if (available > 0) {
      System.arraycopy(source, sourceOffset + (int) stack[from], memory, to, available);
    }
    Arrays.fill(memory, to + available, to + length, (byte) 0);
  }

  Bytes outputBytes() {
    return Bytes.wrap(output.toArray());
  }
}
