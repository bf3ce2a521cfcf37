// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import static dev.patchbay.evm.RegisterCode.*;
import static org.objectweb.asm.Opcodes.*;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Type;

/**
 * Turns register form into a hidden class. An instruction becomes a call of the method that the
 * interpreters call too, its operands at constant distances from the height of the stack, for the
 * JIT compiler to inline. Static jumps inside of a chunk become jumps of the JVM.
 *
 * <p>The class is not bound to its loader: it is unloaded when its {@link Code} is let go.
 */
final class BytecodeCompiler {
  /**
   * HotSpot leaves a method of more than 8,000 bytes to its interpreter, and inlines until a method
   * and what it inlined have as many. A chunk has at most this; a block that may have more is left
   * to the register form.
   */
  static final int CHUNK_BYTES = 7_800;

  // bytes at most
  private static final int BLOCK_BYTES = 100;
  private static final int INSTRUCTION_BYTES = 46;

  private static final String EXIT = "L" + Type.getInternalName(Frame.Exit.class) + ";";
  private static final String FRAME = Type.getInternalName(Frame.class);
  private static final String INSTRUCTIONS = Type.getInternalName(Instructions.class);
  private static final String CODE = Type.getInternalName(RegisterCode.class);
  private static final String WORDS = Type.getInternalName(Words.class);
  private static final String BASE = Type.getInternalName(CompiledCode.class);
  private static final String CLASS = BASE + "Of";
  private static final String CONSTRUCTOR = "(L" + CODE + ";[S)V";
  private static final String PARAMETERS =
      "L" + FRAME + ";L" + INSTRUCTIONS + ";L" + CODE + ";[JIJ)" + EXIT;

  private final RegisterCode code;
  private final int chunkBytes;
  private final long[] ins;

  /** The chunks, each with the places where its blocks start. */
  private final List<List<Integer>> chunks = new ArrayList<>();

  /** For each instruction that starts a block, its chunk, counted from 1. */
  private final short[] chunkOf;

  /** The same for those at which a chunk is entered. */
  private final short[] entries;

  private BytecodeCompiler(RegisterCode code, int chunkBytes) {
    this.code = code;
    this.chunkBytes = chunkBytes;
    this.ins = code.instructions;
    this.chunkOf = new short[ins.length];
    this.entries = new short[ins.length];
  }

  /** Compiles register form to chunks of a size, in time in proportion to it. */
  static CompiledCode compile(RegisterCode code, int chunkBytes) {
    return new BytecodeCompiler(code, chunkBytes).compile();
  }

  private CompiledCode compile() {
    divide();
    findEntries();
    byte[] bytes = bytes();
    try {
      return (CompiledCode)
          MethodHandles.lookup()
              .defineHiddenClass(bytes, true)
              .lookupClass()
              .getDeclaredConstructor(RegisterCode.class, short[].class)
              .newInstance(code, entries);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("the class of " + code + " cannot be made", e);
    }
  }

  // ---- chunks

  private void divide() {
    int size = chunkBytes;
    for (int block = START; block < ins.length; ) {
      int bytes = BLOCK_BYTES;
      int ip = block + 1;
      for (; !isEnd((int) ins[ip] & 0xff); ip = code.next(ip)) {
        bytes += INSTRUCTION_BYTES;
      }
      if (bytes <= chunkBytes) {
        if (size + bytes > chunkBytes) {
          chunks.add(new ArrayList<>());
          size = 0;
        }
        size += bytes;
        chunks.get(chunks.size() - 1).add(block);
        chunkOf[block] = (short) chunks.size();
      }
      block = code.next(ip) + 1;
    }
  }

  /**
   * A chunk is entered at the first block, at jump destinations that are words of the stack, from
   * other chunks, after calls, and at the heads of loops, where the interpreter hands frames over.
   */
  private void findEntries() {
    entries[START] = chunkOf[START];
    for (List<Integer> chunk : chunks) {
      for (int block : chunk) {
        int end = code.last(block);
        for (int ip = block + 1; ip < end; ip = code.next(ip)) {
          int op = (int) ins[ip] & 0xff;
          if (op == CALL) {
            entries[ip + 1] = chunkOf[block];
          } else if (op == SMALL) {
            enter(code.block(ins[ip + 1]));
          }
        }
        int op = (int) ins[end] & 0xff;
        if (hasOperand(op)) {
          int target = (int) ins[end + 1];
          if (target <= block || chunkOf[target] != chunkOf[block]) {
            enter(target);
          }
        }
        if (fallsThrough(op) && chunkOf[code.next(end) + 1] != chunkOf[block]) {
          enter(code.next(end) + 1);
        }
      }
    }
  }

