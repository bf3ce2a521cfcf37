// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import static dev.patchbay.evm.RegisterCode.*;

import org.jspecify.annotations.Nullable;

/**
 * Runs code in register form. What it leaves behind, reads and announces is what {@link
 * Interpreter} leaves, reads and announces: a block that cannot be paid or that the stack does not
 * allow is handed to it, so that both halt for the same reason.
 *
 * <p>The gas of a block is taken at its start. Instructions that see gas (GAS, SSTORE's sentry, the
 * calls' 63/64) add what is prepaid for those after them. One that finds too little for its dynamic
 * price changes nothing, and the frame is handed over there with what was prepaid: calls, logs and
 * reads that the per-opcode loop still reaches happen.
 */
final class RegisterInterpreter {
  private final Instructions instructions;

  /** Blocks that may still run before the frame is handed over. */
  private long patience;

  private @Nullable CompiledCode successor;

  RegisterInterpreter(Instructions instructions) {
    this.instructions = instructions;
  }

  /**
   * Runs a frame that has {@link Frame#registers} until it ends, asks for a callee, or is handed
   * over.
   */
  Frame.Exit run(Frame f, RegisterCode code) {
    patience = Long.MAX_VALUE;
    return loop(f, code);
  }

  /** Runs a frame likewise, or until its code turns out to be hot: then it stands at a block. */
  Frame.Exit runUntilHot(Frame f, RegisterCode code) {
    patience = code.patience;
    Frame.Exit exit = loop(f, code);
    code.patience = patience;
    return exit;
  }

  /** Runs a frame likewise, or until bytecode can go on with it: then it stands at an entry. */
  Frame.Exit runUntil(CompiledCode bytecode, Frame f, RegisterCode code) {
    patience = 0;
    successor = bytecode;
    Frame.Exit exit = loop(f, code);
    successor = null;
    return exit;
  }

