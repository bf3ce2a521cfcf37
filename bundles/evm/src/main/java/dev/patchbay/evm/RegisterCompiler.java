// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import static dev.patchbay.evm.RegisterCode.*;

import dev.patchbay.primitives.UInt256;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Turns code into register form. Inside of a block a symbolic stack says for each position where
 * its value is: at home, in another position, in a temporary above the stack, or that it is a
 * constant. So PUSH, DUP, SWAP and POP make no instruction; at the end of the block the values that
 * are not at home are moved there. Takes time in proportion to the code.
 */
final class RegisterCompiler {
  /** Bounds the places of a block, and with them the room that a frame needs above its stack. */
  private static final int MAX_OPCODES = 256;

  private static final int MAX_TEMPORARIES = 150;

  /**
   * Longs above the stack for temporaries: an instruction may add four, the moves at a block's end
   * two for operands and one for each cycle of two positions or more.
   */
  static final int TEMPORARY_LONGS = 4 * (MAX_TEMPORARIES + 4 + 2 + MAX_OPCODES / 2);

  /** Positions below the height at the block's start come first in the arrays: 7 an opcode. */
  private static final int BELOW = 7 * MAX_OPCODES + 32;

  // places: a position of the stack, relative to the height at the block's start, or one of these
  private static final int TEMPORARY = 1 << 20;
  private static final int CONSTANT_PLACE = 1 << 28;

  private static final int NO_TARGET = -1;
  private static final int BAD_TARGET = -2;
  private static final int MAX_OFFSET = 1 << 30;

  private final Code code;
  private final GasSchedule schedule;
  private final long[] fold = new long[12];
  private final long[] scratch = new long[Words.SCRATCH];

  // the whole code
  private long[] out = new long[256];
  private int size;
  private long[] pool = new long[64];
  private int poolSize;
  private final Map<UInt256, Integer> pooled = new HashMap<>();
  private final int[] blockAt;
  private final List<int[]> jumps = new ArrayList<>();

  // the block
  private final List<Instruction> instructions = new ArrayList<>();
  private final List<UInt256> constants = new ArrayList<>();
  private final Map<UInt256, Integer> loaded = new HashMap<>();
  private final int[] places = new int[BELOW + MAX_OPCODES + 32];
  private final int[] positionUses = new int[BELOW + MAX_OPCODES + 32];
  private final int[] temporaryUses = new int[TEMPORARY_LONGS / 4];
  private int lowest;
  private int height;
  private int highest;
  private int temporaries;
  private long gas;
  private boolean fallsThrough;

  // one EVM instruction of a block, while a frame is handed over there
  private int wanted = -1;
  private boolean found;
  private int foundPc;
  private int foundHeight;
  private long paidBefore;
  private int[] foundPlaces = {};

  private static final class Instruction {
    final int op;
    final int d;
    final int a;
    final int b;
    int number;
    long immediate;
    boolean hasImmediate;
    int third;
    boolean hasThird;
    int target = NO_TARGET;
    long paidBefore = -1;

    Instruction(int op, int d, int a, int b) {
      this.op = op;
      this.d = d;
      this.a = a;
      this.b = b;
    }

    Instruction immediate(long value) {
      immediate = value;
      hasImmediate = true;
      return this;
    }

    Instruction third(int place) {
      third = place;
      hasThird = true;
      return this;
    }

    Instruction number(int value) {
      number = value;
      return this;
    }
  }

  private RegisterCompiler(Code code, GasSchedule schedule, int[] blockAt) {
    this.code = code;
    this.schedule = schedule;
    this.blockAt = blockAt;
  }

  /** Compiles code for the prices and instructions of one fork. */
  static RegisterCode compile(Code code, GasSchedule schedule) {
    return new RegisterCompiler(code, schedule, new int[code.length + 1]).compile();
  }

  /**
   * Returns the position in the code of an instruction of the register form, which is the {@code
   * count}th of the block at {@code start}.
   */
  static int position(Code code, GasSchedule schedule, int start, int count) {
    return find(code, schedule, start, count).foundPc;
  }