  private void enter(int block) {
    entries[block] = chunkOf[block];
  }

  // ---- the class

  private byte[] bytes() {
    ClassWriter writer = new ClassWriter(ClassWriter.COMPUTE_MAXS);
    writer.visit(V17, ACC_FINAL | ACC_SUPER, CLASS, null, BASE, null);
    MethodVisitor m = writer.visitMethod(0, "<init>", CONSTRUCTOR, null, null);
    m.visitCode();
    m.visitVarInsn(ALOAD, 0);
    m.visitVarInsn(ALOAD, 1);
    m.visitVarInsn(ALOAD, 2);
    m.visitMethodInsn(INVOKESPECIAL, BASE, "<init>", CONSTRUCTOR, false);
    m.visitInsn(org.objectweb.asm.Opcodes.RETURN);
    m.visitMaxs(0, 0);
    m.visitEnd();
    dispatcher(writer.visitMethod(0, "run", "(I" + PARAMETERS, null, null));
    for (int chunk = 1; chunk <= chunks.size(); chunk++) {
      new Chunk(chunk, writer.visitMethod(ACC_STATIC, "c" + chunk, "(" + PARAMETERS, null, null))
          .write();
    }
    writer.visitEnd();
    return writer.toByteArray();
  }

  private void dispatcher(MethodVisitor m) {
    Object[] locals = {CLASS, INTEGER, FRAME, INSTRUCTIONS, CODE, "[J", INTEGER, LONG};
    Label[] labels = new Label[chunks.size()];
    Arrays.setAll(labels, i -> new Label());
    Label none = new Label();
    m.visitCode();
    m.visitVarInsn(ILOAD, 1);
    m.visitTableSwitchInsn(1, labels.length, none, labels);
    for (int i = 0; i < labels.length; i++) {
      m.visitLabel(labels[i]);
      m.visitFrame(F_NEW, locals.length, locals, 0, new Object[0]);
      m.visitVarInsn(ALOAD, 2);
      m.visitVarInsn(ALOAD, 3);
      m.visitVarInsn(ALOAD, 4);
      m.visitVarInsn(ALOAD, 5);
      m.visitVarInsn(ILOAD, 6);
      m.visitVarInsn(LLOAD, 7);
      m.visitMethodInsn(INVOKESTATIC, CLASS, "c" + (i + 1), "(" + PARAMETERS, false);
      m.visitInsn(ARETURN);
    }
    m.visitLabel(none);
    m.visitFrame(F_NEW, locals.length, locals, 0, new Object[0]);
    m.visitInsn(ACONST_NULL);
    m.visitInsn(ARETURN);
    m.visitMaxs(0, 0);
    m.visitEnd();
  }

  /** Writes one chunk. Where blocks meet, the locals are the parameters and the stack is empty. */
  private final class Chunk {
    private static final int F = 0;
    private static final int ON = 1;
    private static final int IN = 2;
    private static final int S = 3;
    private static final int SP = 4;
    private static final int LEFT = 5;

    // where a word of register form has its places
    private static final int D = 8;
    private static final int A = 24;
    private static final int B = 40;

    private final Object[] locals = {FRAME, INSTRUCTIONS, CODE, "[J", INTEGER, LONG};
    private final int chunk;
    private final MethodVisitor m;
    private final Map<Integer, Label> labels = new HashMap<>();
    private final Label dispatch = new Label();
    private final Label failed = new Label();

    /** Where instructions go that fail, each with the place after it. */
    private final Map<Label, Integer> failures = new LinkedHashMap<>();

    Chunk(int chunk, MethodVisitor m) {
      this.chunk = chunk;
      this.m = m;
    }

