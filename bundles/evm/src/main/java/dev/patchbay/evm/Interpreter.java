// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.api.tracing.Tracer;
import org.jspecify.annotations.Nullable;

/**
 * The per-opcode loop: one instruction at a time, gas and stack checked before each. A call or
 * creation leaves the loop; {@link Machine} runs the callee and comes back, so Java's stack does
 * not grow with the depth of calls.
 */
final class Interpreter {
  private final Machine machine;
  private final Instructions instructions;
  private final boolean adaptive;
  private final GasSchedule schedule;
  private final @Nullable Tracer tracer;
  private final @Nullable TracedStep step;

  /** With {@code adaptive}, frames leave the loop when their code is hot. */
  Interpreter(
      Machine machine, Instructions instructions, boolean adaptive, @Nullable Tracer tracer) {
    this.machine = machine;
    this.instructions = instructions;
    this.adaptive = adaptive;
    this.schedule = machine.schedule;
    boolean steps = tracer != null && tracer.tracesSteps();
    this.tracer = steps ? tracer : null;
    this.step = steps ? new TracedStep(machine.state) : null;
  }

  /**
   * Runs a frame until it ends, asks for a callee, or turns out to be hot: then it stands at a jump
   * destination.
   */
  Frame.Exit run(Frame f) {
    final Instructions on = instructions;
    final long[] scratch = on.scratch;
    final Code running = f.code;
    final boolean mayHeat = adaptive && !f.exact;
    final long[] s = f.stack;
    final byte[] code = f.code.padded;
    final int base = Frame.GUARD;
    final int limit = base + Frame.STACK_LONGS;
    final int[] cost = schedule.cost;
    final int[] needs = schedule.needs;
    final int[] grows = schedule.grows;
    final Tracer watcher = tracer;
    int pc = f.pc;
    int sp = f.sp;
    long gas = f.gas;
    String error;

    loop:
    while (true) {
      int op = code[pc] & 0xff;
      if (pc >= f.code.length) {
        op = 0;
      }
      if (watcher != null && step != null) {
        f.gas = gas;
        f.sp = sp;
        watcher.onStep(step.at(f, pc, op));
      }
      int price = cost[op];
      if (price < 0) {
        error = Instructions.undefined(op);
        break;
      }
      if (sp - base < needs[op]) {
        error = "stack underflow (" + (sp - base) / 4 + " <=> " + needs[op] / 4 + ")";
        break;
      }
      if (sp + grows[op] > limit) {
        error = "stack limit reached 1024 (1023)";
        break;
      }
      long before = gas;
      if ((gas -= price) < 0) {
        error = Instructions.OUT_OF_GAS;
        break;
      }
      int next = pc + 1;
      switch (op) {
        case 0x00 -> {
          end(f, pc, sp, gas, before);
          return Frame.Exit.STOP;
        }
        case 0x01 -> Words.add(s, sp - 8, sp - 4, sp - 8);
        case 0x02 -> Words.mul(s, sp - 8, sp - 4, sp - 8);
        case 0x03 -> Words.sub(s, sp - 8, sp - 4, sp - 8);
        case 0x04 -> Words.div(s, sp - 8, sp - 4, sp - 8, scratch);
        case 0x05 -> Words.sdiv(s, sp - 8, sp - 4, sp - 8, scratch);
        case 0x06 -> Words.mod(s, sp - 8, sp - 4, sp - 8, scratch);
        case 0x07 -> Words.smod(s, sp - 8, sp - 4, sp - 8, scratch);
        case 0x08 -> Words.addmod(s, sp - 12, sp - 4, sp - 8, sp - 12, scratch);
        case 0x09 -> Words.mulmod(s, sp - 12, sp - 4, sp - 8, sp - 12, scratch);
        case 0x0a -> gas = on.exp(s, sp - 8, sp - 4, sp - 8, gas);
        case 0x0b -> Words.signExtend(s, sp - 8, sp - 4, sp - 8);
        case 0x10 -> Words.set(s, sp - 8, Words.lessThan(s, sp - 4, sp - 8));
        case 0x11 -> Words.set(s, sp - 8, Words.lessThan(s, sp - 8, sp - 4));
        case 0x12 -> Words.set(s, sp - 8, Words.signedLessThan(s, sp - 4, sp - 8));
        case 0x13 -> Words.set(s, sp - 8, Words.signedLessThan(s, sp - 8, sp - 4));
        case 0x14 -> Words.set(s, sp - 8, Words.equal(s, sp - 4, sp - 8));
        case 0x15 -> Words.set(s, sp - 4, Words.isZero(s, sp - 4));
        case 0x16 -> Words.and(s, sp - 8, sp - 4, sp - 8);
        case 0x17 -> Words.or(s, sp - 8, sp - 4, sp - 8);
        case 0x18 -> Words.xor(s, sp - 8, sp - 4, sp - 8);
        case 0x19 -> Words.not(s, sp - 4, sp - 4);
        case 0x1a -> Words.byteAt(s, sp - 8, sp - 4, sp - 8);
        case 0x1b -> Words.shl(s, sp - 8, sp - 4, sp - 8);
        case 0x1c -> Words.shr(s, sp - 8, sp - 4, sp - 8);
        case 0x1d -> Words.sar(s, sp - 8, sp - 4, sp - 8);
        case 0x1e -> Words.set(s, sp - 4, 256 - Words.bitLength(s, sp - 4));
        case 0x20 -> gas = on.keccak(f, sp - 8, sp - 4, sp - 8, gas);
        case 0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3a, 0x3d -> on.environment(f, op, sp);
        case 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x4a, 0x4b, 0x59 ->
            on.environment(f, op, sp);
        case 0x31, 0x3b, 0x3f, 0x40, 0x49 -> gas = on.query(f, op, sp - 4, sp - 4, gas);
        case 0x35 -> on.callDataLoad(f, sp - 4, sp - 4);
        case 0x37, 0x39, 0x3e -> gas = on.copy(f, op, sp - 4, sp - 8, sp - 12, gas);
        case 0x3c -> gas = on.extCodeCopy(f, sp - 4, sp - 8, sp - 12, sp - 16, gas);
        case 0x50, 0x5b -> {}
        case 0x51 -> gas = on.mload(f, sp - 4, sp - 4, gas);
        case 0x52 -> gas = on.mstore(f, sp - 4, sp - 8, gas);
        case 0x53 -> gas = on.mstore8(f, sp - 4, sp - 8, gas);
        case 0x54 -> gas = on.sload(f, sp - 4, sp - 4, gas);
        case 0x55 -> gas = on.sstore(f, sp - 4, sp - 8, gas, 0);
        case 0x56, 0x57 -> {
          if (op == 0x56 || Words.isZero(s, sp - 8) == 0) {
            if (f.isLarge(sp - 4) || !running.isJumpDestination(s[sp - 4])) {
              error = Instructions.INVALID_JUMP;
              break loop;
            }
            next = (int) s[sp - 4];
            if (running.heat() && mayHeat) {
              f.pc = next;
              f.sp = sp + grows[op];
              f.gas = gas;
              return Frame.Exit.HOT;
            }
          }
        }
        case 0x58 -> Words.set(s, sp, pc);
        case 0x5a -> Words.set(s, sp, gas);
        case 0x5c -> on.tload(f, sp - 4, sp - 4);
        case 0x5d -> gas = on.tstore(f, sp - 4, sp - 8, gas);
        case 0x5e -> gas = on.mcopy(f, sp - 4, sp - 8, sp - 12, gas);
        case 0x5f -> Words.set(s, sp, 0);
        case 0x60 -> {
          Words.set(s, sp, code[pc + 1] & 0xff);
          next = pc + 2;
        }
        case 0x61,
            0x62,
            0x63,
            0x64,
            0x65,
            0x66,
            0x67,
            0x68,
            0x69,
            0x6a,
            0x6b,
            0x6c,
            0x6d,
            0x6e,
            0x6f,
            0x70,
            0x71,
            0x72,
            0x73,
            0x74,
            0x75,
            0x76,
            0x77,
            0x78,
            0x79,
            0x7a,
            0x7b,
            0x7c,
            0x7d,
            0x7e,
            0x7f -> {
          int length = op - 0x5f;
          pushBytes(code, pc + 1, length, s, sp);
          next = pc + 1 + length;
        }
        case 0x80,
            0x81,
            0x82,
            0x83,
            0x84,
            0x85,
            0x86,
            0x87,
            0x88,
            0x89,
            0x8a,
            0x8b,
            0x8c,
            0x8d,
            0x8e,
            0x8f ->
            Words.copy(s, sp, sp - ((op - 0x7f) << 2));
        case 0x90,
            0x91,
            0x92,
            0x93,
            0x94,
            0x95,
            0x96,
            0x97,
            0x98,
            0x99,
            0x9a,
            0x9b,
            0x9c,
            0x9d,
            0x9e,
            0x9f ->
            Words.swap(s, sp - 4, sp - ((op - 0x8e) << 2));
        case 0xa0, 0xa1, 0xa2, 0xa3, 0xa4 -> gas = on.log(f, op - 0xa0, sp, gas);
        case 0xf0, 0xf5 -> {
          long left = on.prepareCreate(f, op, sp, gas);
          if (left < 0) {
            gas = left;
            break;
          }
          stepEnd(before, left + f.granted);
          f.pc = next;
          f.sp = sp + grows[op];
          f.gas = left;
          if (machine.create(f, op, sp)) {
            return Frame.Exit.CALL;
          }
          gas = f.gas;
          pc = next;
          sp = f.sp;
          continue;
        }
        case 0xf1, 0xf2, 0xf4, 0xfa -> {
          long left = on.prepareCall(f, op, sp, gas);
          if (left < 0) {
            gas = left;
            break;
          }
          stepEnd(before, left);
          f.pc = next;
          f.sp = sp + grows[op];
          f.gas = left;
          if (machine.call(f, op, sp)) {
            return Frame.Exit.CALL;
          }
          gas = f.gas;
          pc = next;
          sp = f.sp;
          continue;
        }
        case 0xf3, 0xfd -> {
          gas = f.expand(gas, sp - 4, sp - 8);
          if (gas >= 0) {
            f.memoryAt(sp - 4, sp - 8, f.output);
            end(f, pc, sp, gas, before);
            return op == 0xf3 ? Frame.Exit.RETURN : Frame.Exit.REVERT;
          }
        }
        case 0xff -> {
          gas = on.prepareSelfdestruct(f, sp - 4, gas);
          if (gas >= 0) {
            end(f, pc, sp, gas, before);
            machine.selfdestruct(f, f.target);
            return Frame.Exit.STOP;
          }
        }
        default -> throw new IllegalStateException("no code for instruction " + op);
      }
      if (gas < 0) {
        error = Instructions.error(gas);
        break;
      }
      if (watcher != null) {
        watcher.onStepEnd(before - gas);
      }
      sp += grows[op];
      pc = next;
    }
    if (watcher != null && step != null) {
      watcher.onFault(step, error);
    }
    return f.halt(error);
  }

  private void end(Frame f, int pc, int sp, long gas, long before) {
    f.pc = pc;
    f.sp = sp;
    f.gas = gas;
    stepEnd(before, gas);
  }

  private void stepEnd(long before, long gas) {
    if (tracer != null) {
      tracer.onStepEnd(before - gas);
    }
  }

  static void pushBytes(byte[] code, int from, int length, long[] s, int word) {
    long w0 = 0;
    long w1 = 0;
    long w2 = 0;
    long w3 = 0;
    for (int i = 0; i < length; i++) {
      w3 = w3 << 8 | w2 >>> 56;
      w2 = w2 << 8 | w1 >>> 56;
      w1 = w1 << 8 | w0 >>> 56;
      w0 = w0 << 8 | (code[from + i] & 0xff);
    }
    s[word] = w0;
    s[word + 1] = w1;
    s[word + 2] = w2;
    s[word + 3] = w3;
  }
}