  /**
   * Hands a frame to the per-opcode loop before an instruction, with the gas that its block has
   * paid ahead for it and those after it: all words of the stack are moved home.
   *
   * @param window height of the stack at the block's start
   */
  static Frame.Exit handOver(
      Code code, GasSchedule schedule, int start, int count, Frame f, int window, long left) {
    RegisterCompiler block = find(code, schedule, start, count);
    block.moveHome(f.stack, window);
    return f.exact(
        block.foundPc, window + 4 * block.foundHeight, left + block.gas - block.paidBefore);
  }

  private static RegisterCompiler find(Code code, GasSchedule schedule, int start, int count) {
    RegisterCompiler compiler = new RegisterCompiler(code, schedule, new int[0]);
    compiler.wanted = count;
    compiler.block(start);
    return compiler;
  }

  private RegisterCode compile() {
    int pc = 0;
    fallsThrough = true;
    while (fallsThrough || pc < code.length) {
      int start = pc;
      pc = block(start);
      finishBlock(start);
      if (!fallsThrough) {
        while (pc < code.length && !code.isJumpDestination(pc)) {
          pc++;
        }
      }
    }
    int bad = startBlock(0) + 1;
    append(0);
    append(BAD_JUMP);
    for (int[] jump : jumps) {
      out[jump[0]] = jump[1] == BAD_TARGET ? bad : blockAt[jump[1]];
    }
    int[] ranks = new int[(code.length >> 6) + 1];
    int[] blocks = new int[code.jumpDestinationCount()];
    int rank = 0;
    for (int at = 0; at < code.length; at++) {
      if ((at & 63) == 0) {
        ranks[at >> 6] = rank;
      }
      if (code.isJumpDestination(at)) {
        blocks[rank++] = blockAt[at];
      }
    }
    return new RegisterCode(
        schedule, Arrays.copyOf(out, size), Arrays.copyOf(pool, poolSize), code, ranks, blocks);
  }

  private void append(long word) {
    if (size == out.length) {
      out = Arrays.copyOf(out, out.length * 2);
    }
    out[size++] = word;
  }

  private int startBlock(int pc) {
    append(pc);
    return size - 1;
  }

  // ---- one block

  /** Compiles a block and returns where the code goes on. */
  private int block(int start) {
    instructions.clear();
    constants.clear();
    loaded.clear();
    Arrays.fill(positionUses, BELOW + lowest, BELOW + highest, 0);
    Arrays.fill(temporaryUses, 0, temporaries, 0);
    lowest = 0;
    height = 0;
    highest = 0;
    temporaries = 0;
    gas = 0;
    int pc = start;
    for (int count = 0; ; count++) {
      boolean cut = count == MAX_OPCODES || temporaries > MAX_TEMPORARIES;
      if (count > 0 && (cut || code.isJumpDestination(pc))) {
        flush(null);
        emit(FALL, height, 0, 0);
        fallsThrough = true;
        break;
      }
      int op = pc < code.length ? code.padded[pc] & 0xff : 0;
      boolean ends = instruction(op, pc);
      pc += op >= Opcodes.PUSH1 && op <= Opcodes.PUSH32 ? op - Opcodes.PUSH1 + 2 : 1;
      if (ends) {
        fallsThrough = op == 0x57;
        break;
      }
    }
    return Math.min(pc, code.length);
  }

  private void finishBlock(int start) {
    blockAt[start] = startBlock(start) + 1;
    append(gas | (long) (-lowest * 4) << 32 | (long) (highest * 4) << 48);
    for (Instruction i : instructions) {
      append(
          i.op
              | (long) (offset(i.d) & 0xffff) << 8
              | (long) (offset(i.a) & 0xffff) << 24
              | (long) (offset(i.b) & 0xffff) << 40
              | (long) i.number << 56);
      if (i.paidBefore >= 0) {
        append(gas - i.paidBefore);
      } else if (i.target != NO_TARGET) {
        jumps.add(new int[] {size, i.target});
        append(0);
      } else if (i.hasThird) {
        append(offset(i.third));
      } else if (i.hasImmediate) {
        append(i.immediate);
      }
    }
  }