    void write() {
      m.visitCode();
      dispatch();
      chunks.get(chunk - 1).forEach(this::block);
      failures.forEach(
          (label, after) -> {
            mark(label);
            constant((int) after);
            m.visitJumpInsn(GOTO, failed);
          });
      if (!failures.isEmpty()) {
        m.visitLabel(failed);
        m.visitFrame(F_NEW, locals.length, locals, 1, new Object[] {INTEGER});
        load(F);
        load(IN);
        load(SP);
        gas();
        call(INVOKESTATIC, BASE, "failed", "(IL" + FRAME + ";L" + CODE + ";IJ)" + EXIT);
        m.visitInsn(ARETURN);
      }
      m.visitMaxs(0, 0);
      m.visitEnd();
    }

    /** Goes on at the entry that the frame names, here or in another chunk. */
    private void dispatch() {
      mark(dispatch);
      List<Integer> blocks = chunks.get(chunk - 1);
      int[] keys =
          IntStream.range(blocks.get(0), code.last(blocks.get(blocks.size() - 1)))
              .filter(ip -> entries[ip] == chunk)
              .toArray();
      Label[] targets = Arrays.stream(keys).mapToObj(this::label).toArray(Label[]::new);
      Label elsewhere = new Label();
      load(F);
      m.visitFieldInsn(GETFIELD, FRAME, "pc", "I");
      m.visitLookupSwitchInsn(elsewhere, keys, targets);
      mark(elsewhere);
      load(F);
      place(0);
      gas();
      call(INVOKEVIRTUAL, FRAME, "leave", "(IJ)" + EXIT);
      m.visitInsn(ARETURN);
    }

    private Label label(int ip) {
      return labels.computeIfAbsent(ip, any -> new Label());
    }

    private void mark(Label label) {
      m.visitLabel(label);
      m.visitFrame(F_NEW, locals.length, locals, 0, new Object[0]);
    }

    private void load(int local) {
      m.visitVarInsn(local == SP ? ILOAD : ALOAD, local);
    }

    private void gas() {
      m.visitVarInsn(LLOAD, LEFT);
    }

    private void constant(int value) {
      if (value >= -1 && value <= 5) {
        m.visitInsn(ICONST_0 + value);
      } else if (value == (byte) value) {
        m.visitIntInsn(BIPUSH, value);
      } else if (value == (short) value) {
        m.visitIntInsn(SIPUSH, value);
      } else {
        m.visitLdcInsn(value);
      }
    }

    private void constant(long value) {
      if (value == 0 || value == 1) {
        m.visitInsn(value == 0 ? LCONST_0 : LCONST_1);
      } else if (value == (short) value) {
        constant((int) value);
        m.visitInsn(I2L);
      } else {
        m.visitLdcInsn(value);
      }
    }

    /** Reads the distance of a place: a signed number of 16 bits from {@code at} on. */
    private static int distance(long w, int at) {
      return (short) (w >>> at);
    }

    private void places(int... distances) {
      for (int distance : distances) {
        place(distance);
      }
    }

    private void place(int distance) {
      load(SP);
      if (distance != 0) {
        constant(distance);
        m.visitInsn(IADD);
      }
    }

    private void call(int how, String owner, String name, String descriptor) {
      m.visitMethodInsn(how, owner, name, descriptor, false);
    }

    private void words(String name, String descriptor) {
      call(INVOKESTATIC, WORDS, name, descriptor);
    }

    private void on(String name, String descriptor) {
      call(INVOKEVIRTUAL, INSTRUCTIONS, name, descriptor);
    }

    /** Keeps the gas that an instruction has left, on the stack, and ends when it has failed. */
    private void charge(int ip) {
      Label failure = new Label();
      failures.put(failure, code.next(ip));
      charge(failure);
    }

    /** Keeps the gas that is left, on the stack, and jumps when it is negative. */
    private void charge(Label negative) {
      m.visitInsn(DUP2);
      m.visitVarInsn(LSTORE, LEFT);
      m.visitInsn(LCONST_0);
      m.visitInsn(LCMP);
      m.visitJumpInsn(IFLT, negative);
    }

    // ---- blocks

