// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.crypto.Keccak;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The per-opcode loop: one instruction at a time, gas and stack checked before each. A call or
 * creation leaves the loop; {@link Machine} runs the callee and comes back, so Java's stack does
 * not grow with the depth of calls.
 */
final class Interpreter {
  static final String OUT_OF_GAS = "out of gas";
  static final String INVALID_JUMP = "invalid jump destination";
  static final String WRITE_PROTECTION = "write protection";
  static final String RETURN_OUT_OF_BOUNDS = "return data out of bounds";

  private final Machine machine;
  private final EvmState state;
  private final BlockContext block;
  private final GasSchedule schedule;
  private final Fork fork;
  private final @Nullable Tracer tracer;
  private final @Nullable TracedStep step;
  private final long[] scratch = new long[Words.SCRATCH];
  private final long[] lanes = new long[Keccak.LANES];

  Interpreter(Machine machine, @Nullable Tracer tracer) {
    this.machine = machine;
    this.state = machine.state;
    this.block = machine.block;
    this.schedule = machine.schedule;
    this.fork = schedule.fork;
    boolean steps = tracer != null && tracer.tracesSteps();
    this.tracer = steps ? tracer : null;
    this.step = steps ? new TracedStep(state) : null;
  }

  /** Runs a frame until it ends or asks for a callee. */
  Frame.Exit run(Frame f) {
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
        error = op == 0xfe ? "invalid opcode: INVALID" : "invalid opcode: " + Opcodes.nameOf(op);
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
        error = OUT_OF_GAS;
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
        case 0x0a -> {
          int bits = Words.bitLength(s, sp - 8);
          gas -= (long) schedule.expByte * ((bits + 7) >> 3);
          if (gas < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          Words.exp(s, sp - 8, sp - 4, sp - 8, scratch);
        }
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
        case 0x20 -> {
          gas = f.expand(gas, sp - 4, sp - 8);
          if (gas < 0 || (gas -= 6 * words(s[sp - 8])) < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          int length = (int) s[sp - 8];
          Keccak.hash256(f.memory, length == 0 ? 0 : (int) s[sp - 4], length, s, sp - 8, lanes);
        }
        case 0x30 -> f.push(f.self.address, sp);
        case 0x31 -> {
          AccountEntry account = state.entry(f.addressAt(sp - 4));
          if ((gas -= coldAccount(account)) < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          f.push(account.balance, sp - 4);
        }
        case 0x32 -> f.push(machine.origin, sp);
        case 0x33 -> f.push(f.caller, sp);
        case 0x34 -> f.push(f.value, sp);
        case 0x35 -> callDataLoad(f, sp - 4);
        case 0x36 -> Words.set(s, sp, f.input.length);
        case 0x37 -> {
          gas = copyCost(f, gas, sp - 4, sp - 12);
          if (gas < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          f.copyToMemory(f.input, f.input.length, sp - 4, sp - 8, sp - 12);
        }
        case 0x38 -> Words.set(s, sp, f.code.length);
        case 0x39 -> {
          gas = copyCost(f, gas, sp - 4, sp - 12);
          if (gas < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          f.copyToMemory(code, f.code.length, sp - 4, sp - 8, sp - 12);
        }
        case 0x3a -> f.push(machine.gasPrice, sp);
        case 0x3b -> {
          AccountEntry account = state.entry(f.addressAt(sp - 4));
          if ((gas -= coldAccount(account)) < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          Words.set(s, sp - 4, state.code(account).length);
        }
        case 0x3c -> {
          AccountEntry account = state.entry(f.addressAt(sp - 4));
          gas = copyCost(f, gas, sp - 8, sp - 16);
          if (gas < 0 || (gas -= coldAccount(account)) < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          Code other = state.code(account);
          f.copyToMemory(other.padded, other.length, sp - 8, sp - 12, sp - 16);
        }
        case 0x3d -> Words.set(s, sp, f.returnData.length);
        case 0x3e -> {
          boolean outside =
              f.isLarge(sp - 8)
                  || f.isLarge(sp - 12)
                  || s[sp - 8] + s[sp - 12] > f.returnData.length;
          if (outside) {
            error = RETURN_OUT_OF_BOUNDS;
            break loop;
          }
          gas = copyCost(f, gas, sp - 4, sp - 12);
          if (gas < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          f.copyToMemory(f.returnData, f.returnData.length, sp - 4, sp - 8, sp - 12);
        }
        case 0x3f -> {
          AccountEntry account = state.entry(f.addressAt(sp - 4));
          if ((gas -= coldAccount(account)) < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          if (!account.exists || account.isEmpty()) {
            Words.set(s, sp - 4, 0);
          } else {
            f.push(account.codeHash.unsafeArray(), sp - 4);
          }
        }
        case 0x40 -> blockHash(f, sp - 4);
        case 0x41 -> f.push(block.coinbase(), sp);
        case 0x42 -> Words.set(s, sp, block.timestamp());
        case 0x43 -> Words.set(s, sp, block.number());
        case 0x44 -> {
          if (fork.includes(Fork.PARIS)) {
            f.push(block.prevRandao().unsafeArray(), sp);
          } else {
            f.push(block.difficulty(), sp);
          }
        }
        case 0x45 -> Words.set(s, sp, block.gasLimit());
        case 0x46 -> f.push(block.chainId(), sp);
        case 0x47 -> f.push(f.self.balance, sp);
        case 0x48 -> {
          UInt256 baseFee = block.baseFee();
          f.push(baseFee == null ? UInt256.ZERO : baseFee, sp);
        }
        case 0x49 -> {
          List<Hash> hashes = machine.blobHashes;
          if (f.isLarge(sp - 4) || s[sp - 4] >= hashes.size()) {
            Words.set(s, sp - 4, 0);
          } else {
            f.push(hashes.get((int) s[sp - 4]).unsafeArray(), sp - 4);
          }
        }
        case 0x4a -> f.push(block.blobBaseFee(), sp);
        case 0x50, 0x5b -> {}
        case 0x51 -> {
          if (f.isLarge(sp - 4) || (gas = f.expand(gas, s[sp - 4] + 32)) < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          f.loadWord(f.memory, (int) s[sp - 4], sp - 4);
        }
        case 0x52 -> {
          if (f.isLarge(sp - 4) || (gas = f.expand(gas, s[sp - 4] + 32)) < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          f.storeWord((int) s[sp - 4], sp - 8);
        }
        case 0x53 -> {
          if (f.isLarge(sp - 4) || (gas = f.expand(gas, s[sp - 4] + 1)) < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          f.memory[(int) s[sp - 4]] = (byte) s[sp - 8];
        }
        case 0x54 -> {
          int at = state.slot(f.self, s[sp - 4], s[sp - 3], s[sp - 2], s[sp - 1]);
          if (schedule.accessLists && !state.isSlotWarm(at)) {
            state.warmSlot(at);
            if ((gas -= schedule.coldSlot) < 0) {
              error = OUT_OF_GAS;
              break loop;
            }
          }
          System.arraycopy(state.slotEntries(), at + SlotTable.CURRENT, s, sp - 4, 4);
        }
        case 0x55 -> {
          if (f.isStatic) {
            error = WRITE_PROTECTION;
            break loop;
          }
          gas = store(f, gas, sp);
          if (gas < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
        }
        case 0x56 -> {
          if (f.isLarge(sp - 4) || !f.code.isJumpDestination(s[sp - 4])) {
            error = INVALID_JUMP;
            break loop;
          }
          next = (int) s[sp - 4];
        }
        case 0x57 -> {
          if (Words.isZero(s, sp - 8) == 0) {
            if (f.isLarge(sp - 4) || !f.code.isJumpDestination(s[sp - 4])) {
              error = INVALID_JUMP;
              break loop;
            }
            next = (int) s[sp - 4];
          }
        }
        case 0x58 -> Words.set(s, sp, pc);
        case 0x59 -> Words.set(s, sp, f.memorySize);
        case 0x5a -> Words.set(s, sp, gas);
        case 0x5c -> {
          int at = state.transientSlot(f.self, s[sp - 4], s[sp - 3], s[sp - 2], s[sp - 1]);
          System.arraycopy(state.transientEntries(), at + SlotTable.CURRENT, s, sp - 4, 4);
        }
        case 0x5d -> {
          if (f.isStatic) {
            error = WRITE_PROTECTION;
            break loop;
          }
          int at = state.transientSlot(f.self, s[sp - 4], s[sp - 3], s[sp - 2], s[sp - 1]);
          state.writeTransient(at, s[sp - 8], s[sp - 7], s[sp - 6], s[sp - 5]);
        }
        case 0x5e -> {
          gas = f.expand(gas, sp - 4, sp - 12);
          if (gas >= 0) {
            gas = copyCost(f, gas, sp - 8, sp - 12);
          }
          if (gas < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          if (s[sp - 12] != 0) {
            System.arraycopy(
                f.memory, (int) s[sp - 8], f.memory, (int) s[sp - 4], (int) s[sp - 12]);
          }
        }
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
        case 0xa0, 0xa1, 0xa2, 0xa3, 0xa4 -> {
          if (f.isStatic) {
            error = WRITE_PROTECTION;
            break loop;
          }
          gas = f.expand(gas, sp - 4, sp - 8);
          if (gas < 0 || (gas -= 8 * s[sp - 8]) < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          log(f, op - 0xa0, sp);
        }
        case 0xf0, 0xf5 -> {
          if (f.isStatic) {
            error = WRITE_PROTECTION;
            break loop;
          }
          boolean salted = op == 0xf5;
          gas = f.expand(gas, sp - 8, sp - 12);
          if (gas >= 0) {
            long words = words(s[sp - 12]);
            if (fork.includes(Fork.SHANGHAI)) {
              gas = s[sp - 12] > 49152 ? -1 : gas - 2 * words;
            }
            if (salted) {
              gas -= 6 * words;
            }
          }
          if (gas < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          int top = sp - (salted ? 16 : 12);
          f.pc = next;
          f.sp = top + 4;
          long granted = fork.includes(Fork.TANGERINE_WHISTLE) ? gas - (gas >>> 6) : gas;
          stepEnd(before, gas);
          f.gas = gas - granted;
          if (machine.create(f, salted, sp, granted)) {
            return Frame.Exit.CALL;
          }
          gas = f.gas;
          pc = next;
          sp = top + 4;
          continue;
        }
        case 0xf1, 0xf2, 0xf4, 0xfa -> {
          boolean hasValue = op == 0xf1 || op == 0xf2;
          boolean transfers = hasValue && Words.isZero(s, sp - 12) == 0;
          if (f.isStatic && transfers && op == 0xf1) {
            error = WRITE_PROTECTION;
            break loop;
          }
          int in = hasValue ? sp - 16 : sp - 12;
          gas = f.expand(gas, in, in - 4);
          if (gas >= 0) {
            gas = f.expand(gas, in - 8, in - 12);
          }
          AccountEntry target = state.entry(f.addressAt(sp - 8));
          if (gas >= 0) {
            gas -= coldAccount(target);
          }
          if (transfers) {
            gas -= 9000;
          }
          if (op == 0xf1 && machine.createsAccount(target, transfers)) {
            gas -= 25000;
          }
          if (gas < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          Code targetCode = state.code(target);
          if (fork.includes(Fork.PRAGUE) && targetCode.isDelegation()) {
            AccountEntry delegate = state.entry(Machine.delegate(targetCode));
            gas -= 100 + coldAccount(delegate);
            targetCode = machine.isPrecompile(delegate.address) ? Code.EMPTY : state.code(delegate);
          }
          if (gas < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          long granted;
          boolean huge = (s[sp - 3] | s[sp - 2] | s[sp - 1]) != 0 || s[sp - 4] < 0;
          if (fork.includes(Fork.TANGERINE_WHISTLE)) {
            long most = gas - (gas >>> 6);
            granted = huge || s[sp - 4] > most ? most : s[sp - 4];
          } else {
            granted = s[sp - 4];
            if (huge || granted > gas) {
              error = OUT_OF_GAS;
              break loop;
            }
          }
          gas -= granted;
          stepEnd(before, gas);
          int top = hasValue ? sp - 28 : sp - 24;
          f.pc = next;
          f.sp = top + 4;
          f.gas = gas;
          if (machine.call(f, op, target, targetCode, sp, in, granted)) {
            return Frame.Exit.CALL;
          }
          gas = f.gas;
          pc = next;
          sp = top + 4;
          continue;
        }
        case 0xf3, 0xfd -> {
          gas = f.expand(gas, sp - 4, sp - 8);
          if (gas < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          f.output = f.memoryAt(sp - 4, sp - 8);
          end(f, pc, sp, gas, before);
          return op == 0xf3 ? Frame.Exit.RETURN : Frame.Exit.REVERT;
        }
        case 0xff -> {
          if (f.isStatic) {
            error = WRITE_PROTECTION;
            break loop;
          }
          AccountEntry heir = state.entry(f.addressAt(sp - 4));
          if (schedule.accessLists && state.warm(heir)) {
            gas -= 2600;
          }
          if (fork.includes(Fork.TANGERINE_WHISTLE)
              && machine.createsAccount(heir, !f.self.balance.isZero())) {
            gas -= 25000;
          }
          if (gas < 0) {
            error = OUT_OF_GAS;
            break loop;
          }
          end(f, pc, sp, gas, before);
          machine.selfdestruct(f, heir);
          return Frame.Exit.STOP;
        }
        default -> throw new IllegalStateException("no code for instruction " + op);
      }
      if (watcher != null) {
        watcher.onStepEnd(before - gas);
      }
      sp += grows[op];
      pc = next;
    }
    f.error = error;
    if (watcher != null && step != null) {
      watcher.onFault(step, error);
    }
    f.gas = 0;
    return Frame.Exit.FAULT;
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

  private long coldAccount(AccountEntry account) {
    return schedule.accessLists && state.warm(account) ? schedule.coldAccount : 0;
  }

  private static long words(long bytes) {
    return (bytes + 31) >> 5;
  }

  private static long copyCost(Frame f, long gas, int target, int length) {
    long left = f.expand(gas, target, length);
    return left < 0 ? -1 : left - 3 * words(f.stack[length]);
  }

  private static void callDataLoad(Frame f, int word) {
    long[] s = f.stack;
    if (f.isLarge(word) || s[word] >= f.input.length) {
      Words.set(s, word, 0);
      return;
    }
    int offset = (int) s[word];
    if (offset + 32 <= f.input.length) {
      f.loadWord(f.input, offset, word);
    } else {
      f.loadWord(Arrays.copyOfRange(f.input, offset, offset + 32), 0, word);
    }
  }

  private void blockHash(Frame f, int word) {
    long[] s = f.stack;
    long number = block.number();
    long asked = s[word];
    boolean recent =
        (s[word + 1] | s[word + 2] | s[word + 3]) == 0
            && asked >= 0
            && asked < number
            && number - asked <= 256;
    Hash hash = recent ? block.blockHash().apply(asked) : null;
    if (hash == null) {
      Words.set(s, word, 0);
    } else {
      f.push(hash.unsafeArray(), word);
    }
  }

  private static void pushBytes(byte[] code, int from, int length, long[] s, int word) {
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

  private void log(Frame f, int topics, int sp) {
    List<Hash> list = new ArrayList<>(topics);
    for (int i = 0; i < topics; i++) {
      list.add(f.numberAt(sp - 12 - 4 * i).toHash());
    }
    Log log = new Log(f.self.address, list, Bytes.wrap(f.memoryAt(sp - 4, sp - 8)));
    state.log(log);
    machine.traceLog(log);
  }

  /** SSTORE under the rules of the fork: flat, EIP-1283, EIP-2200, EIP-2929 and EIP-3529. */
  private long store(Frame f, long available, int sp) {
    long gas = available;
    if (schedule.storeSentry && gas <= 2300) {
      return -1;
    }
    long[] s = f.stack;
    int at = state.slot(f.self, s[sp - 4], s[sp - 3], s[sp - 2], s[sp - 1]);
    if (schedule.accessLists && !state.isSlotWarm(at)) {
      state.warmSlot(at);
      gas -= 2100;
    }
    long[] e = state.slotEntries();
    int cur = at + SlotTable.CURRENT;
    int org = at + SlotTable.ORIGINAL;
    int val = sp - 8;
    boolean newZero = Words.isZero(s, val) != 0;
    boolean curZero = (e[cur] | e[cur + 1] | e[cur + 2] | e[cur + 3]) == 0;
    boolean same = equal(e, cur, s, val);
    if (!schedule.netMetering) {
      gas -= curZero && !newZero ? 20000 : 5000;
      if (!curZero && newZero) {
        state.addRefund(schedule.clearRefund);
      }
    } else if (same) {
      gas -= schedule.storeNoop;
    } else {
      boolean orgZero = (e[org] | e[org + 1] | e[org + 2] | e[org + 3]) == 0;
      if (equal(e, cur, e, org)) {
        gas -= orgZero ? 20000 : schedule.storeReset;
        if (!orgZero && newZero) {
          state.addRefund(schedule.clearRefund);
        }
      } else {
        gas -= schedule.storeNoop;
        if (!orgZero) {
          if (curZero) {
            state.addRefund(-schedule.clearRefund);
          } else if (newZero) {
            state.addRefund(schedule.clearRefund);
          }
        }
        if (equal(e, org, s, val)) {
          state.addRefund((orgZero ? 20000 : schedule.storeReset) - schedule.storeNoop);
        }
      }
    }
    if (gas < 0) {
      return -1;
    }
    if (!same) {
      state.writeSlot(at, s[val], s[val + 1], s[val + 2], s[val + 3]);
    }
    return gas;
  }

  private static boolean equal(long[] a, int i, long[] b, int j) {
    return ((a[i] ^ b[j]) | (a[i + 1] ^ b[j + 1]) | (a[i + 2] ^ b[j + 2]) | (a[i + 3] ^ b[j + 3]))
        == 0;
  }
}