  private int offset(int place) {
    return 4 * (place >= TEMPORARY ? highest + place - TEMPORARY : place);
  }

  private Instruction emit(int op, int d, int a, int b) {
    Instruction instruction = new Instruction(op, d, a, b);
    found |= instructions.size() == wanted;
    instructions.add(instruction);
    return instruction;
  }

  // ---- a frame that is handed over

  /** Notes where the words of the stack are before an EVM instruction. */
  private void note(int pc) {
    if (wanted >= 0 && !found) {
      foundPc = pc;
      foundHeight = height;
      paidBefore = gas;
      notePlaces();
    }
  }

  private void notePlaces() {
    if (wanted >= 0 && !found) {
      foundPlaces = Arrays.copyOfRange(places, BELOW + lowest, BELOW + foundHeight);
    }
  }

  private void moveHome(long[] s, int window) {
    int bottom = foundHeight - foundPlaces.length;
    long[] words = new long[4 * foundPlaces.length];
    for (int i = 0; i < foundPlaces.length; i++) {
      int place = foundPlaces[i];
      if (isConstant(place)) {
        UInt256 value = valueOf(place);
        Words.set(words, 4 * i, value.w0(), value.w1(), value.w2(), value.w3());
      } else {
        System.arraycopy(s, window + offset(place), words, 4 * i, 4);
      }
    }
    System.arraycopy(words, 0, s, window + 4 * bottom, words.length);
  }

  // ---- the symbolic stack

  private static boolean isConstant(int place) {
    return place >= CONSTANT_PLACE;
  }

  private UInt256 valueOf(int place) {
    return constants.get(place - CONSTANT_PLACE);
  }

  private boolean isSmall(int place) {
    return isConstant(place) && isSmall(valueOf(place));
  }

  private static boolean isSmall(UInt256 v) {
    return (v.w1() | v.w2() | v.w3()) == 0;
  }

  private void use(int place, int change) {
    if (place >= TEMPORARY && place < CONSTANT_PLACE) {
      temporaryUses[place - TEMPORARY] += change;
    } else if (place < TEMPORARY) {
      positionUses[BELOW + place] += change;
    }
  }

  private int uses(int place) {
    return place < TEMPORARY
        ? positionUses[BELOW + place]
        : place < CONSTANT_PLACE ? temporaryUses[place - TEMPORARY] : 1;
  }

  private void need(int words) {
    while (height - lowest < words) {
      lowest--;
      places[BELOW + lowest] = lowest;
      positionUses[BELOW + lowest]++;
    }
  }

  private int peek(int depth) {
    need(depth);
    return places[BELOW + height - depth];
  }

  private int pop() {
    int place = peek(1);
    height--;
    use(place, -1);
    return place;
  }

  private void push(int place) {
    places[BELOW + height] = place;
    use(place, 1);
    height++;
    highest = Math.max(highest, height);
  }

  private void pushConstant(UInt256 value) {
    constants.add(value);
    push(CONSTANT_PLACE + constants.size() - 1);
  }

  private int temporary() {
    return TEMPORARY + temporaries++;
  }

  /** Where the next word that is pushed may be computed: at home, unless that is still in use. */
  private int destination() {
    return positionUses[BELOW + height] == 0 ? height : temporary();
  }

  /** Returns a place that instructions can read. */
  private int readable(int place) {
    if (!isConstant(place)) {
      return place;
    }
    return loaded.computeIfAbsent(
        valueOf(place),
        value -> {
          int t = temporary();
          load(t, value);
          return t;
        });
  }

  private int popReadable() {
    return readable(pop());
  }