    private void block(int start) {
      long header = ins[start];
      int needs = (int) (header >>> 32) & 0xffff;
      int grows = (int) (header >>> 48);
      Label refused = new Label();
      mark(label(start));
      gas(header & 0xffffffffL, LSUB);
      charge(refused);
      if (needs > 0) {
        load(SP);
        constant(Frame.GUARD + needs);
        m.visitJumpInsn(IF_ICMPLT, refused);
      }
      if (grows > 0) {
        load(SP);
        constant(Frame.GUARD + Frame.STACK_LONGS - grows);
        m.visitJumpInsn(IF_ICMPGT, refused);
      }
      int ip = start + 1;
      for (; !isEnd((int) ins[ip] & 0xff); ip = code.next(ip)) {
        instruction(ip);
      }
      end(ip);
      mark(refused);
      load(F);
      constant((int) ins[start - 1]);
      load(SP);
      gas(header & 0xffffffffL, LADD);
      call(INVOKEVIRTUAL, FRAME, "exact", "(IIJ)" + EXIT);
      m.visitInsn(ARETURN);
    }

    private void instruction(int ip) {
      long w = ins[ip];
      long k = ins[ip + 1];
      int number = (int) (w >>> 56);
      int d = distance(w, D);
      int x = distance(w, A);
      int y = distance(w, B);
      switch ((int) w & 0xff) {
        case ADD -> binary("add", w);
        case SUB -> binary("sub", w);
        case MUL -> binary("mul", w);
        case DIV -> divide("div", w);
        case SDIV -> divide("sdiv", w);
        case MOD -> divide("mod", w);
        case SMOD -> divide("smod", w);
        case LT -> compare("lessThan", w);
        case SLT -> compare("signedLessThan", w);
        case EQ -> compare("equal", w);
        case AND -> binary("and", w);
        case OR -> binary("or", w);
        case XOR -> binary("xor", w);
        case BYTE -> binary("byteAt", w);
        case SHL -> binary("shl", w);
        case SHR -> binary("shr", w);
        case SAR -> binary("sar", w);
        case SIGNEXTEND -> binary("signExtend", w);
        case EXP -> {
          load(ON);
          operands(w);
          gas();
          on("exp", "([JIIIJ)J");
          charge(ip);
        }
        case ADDK -> withConstant("addSmall", w, k);
        case SUBK -> withConstant("subSmall", w, k);
        case EQK -> compare("equalSmall", w, k);
        case ANDK -> {
          load(S);
          place(d);
          load(S);
          place(x);
          m.visitInsn(LALOAD);
          constant(k);
          m.visitInsn(LAND);
          words("set", "([JIJ)V");
        }
        case LTK -> compare("lessThanSmall", w, k);
        case GTK -> compare("moreThanSmall", w, k);
        case SHLK -> {
          unary(w);
          constant((int) k);
          words("shiftLeft", "([JIII)V");
        }
        case SHRK -> {
          unary(w);
          constant((int) k);
          m.visitInsn(LCONST_0);
          words("shiftRight", "([JIIIJ)V");
        }
        case ISZERO -> {
          load(S);
          place(d);
          load(S);
          place(x);
          words("isZero", "([JI)J");
          words("set", "([JIJ)V");
        }
        case NOT -> {
          unary(w);
          words("not", "([JII)V");
        }
        case CLZ -> {
          load(S);
          place(d);
          constant(256);
          load(S);
          place(x);
          words("bitLength", "([JI)I");
          m.visitInsn(ISUB);
          m.visitInsn(I2L);
          words("set", "([JIJ)V");
        }
        case COPY -> {
          unary(w);
          words("copy", "([JII)V");
        }
        case CONSTANT -> {
          load(S);
          place(d);
          for (int i = 0; i < 4; i++) {
            constant(code.constants[(int) k + i]);
          }
          words("set", "([JIJJJJ)V");
        }
        case SMALL -> {
          load(S);
          place(d);
          constant(k);
          words("set", "([JIJ)V");
        }
        case ADDMOD, MULMOD -> {
          operands(w);
          place((int) k);
          scratch();
          words(((int) w & 0xff) == ADDMOD ? "addmod" : "mulmod", "([JIIII[J)V");
        }
        case MLOAD -> priced(ip, "mload", d, x);
        case MLOADK -> numbered(ip, "mloadAt", (int) k, d);
        case MSTORE -> priced(ip, "mstore", x, y);
        case MSTOREK -> numbered(ip, "mstoreAt", (int) k, y);
        case MSTORE8 -> priced(ip, "mstore8", x, y);
        case MCOPY -> priced(ip, "mcopy", x, y, (int) k);
        case KECCAK -> priced(ip, "keccak", d, x, y);
        case ENVIRONMENT -> {
          load(ON);
          load(F);
          constant(number);
          place(d);
          on("environment", "(L" + FRAME + ";II)V");
        }
        case QUERY -> numbered(ip, "query", number, d, x);
        case DATA_COPY -> numbered(ip, "copy", number, x, y, (int) k);
        case EXTCODECOPY -> priced(ip, "extCodeCopy", d - 4, d - 8, d - 12, d - 16);
        case CALLDATALOAD -> free("callDataLoad", d, x);
        case GAS -> {
          load(S);
          place(d);
          gas(k, LADD);
          words("set", "([JIJ)V");
        }
        case SSTORE -> {
          load(ON);
          load(F);
          place(x);
          place(y);
          gas();
          constant(k);
          on("sstore", "(L" + FRAME + ";IIJJ)J");
          charge(ip);
        }
        case SLOAD -> priced(ip, "sload", d, x);
        case TLOAD -> free("tload", d, x);
        case TSTORE -> priced(ip, "tstore", x, y);
        case LOG -> numbered(ip, "log", number, d);
        case CALL -> callee(ip, w, k);
        default -> throw new IllegalStateException("no such instruction: " + w);
      }
    }