  private Frame.Exit loop(Frame f, RegisterCode code) {
    final Instructions on = instructions;
    final long[] ins = code.instructions;
    final long[] s = f.stack;
    final long[] scratch = on.scratch;
    long gas = f.gas;
    int ip = f.pc;
    int sp = f.window;
    boolean resumed = f.resumed;
    f.resumed = false;
    long failure;

    blocks:
    while (true) {
      if (resumed) {
        resumed = false;
        if ((gas -= ins[ip++]) < 0) {
          failure = gas;
          break;
        }
      } else {
        if (--patience < 0 && (successor == null || successor.isEntry(ip))) {
          f.gas = gas;
          f.pc = ip;
          f.window = sp;
          return Frame.Exit.HOT;
        }
        long header = ins[ip++];
        int needs = (int) (header >>> 32) & 0xffff;
        int grows = (int) (header >>> 48);
        if ((gas -= header & 0xffffffffL) < 0
            || sp - Frame.GUARD < needs
            || sp + grows > Frame.GUARD + Frame.STACK_LONGS) {
          return f.exact((int) ins[ip - 2], sp, gas + (header & 0xffffffffL));
        }
      }
      while (true) {
        long w = ins[ip++];
        int d = sp + (short) (w >>> 8);
        int a = sp + (short) (w >>> 24);
        int b = sp + (short) (w >>> 40);
        switch ((int) w & 0xff) {
          case ADD -> Words.add(s, d, a, b);
          case SUB -> Words.sub(s, d, a, b);
          case MUL -> Words.mul(s, d, a, b);
          case DIV -> Words.div(s, d, a, b, scratch);
          case SDIV -> Words.sdiv(s, d, a, b, scratch);
          case MOD -> Words.mod(s, d, a, b, scratch);
          case SMOD -> Words.smod(s, d, a, b, scratch);
          case LT -> Words.set(s, d, Words.lessThan(s, a, b));
          case SLT -> Words.set(s, d, Words.signedLessThan(s, a, b));
          case EQ -> Words.set(s, d, Words.equal(s, a, b));
          case AND -> Words.and(s, d, a, b);
          case OR -> Words.or(s, d, a, b);
          case XOR -> Words.xor(s, d, a, b);
          case BYTE -> Words.byteAt(s, d, a, b);
          case SHL -> Words.shl(s, d, a, b);
          case SHR -> Words.shr(s, d, a, b);
          case SAR -> Words.sar(s, d, a, b);
          case SIGNEXTEND -> Words.signExtend(s, d, a, b);
          case EXP -> {
            if ((gas = on.exp(s, d, a, b, gas)) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case ADDK -> Words.addSmall(s, d, a, ins[ip++]);
          case SUBK -> Words.subSmall(s, d, a, ins[ip++]);
          case EQK -> Words.set(s, d, Words.equalSmall(s, a, ins[ip++]));
          case ANDK -> Words.set(s, d, s[a] & ins[ip++]);
          case LTK -> Words.set(s, d, Words.lessThanSmall(s, a, ins[ip++]));
          case GTK -> Words.set(s, d, Words.moreThanSmall(s, a, ins[ip++]));
          case SHLK -> Words.shiftLeft(s, d, a, (int) ins[ip++]);
          case SHRK -> Words.shiftRight(s, d, a, (int) ins[ip++], 0);
          case ISZERO -> Words.set(s, d, Words.isZero(s, a));
          case NOT -> Words.not(s, d, a);
          case CLZ -> Words.set(s, d, 256 - Words.bitLength(s, a));
          case COPY -> Words.copy(s, d, a);
          case CONSTANT -> {
            long[] k = code.constants;
            int from = (int) ins[ip++];
            Words.set(s, d, k[from], k[from + 1], k[from + 2], k[from + 3]);
          }
          case SMALL -> Words.set(s, d, ins[ip++]);
          case ADDMOD -> Words.addmod(s, d, a, b, sp + (int) ins[ip++], scratch);
          case MULMOD -> Words.mulmod(s, d, a, b, sp + (int) ins[ip++], scratch);
          case MLOAD -> {
            if ((gas = on.mload(f, d, a, gas)) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case MLOADK -> {
            if ((gas = on.mloadAt(f, (int) ins[ip++], d, gas)) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case MSTORE -> {
            if ((gas = on.mstore(f, a, b, gas)) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case MSTOREK -> {
            if ((gas = on.mstoreAt(f, (int) ins[ip++], b, gas)) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case MSTORE8 -> {
            if ((gas = on.mstore8(f, a, b, gas)) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case MCOPY -> {
            if ((gas = on.mcopy(f, a, b, sp + (int) ins[ip++], gas)) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case KECCAK -> {
            if ((gas = on.keccak(f, d, a, b, gas)) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case ENVIRONMENT -> on.environment(f, (int) (w >>> 56), d);
          case QUERY -> {
            if ((gas = on.query(f, (int) (w >>> 56), d, a, gas)) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case DATA_COPY -> {
            if ((gas = on.copy(f, (int) (w >>> 56), a, b, sp + (int) ins[ip++], gas)) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case EXTCODECOPY -> {
            if ((gas = on.extCodeCopy(f, d - 4, d - 8, d - 12, d - 16, gas)) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case CALLDATALOAD -> on.callDataLoad(f, d, a);
          case GAS -> Words.set(s, d, gas + ins[ip++]);
          case SSTORE -> {
            if ((gas = on.sstore(f, a, b, gas, ins[ip++])) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case SLOAD -> {
            if ((gas = on.sload(f, d, a, gas)) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case TLOAD -> on.tload(f, d, a);
          case TSTORE -> {
            if ((gas = on.tstore(f, a, b, gas)) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case LOG -> {
            if ((gas = on.log(f, (int) (w >>> 56), d, gas)) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case CALL -> {
            Frame.Exit exit = on.call(f, (int) (w >>> 56), d, a, ip, sp, gas + ins[ip]);
            if (exit != null) {
              return exit;
            }
            if ((gas = f.gas - ins[ip++]) < 0) {
              failure = gas;
              break blocks;
            }
          }
          case FALL -> {
            sp = d;
            ip++;
            continue blocks;
          }
          case JUMP -> {
            sp = d;
            ip = (int) ins[ip];
            continue blocks;
          }
          case JUMP_TO -> {
            sp = d;
            if ((ip = code.block(s, a)) == 0) {
              return f.halt(Instructions.INVALID_JUMP);
            }
            continue blocks;
          }
          case JNZ -> {
            sp = d;
            ip = (s[a] | s[a + 1] | s[a + 2] | s[a + 3]) != 0 ? (int) ins[ip] : ip + 2;
            continue blocks;
          }
          case JZ -> {
            sp = d;
            ip = (s[a] | s[a + 1] | s[a + 2] | s[a + 3]) == 0 ? (int) ins[ip] : ip + 2;
            continue blocks;
          }
          case JLT -> {
            sp = d;
            ip = Words.lessThan(s, a, b) != 0 ? (int) ins[ip] : ip + 2;
            continue blocks;
          }
          case JGE -> {
            sp = d;
            ip = Words.lessThan(s, a, b) == 0 ? (int) ins[ip] : ip + 2;
            continue blocks;
          }
          case JEQ -> {
            sp = d;
            ip = Words.equal(s, a, b) != 0 ? (int) ins[ip] : ip + 2;
            continue blocks;
          }
          case JNE -> {
            sp = d;
            ip = Words.equal(s, a, b) == 0 ? (int) ins[ip] : ip + 2;
            continue blocks;
          }
          case JNZ_TO -> {
            sp = d;
            if (Words.isZero(s, a) != 0) {
              ip++;
            } else if ((ip = code.block(s, b)) == 0) {
              return f.halt(Instructions.INVALID_JUMP);
            }
            continue blocks;
          }
          case STOP -> {
            return f.stop(gas);
          }
          case RETURN, REVERT -> {
            return f.end(a, b, gas, ((int) w & 0xff) == REVERT);
          }
          case SELFDESTRUCT -> {
            return on.selfdestruct(f, a, gas);
          }
          case UNDEFINED -> {
            return f.halt(Instructions.undefined((int) (w >>> 56)));
          }
          case BAD_JUMP -> {
            return f.halt(Instructions.INVALID_JUMP);
          }
          default -> throw new IllegalStateException("no such instruction: " + w);
        }
      }
    }
    return code.failed(f, ip, sp, failure);
  }
}