  private void load(int d, UInt256 value) {
    if (isSmall(value)) {
      emit(SMALL, d, 0, 0).immediate(value.w0());
    } else {
      emit(CONSTANT, d, 0, 0).immediate(poolIndex(value));
    }
  }

  private int poolIndex(UInt256 value) {
    Integer known = pooled.get(value);
    if (known != null) {
      return known;
    }
    int at = poolSize;
    if (at == pool.length) {
      pool = Arrays.copyOf(pool, pool.length * 2);
    }
    pool[at] = value.w0();
    pool[at + 1] = value.w1();
    pool[at + 2] = value.w2();
    pool[at + 3] = value.w3();
    poolSize += 4;
    pooled.put(value, at);
    return at;
  }

  /**
   * Moves all values home. {@code operands} are places that the last instruction reads after the
   * moves; they are replaced where the moves overwrite them.
   */
  private void flush(int @Nullable [] operands) {
    int[] displaced = new int[height - lowest];
    int count = 0;
    for (int p = lowest; p < height; p++) {
      if (places[BELOW + p] != p) {
        displaced[count++] = p;
      }
    }
    if (count == 0) {
      return;
    }
    if (operands != null) {
      keep(operands);
    }
    int[] ready = new int[count];
    int readyCount = 0;
    for (int i = 0; i < count; i++) {
      if (positionUses[BELOW + displaced[i]] == 0) {
        ready[readyCount++] = displaced[i];
      }
    }
    int next = 0;
    for (int moved = 0; moved < count; moved++) {
      if (readyCount == 0) {
        // only cycles are left, and each of their positions is read by exactly one other
        while (places[BELOW + displaced[next]] == displaced[next]) {
          next++;
        }
        int p = displaced[next];
        int t = temporary();
        emit(COPY, t, p, 0);
        for (int i = next; i < count; i++) {
          int other = displaced[i];
          if (places[BELOW + other] == p) {
            use(p, -1);
            places[BELOW + other] = t;
            use(t, 1);
          }
        }
        ready[readyCount++] = p;
      }
      int p = ready[--readyCount];
      int from = places[BELOW + p];
      if (isConstant(from)) {
        Integer at = loaded.get(valueOf(from));
        if (at == null) {
          load(p, valueOf(from));
        } else {
          emit(COPY, p, at, 0);
        }
      } else {
        emit(COPY, p, from, 0);
      }
      use(from, -1);
      places[BELOW + p] = p;
      use(p, 1);
      boolean waiting =
          from < TEMPORARY && from < height && places[BELOW + from] != from && uses(from) == 0;
      if (waiting) {
        ready[readyCount++] = from;
      }
    }
  }

  private void keep(int[] operands) {
    for (int i = 0; i < operands.length; i++) {
      int place = operands[i];
      boolean overwritten =
          place < TEMPORARY && place >= lowest && place < height && places[BELOW + place] != place;
      if (overwritten) {
        int t = temporary();
        emit(COPY, t, place, 0);
        operands[i] = t;
      }
    }
  }

  // ---- instructions