    private void operands(long w) {
      load(S);
      place(distance(w, D));
      place(distance(w, A));
      place(distance(w, B));
    }

    private void unary(long w) {
      load(S);
      place(distance(w, D));
      place(distance(w, A));
    }

    private void scratch() {
      load(ON);
      m.visitFieldInsn(GETFIELD, INSTRUCTIONS, "scratch", "[J");
    }

    private void binary(String name, long w) {
      operands(w);
      words(name, "([JIII)V");
    }

    private void divide(String name, long w) {
      operands(w);
      scratch();
      words(name, "([JIII[J)V");
    }

    private void compare(String name, long w) {
      load(S);
      place(distance(w, D));
      test(name, w);
      words("set", "([JIJ)V");
    }

    /** Puts the number 0 or 1 on the stack. */
    private void test(String name, long w) {
      load(S);
      place(distance(w, A));
      place(distance(w, B));
      words(name, "([JII)J");
    }

    private void compare(String name, long w, long k) {
      load(S);
      place(distance(w, D));
      load(S);
      place(distance(w, A));
      constant(k);
      words(name, "([JIJ)J");
      words("set", "([JIJ)V");
    }

    private void withConstant(String name, long w, long k) {
      unary(w);
      constant(k);
      words(name, "([JIIJ)V");
    }

    /** An instruction with places in a frame. */
    private void free(String name, int... places) {
      load(ON);
      load(F);
      places(places);
      on(name, "(L" + FRAME + ";" + "I".repeat(places.length) + ")V");
    }

    /** An instruction with places in a frame that takes gas. */
    private void priced(int ip, String name, int... places) {
      load(ON);
      load(F);
      places(places);
      gas();
      on(name, "(L" + FRAME + ";" + "I".repeat(places.length) + "J)J");
      charge(ip);
    }

    /** The same with a number before the places. */
    private void numbered(int ip, String name, int number, int... places) {
      load(ON);
      load(F);
      constant(number);
      places(places);
      gas();
      on(name, "(L" + FRAME + ";I" + "I".repeat(places.length) + "J)J");
      charge(ip);
    }

    /** Puts the gas that is left on the stack, with a number added or taken away. */
    private void gas(long k, int operation) {
      gas();
      constant(k);
      m.visitInsn(operation);
    }

    private void callee(int ip, long w, long k) {
      Label suspended = new Label();
      Label resumed = label(ip + 1);
      load(ON);
      load(F);
      constant((int) (w >>> 56));
      place(distance(w, D));
      place(distance(w, A));
      constant(ip + 1);
      load(SP);
      gas(k, LADD);
      on("call", "(L" + FRAME + ";IIIIIJ)" + EXIT);
      m.visitInsn(DUP);
      m.visitJumpInsn(IFNONNULL, suspended);
      m.visitInsn(POP);
      load(F);
      m.visitFieldInsn(GETFIELD, FRAME, "gas", "J");
      m.visitVarInsn(LSTORE, LEFT);
      m.visitJumpInsn(GOTO, resumed);
      m.visitLabel(suspended);
      m.visitFrame(F_NEW, locals.length, locals, 1, new Object[] {FRAME + "$Exit"});
      m.visitInsn(ARETURN);
      mark(resumed);
      gas(k, LSUB);
      charge(ip);
    }