  /** Adds one EVM instruction to the block; returns whether the block ends with it. */
  private boolean instruction(int op, int pc) {
    note(pc);
    int price = schedule.cost[op];
    if (price < 0) {
      emit(UNDEFINED, 0, 0, 0).number(op);
      return true;
    }
    gas += price;
    if (op >= Opcodes.PUSH1 && op <= Opcodes.PUSH32) {
      Interpreter.pushBytes(code.padded, pc + 1, op - Opcodes.PUSH1 + 1, fold, 0);
      pushConstant(new UInt256(fold[3], fold[2], fold[1], fold[0]));
      return false;
    }
    if (op >= 0x80 && op <= 0x8f) {
      push(peek(op - 0x7f));
      return false;
    }
    if (op >= 0x90 && op <= 0x9f) {
      int other = op - 0x8e;
      need(other);
      int top = BELOW + height - 1;
      int below = BELOW + height - other;
      int place = places[top];
      places[top] = places[below];
      places[below] = place;
      return false;
    }
    switch (op) {
      case 0x00 -> {
        emit(STOP, 0, 0, 0);
        return true;
      }
      case 0x01 -> binary(ADD);
      case 0x02 -> binary(MUL);
      case 0x03 -> binary(SUB);
      case 0x04 -> binary(DIV);
      case 0x05 -> binary(SDIV);
      case 0x06 -> binary(MOD);
      case 0x07 -> binary(SMOD);
      case 0x08 -> ternary(ADDMOD);
      case 0x09 -> ternary(MULMOD);
      case 0x0a -> exp();
      case 0x0b -> binary(SIGNEXTEND);
      case 0x10 -> binary(LT);
      case 0x11 -> {
        swapTop();
        binary(LT);
      }
      case 0x12 -> binary(SLT);
      case 0x13 -> {
        swapTop();
        binary(SLT);
      }
      case 0x14 -> binary(EQ);
      case 0x15 -> isZero();
      case 0x16 -> binary(AND);
      case 0x17 -> binary(OR);
      case 0x18 -> binary(XOR);
      case 0x19 -> not();
      case 0x1a -> binary(BYTE);
      case 0x1b -> binary(SHL);
      case 0x1c -> binary(SHR);
      case 0x1d -> binary(SAR);
      case 0x1e -> unary(CLZ);
      case 0x20 -> {
        int offset = popReadable();
        int length = popReadable();
        int d = destination();
        emit(KECCAK, d, offset, length);
        push(d);
      }
      case 0x30,
          0x32,
          0x33,
          0x34,
          0x36,
          0x3a,
          0x3d,
          0x41,
          0x42,
          0x43,
          0x44,
          0x45,
          0x46,
          0x47,
          0x48,
          0x4a,
          0x4b,
          0x59 -> {
        int d = destination();
        emit(ENVIRONMENT, d, 0, 0).number(op);
        push(d);
      }
      case 0x38 -> pushConstant(UInt256.of(code.length));
      case 0x58 -> pushConstant(UInt256.of(pc));
      case 0x5f -> pushConstant(UInt256.ZERO);
      case 0x31, 0x3b, 0x3f, 0x40, 0x49 -> unary(QUERY).number(op);
      case 0x35 -> unary(CALLDATALOAD);
      case 0x37, 0x39, 0x3e -> {
        int target = popReadable();
        int from = popReadable();
        int length = popReadable();
        emit(DATA_COPY, 0, target, from).number(op).third(length);
      }
      case 0x3c -> inPlace(EXTCODECOPY, op, 4);
      case 0x50 -> pop();
      case 0x51 -> {
        int offset = pop();
        if (isOffset(offset)) {
          int d = destination();
          emit(MLOADK, d, 0, 0).immediate(valueOf(offset).w0());
          push(d);
        } else {
          unaryOf(MLOAD, readable(offset));
        }
      }
      case 0x52 -> {
        int offset = pop();
        int value = popReadable();
        if (isOffset(offset)) {
          emit(MSTOREK, 0, 0, value).immediate(valueOf(offset).w0());
        } else {
          emit(MSTORE, 0, readable(offset), value);
        }
      }
      case 0x53 -> {
        int offset = popReadable();
        emit(MSTORE8, 0, offset, popReadable());
      }
      case 0x54 -> unary(SLOAD);
      case 0x55 -> {
        int key = popReadable();
        emit(SSTORE, 0, key, popReadable()).paidBefore = gas;
      }
      case 0x56 -> {
        jump();
        return true;
      }
      case 0x57 -> {
        jumpIf();
        return true;
      }
      case 0x5a -> {
        int d = destination();
        emit(GAS, d, 0, 0).paidBefore = gas;
        push(d);
      }
      case 0x5b -> {}
      case 0x5c -> unary(TLOAD);
      case 0x5d -> {
        int key = popReadable();
        emit(TSTORE, 0, key, popReadable());
      }
      case 0x5e -> {
        int target = popReadable();
        int from = popReadable();
        int length = popReadable();
        emit(MCOPY, 0, target, from).third(length);
      }
      case 0xa0, 0xa1, 0xa2, 0xa3, 0xa4 -> inPlace(LOG, op - 0xa0, op - 0xa0 + 2);
      case 0xf0, 0xf5, 0xf1, 0xf2, 0xf4, 0xfa -> {
        Instruction call = inPlace(CALL, op, schedule.needs[op] / 4);
        call.paidBefore = gas;
        push(height);
      }
      case 0xf3, 0xfd -> {
        int offset = popReadable();
        emit(op == 0xf3 ? RETURN : REVERT, 0, offset, popReadable());
        return true;
      }
      case 0xff -> {
        emit(SELFDESTRUCT, 0, popReadable(), 0);
        return true;
      }
      default -> throw new IllegalStateException("no code for instruction " + op);
    }
    return false;
  }

  private boolean isOffset(int place) {
    return isSmall(place) && Long.compareUnsigned(valueOf(place).w0(), MAX_OFFSET) < 0;
  }

  private void swapTop() {
    need(2);
    int top = BELOW + height - 1;
    int place = places[top];
    places[top] = places[top - 1];
    places[top - 1] = place;
  }

  private Instruction unary(int op) {
    return unaryOf(op, popReadable());
  }

  private Instruction unaryOf(int op, int a) {
    int d = destination();
    Instruction instruction = emit(op, d, a, 0);
    push(d);
    return instruction;
  }

  private void isZero() {
    if (isConstant(peek(1))) {
      pushConstant(valueOf(pop()).isZero() ? UInt256.ONE : UInt256.ZERO);
    } else {
      unary(ISZERO);
    }
  }

  private void not() {
    if (isConstant(peek(1))) {
      UInt256 v = valueOf(pop());
      pushConstant(new UInt256(~v.w3(), ~v.w2(), ~v.w1(), ~v.w0()));
    } else {
      unary(NOT);
    }
  }

  private void ternary(int op) {
    int a = popReadable();
    int b = popReadable();
    int n = popReadable();
    int d = destination();
    emit(op, d, a, b).third(n);
    push(d);
  }

  private void exp() {
    int a = popReadable();
    int exponent = popReadable();
    int d = destination();
    emit(EXP, d, a, exponent);
    push(d);
  }

  private void binary(int op) {
    int a = pop();
    int b = pop();
    if (isConstant(a) && isConstant(b)) {
      pushConstant(folded(op, valueOf(a), valueOf(b)));
      return;
    }
    boolean commutes = op == ADD || op == MUL || op == EQ || op == AND || op == OR || op == XOR;
    if (commutes && isConstant(a)) {
      int swap = a;
      a = b;
      b = swap;
    }
    int withConstant = 0;
    int operand = a;
    long k = 0;
    if (isSmall(b)) {
      k = valueOf(b).w0();
      withConstant =
          switch (op) {
            case ADD -> ADDK;
            case SUB -> SUBK;
            case EQ -> EQK;
            case AND -> ANDK;
            case LT -> LTK;
            default -> 0;
          };
    } else if (isSmall(a)) {
      k = valueOf(a).w0();
      operand = b;
      boolean shift = Long.compareUnsigned(k, 256) < 0;
      withConstant =
          switch (op) {
            case LT -> GTK;
            case SHL -> shift ? SHLK : 0;
            case SHR -> shift ? SHRK : 0;
            default -> 0;
          };
    }
    if (withConstant != 0) {
      unaryOf(withConstant, operand).immediate(k);
      return;
    }
    int x = readable(a);
    int y = readable(b);
    int d = destination();
    emit(op, d, x, y);
    push(d);
  }