    // ---- ends of blocks

    private void end(int ip) {
      long w = ins[ip];
      int op = (int) w & 0xff;
      int next = code.next(ip) + 1;
      switch (op) {
        case FALL -> {
          height(w);
          goTo(next);
        }
        case JUMP -> {
          height(w);
          goTo((int) ins[ip + 1]);
        }
        case JUMP_TO -> {
          destination(w, A);
          height(w);
          m.visitJumpInsn(GOTO, dispatch);
        }
        case JNZ, JZ -> {
          load(S);
          place(distance(w, A));
          words("isZero", "([JI)J");
          branch(ip, op == JNZ);
        }
        case JLT, JGE -> {
          test("lessThan", w);
          branch(ip, op == JGE);
        }
        case JEQ, JNE -> {
          test("equal", w);
          branch(ip, op == JNE);
        }
        case JNZ_TO -> {
          Label stays = new Label();
          load(S);
          place(distance(w, A));
          words("isZero", "([JI)J");
          m.visitInsn(L2I);
          m.visitJumpInsn(IFNE, stays);
          destination(w, B);
          height(w);
          m.visitJumpInsn(GOTO, dispatch);
          mark(stays);
          height(w);
          goTo(next);
        }
        case STOP -> {
          load(F);
          gas();
          call(INVOKEVIRTUAL, FRAME, "stop", "(J)" + EXIT);
          m.visitInsn(ARETURN);
        }
        case RegisterCode.RETURN, REVERT -> {
          load(F);
          place(distance(w, A));
          place(distance(w, B));
          gas();
          m.visitInsn(op == REVERT ? ICONST_1 : ICONST_0);
          call(INVOKEVIRTUAL, FRAME, "end", "(IIJZ)" + EXIT);
          m.visitInsn(ARETURN);
        }
        case SELFDESTRUCT -> {
          load(ON);
          load(F);
          place(distance(w, A));
          gas();
          on("selfdestruct", "(L" + FRAME + ";IJ)" + EXIT);
          m.visitInsn(ARETURN);
        }
        case UNDEFINED -> halt(Instructions.undefined((int) (w >>> 56)));
        case BAD_JUMP -> halt(Instructions.INVALID_JUMP);
        default -> throw new IllegalStateException("no such end of a block: " + w);
      }
    }

    private void height(long w) {
      int change = distance(w, D);
      if (change != 0) {
        m.visitIincInsn(SP, change);
      }
    }

    private void goTo(int block) {
      if (chunkOf[block] == chunk) {
        m.visitJumpInsn(GOTO, label(block));
        return;
      }
      load(F);
      constant(block);
      place(0);
      gas();
      call(INVOKEVIRTUAL, FRAME, "leave", "(IIJ)" + EXIT);
      m.visitInsn(ARETURN);
    }

    /** Tells the frame the block of the jump destination that is a word of the stack. */
    private void destination(long w, int at) {
      load(F);
      load(IN);
      load(S);
      place(distance(w, at));
      call(INVOKEVIRTUAL, CODE, "block", "([JI)I");
      m.visitFieldInsn(PUTFIELD, FRAME, "pc", "I");
    }

    /** Jumps when the number on the stack is 0, or when it is not. */
    private void branch(int ip, boolean whenZero) {
      int target = (int) ins[ip + 1];
      m.visitInsn(L2I);
      height(ins[ip]);
      if (chunkOf[target] == chunk) {
        m.visitJumpInsn(whenZero ? IFEQ : IFNE, label(target));
      } else {
        Label stays = new Label();
        m.visitJumpInsn(whenZero ? IFNE : IFEQ, stays);
        goTo(target);
        mark(stays);
      }
      goTo(code.next(ip) + 1);
    }

    private void halt(String reason) {
      load(F);
      m.visitLdcInsn(reason);
      call(INVOKEVIRTUAL, FRAME, "halt", "(Ljava/lang/String;)" + EXIT);
      m.visitInsn(ARETURN);
    }
  }
}