  private UInt256 folded(int op, UInt256 a, UInt256 b) {
    long[] s = fold;
    set(0, a);
    set(4, b);
    switch (op) {
      case ADD -> Words.add(s, 8, 0, 4);
      case SUB -> Words.sub(s, 8, 0, 4);
      case MUL -> Words.mul(s, 8, 0, 4);
      case DIV -> Words.div(s, 8, 0, 4, scratch);
      case SDIV -> Words.sdiv(s, 8, 0, 4, scratch);
      case MOD -> Words.mod(s, 8, 0, 4, scratch);
      case SMOD -> Words.smod(s, 8, 0, 4, scratch);
      case SIGNEXTEND -> Words.signExtend(s, 8, 0, 4);
      case LT -> Words.set(s, 8, Words.lessThan(s, 0, 4));
      case SLT -> Words.set(s, 8, Words.signedLessThan(s, 0, 4));
      case EQ -> Words.set(s, 8, Words.equal(s, 0, 4));
      case AND -> Words.and(s, 8, 0, 4);
      case OR -> Words.or(s, 8, 0, 4);
      case XOR -> Words.xor(s, 8, 0, 4);
      case BYTE -> Words.byteAt(s, 8, 0, 4);
      case SHL -> Words.shl(s, 8, 0, 4);
      case SHR -> Words.shr(s, 8, 0, 4);
      case SAR -> Words.sar(s, 8, 0, 4);
      default -> throw new IllegalStateException("not a binary operation: " + op);
    }
    return new UInt256(s[11], s[10], s[9], s[8]);
  }

  private void set(int at, UInt256 v) {
    fold[at] = v.w0();
    fold[at + 1] = v.w1();
    fold[at + 2] = v.w2();
    fold[at + 3] = v.w3();
  }

  /** An instruction whose operands lie where the stack has them: destination is the height. */
  private Instruction inPlace(int op, int number, int operands) {
    need(operands);
    flush(null);
    notePlaces();
    Instruction instruction =
        emit(op, height, op == CALL ? height - operands + 1 : 0, 0).number(number);
    for (int i = 0; i < operands; i++) {
      pop();
    }
    return instruction;
  }

  // ---- jumps

  private int target(int place) {
    UInt256 v = valueOf(place);
    return isSmall(v) && code.isJumpDestination(v.w0()) ? (int) v.w0() : BAD_TARGET;
  }

  private void jump() {
    int place = pop();
    if (!isConstant(place)) {
      int[] operands = {place};
      flush(operands);
      emit(JUMP_TO, height, operands[0], 0);
    } else if (target(place) == BAD_TARGET) {
      emit(BAD_JUMP, 0, 0, 0);
    } else {
      flush(null);
      emit(JUMP, height, 0, 0).target = target(place);
    }
  }

  private void jumpIf() {
    int place = pop();
    int condition = popReadable();
    if (!isConstant(place)) {
      int[] operands = {condition, place};
      flush(operands);
      emit(JNZ_TO, height, operands[0], operands[1]);
      return;
    }
    boolean inverted = false;
    Instruction last = lastResult(condition);
    while (last != null && last.op == ISZERO) {
      instructions.remove(instructions.size() - 1);
      inverted = !inverted;
      condition = last.a;
      last = lastResult(condition);
    }
    int op = inverted ? JZ : JNZ;
    int[] operands = {condition};
    if (last != null && (last.op == LT || last.op == EQ)) {
      instructions.remove(instructions.size() - 1);
      op = last.op == LT ? (inverted ? JGE : JLT) : (inverted ? JNE : JEQ);
      operands = new int[] {last.a, last.b};
    }
    flush(operands);
    emit(op, height, operands[0], operands.length > 1 ? operands[1] : 0).target = target(place);
  }

  /** Returns the last instruction when it made this word and nothing else needs it. */
  private @Nullable Instruction lastResult(int place) {
    if (instructions.isEmpty() || uses(place) != 0) {
      return null;
    }
    Instruction last = instructions.get(instructions.size() - 1);
    return last.d == place && makesCondition(last.op) ? last : null;
  }

  private static boolean makesCondition(int op) {
    return op == ISZERO || op == LT || op == EQ;
  }
}
