// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

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
 * What the loops have in common: the instructions that are more than arithmetic. Operands are
 * positions in the stack array, so that the per-opcode loop, the register form and bytecode can all
 * say where theirs are.
 *
 * <p>A method that can fail takes the gas left and returns what is left after it, the static price
 * aside. A negative number is a failure; {@link #error} names it. Where the gas does not suffice,
 * most return its complement and have changed nothing: a loop that has paid ahead for later
 * instructions can repeat the instruction with more ({@link RegisterCode#failed}).
 */
final class Instructions {
  static final String OUT_OF_GAS = "out of gas";
  static final String INVALID_JUMP = "invalid jump destination";
  private static final long WRITE_PROTECTION = Long.MIN_VALUE;
  private static final long RETURN_OUT_OF_BOUNDS = Long.MIN_VALUE + 1;
  private static final long NO_GAS_FOR_STORE = Long.MIN_VALUE + 2;

  private final Machine machine;
  private final EvmState state;
  private final BlockContext block;
  private final GasSchedule schedule;
  private final Fork fork;
  final long[] scratch = new long[Words.SCRATCH];
  private final long[] lanes = new long[Keccak.LANES];
  private final byte[] word = new byte[32];

  Instructions(Machine machine) {
    this.machine = machine;
    this.state = machine.state;
    this.block = machine.block;
    this.schedule = machine.schedule;
    this.fork = schedule.fork;
  }

  /** Returns whether a failure is that the gas does not suffice for a dynamic price. */
  static boolean lacksGas(long failure) {
    return failure > NO_GAS_FOR_STORE;
  }

  /** Returns the name of a failure. */
  static String error(long failure) {
    if (failure == WRITE_PROTECTION) {
      return "write protection";
    }
    if (failure == RETURN_OUT_OF_BOUNDS) {
      return "return data out of bounds";
    }
    return failure == NO_GAS_FOR_STORE
        ? OUT_OF_GAS + ": not enough gas for reentrancy sentry"
        : OUT_OF_GAS;
  }

  static String undefined(int op) {
    return op == 0xfe ? "invalid opcode: INVALID" : "invalid opcode: " + Opcodes.nameOf(op);
  }

  // ---- arithmetic with a price of its own

  long exp(long[] s, int d, int a, int exponent, long available) {
    int bits = Words.bitLength(s, exponent);
    long gas = available - (long) schedule.expByte * ((bits + 7) >> 3);
    if (gas < 0) {
      return ~available;
    }
    Words.exp(s, d, a, exponent, scratch);
    return gas;
  }

  long keccak(Frame f, int d, int offset, int length, long available) {
    long[] s = f.stack;
    long gas = f.expand(available - 6 * words(s[length]), offset, length);
    if (gas < 0) {
      return ~available;
    }
    int bytes = (int) s[length];
    Keccak.hash256(f.memory, bytes == 0 ? 0 : (int) s[offset], bytes, s, d, lanes);
    return gas;
  }

  // ---- environment

  /** Instructions without operands that put a word on the stack. */
  void environment(Frame f, int op, int d) {
    switch (op) {
      case 0x30 -> f.push(f.self.address, d);
      case 0x32 -> f.push(machine.origin, d);
      case 0x33 -> f.push(f.caller, d);
      case 0x34 -> f.push(f.value, d);
      case 0x36 -> Words.set(f.stack, d, f.input.length);
      case 0x38 -> Words.set(f.stack, d, f.code.length);
      case 0x3a -> f.push(machine.gasPrice, d);
      case 0x3d -> Words.set(f.stack, d, f.returnData.length);
      case 0x41 -> f.push(block.coinbase(), d);
      case 0x42 -> Words.set(f.stack, d, block.timestamp());
      case 0x43 -> Words.set(f.stack, d, block.number());
      case 0x44 -> {
        if (fork.includes(Fork.PARIS)) {
          f.push(block.prevRandao().unsafeArray(), d);
        } else {
          f.push(block.difficulty(), d);
        }
      }
      case 0x45 -> Words.set(f.stack, d, block.gasLimit());
      case 0x46 -> f.push(block.chainId(), d);
      case 0x47 -> f.push(f.self.balance, d);
      case 0x48 -> {
        UInt256 baseFee = block.baseFee();
        f.push(baseFee == null ? UInt256.ZERO : baseFee, d);
      }
      case 0x4a -> f.push(block.blobBaseFee(), d);
      case 0x4b -> Words.set(f.stack, d, block.slotNumber());
      case 0x59 -> Words.set(f.stack, d, f.memorySize);
      default -> throw new IllegalStateException("not an environment instruction: " + op);
    }
  }

  /** Instructions that replace one word: BALANCE, EXTCODESIZE, EXTCODEHASH, BLOCKHASH, BLOBHASH. */
  long query(Frame f, int op, int d, int a, long available) {
    long[] s = f.stack;
    if (op == 0x40) {
      blockHash(f, d, a);
      return available;
    }
    if (op == 0x49) {
      List<Hash> hashes = machine.blobHashes;
      if (f.isLarge(a) || s[a] >= hashes.size()) {
        Words.set(s, d, 0);
      } else {
        f.push(hashes.get((int) s[a]).unsafeArray(), d);
      }
      return available;
    }
    AccountEntry account = accountAt(s, a);
    long gas = available;
    if (schedule.accessLists && state.isCold(account)) {
      if ((gas -= schedule.coldAccount) < 0) {
        return ~available;
      }
      state.warm(account);
    }
    account.accessed = true;
    switch (op) {
      case 0x31 -> f.push(account.balance, d);
      case 0x3b -> Words.set(s, d, state.code(account).length);
      case 0x3f -> {
        if (!account.exists || account.isEmpty()) {
          Words.set(s, d, 0);
        } else {
          f.push(account.codeHash.unsafeArray(), d);
        }
      }
      default -> throw new IllegalStateException("not a query: " + op);
    }
    return gas;
  }

  private void blockHash(Frame f, int d, int a) {
    long[] s = f.stack;
    long number = block.number();
    long asked = s[a];
    boolean recent =
        (s[a + 1] | s[a + 2] | s[a + 3]) == 0
            && asked >= 0
            && asked < number
            && number - asked <= 256;
    Hash hash = recent ? block.blockHash().apply(asked) : null;
    if (hash == null) {
      Words.set(s, d, 0);
    } else {
      f.push(hash.unsafeArray(), d);
    }
  }

  void callDataLoad(Frame f, int d, int a) {
    long[] s = f.stack;
    Slice input = f.input;
    int length = input.length;
    if (f.isLarge(a) || s[a] >= length) {
      Words.set(s, d, 0);
      return;
    }
    int offset = (int) s[a];
    if (offset + 32 <= length) {
      f.loadWord(input.array, input.offset + offset, d);
    } else {
      Arrays.fill(word, (byte) 0);
      System.arraycopy(input.array, input.offset + offset, word, 0, length - offset);
      f.loadWord(word, 0, d);
    }
  }

  /** CALLDATACOPY, CODECOPY and RETURNDATACOPY. */
  long copy(Frame f, int op, int target, int from, int length, long available) {
    Slice data = op == 0x37 ? f.input : f.returnData;
    if (op == 0x3e
        && (f.isLarge(from)
            || f.isLarge(length)
            || f.stack[from] + f.stack[length] > data.length)) {
      return RETURN_OUT_OF_BOUNDS;
    }
    long gas = f.expand(available - 3 * words(f.stack[length]), target, length);
    if (gas < 0) {
      return ~available;
    }
    if (op == 0x39) {
      f.copyToMemory(f.code.padded, 0, f.code.length, target, from, length);
    } else {
      f.copyToMemory(data.array, data.offset, data.length, target, from, length);
    }
    return gas;
  }

  long extCodeCopy(Frame f, int account, int target, int from, int length, long available) {
    AccountEntry entry = accountAt(f.stack, account);
    boolean cold = schedule.accessLists && state.isCold(entry);
    long gas = available - 3 * words(f.stack[length]) - (cold ? schedule.coldAccount : 0);
    if ((gas = f.expand(gas, target, length)) < 0) {
      return ~available;
    }
    if (cold) {
      state.warm(entry);
    }
    entry.accessed = true;
    Code other = state.code(entry);
    f.copyToMemory(other.padded, 0, other.length, target, from, length);
    return gas;
  }

  // ---- memory

  long mload(Frame f, int d, int a, long available) {
    long[] s = f.stack;
    long gas = f.isLarge(a) ? -1 : f.expand(available, s[a] + 32);
    if (gas < 0) {
      return ~available;
    }
    f.loadWord(f.memory, (int) s[a], d);
    return gas;
  }

  /** MLOAD at an offset that is known, at most 2^30. */
  long mloadAt(Frame f, int offset, int d, long available) {
    long gas = available;
    if (offset + 32 > f.memorySize && (gas = f.expand(available, offset + 32)) < 0) {
      return ~available;
    }
    f.loadWord(f.memory, offset, d);
    return gas;
  }

  long mstore(Frame f, int a, int value, long available) {
    long[] s = f.stack;
    long gas = f.isLarge(a) ? -1 : f.expand(available, s[a] + 32);
    if (gas < 0) {
      return ~available;
    }
    f.storeWord((int) s[a], value);
    return gas;
  }

  /** MSTORE at an offset that is known, at most 2^30. */
  long mstoreAt(Frame f, int offset, int value, long available) {
    long gas = available;
    if (offset + 32 > f.memorySize && (gas = f.expand(available, offset + 32)) < 0) {
      return ~available;
    }
    f.storeWord(offset, value);
    return gas;
  }

  long mstore8(Frame f, int a, int value, long available) {
    long[] s = f.stack;
    long gas = f.isLarge(a) ? -1 : f.expand(available, s[a] + 1);
    if (gas < 0) {
      return ~available;
    }
    f.memory[(int) s[a]] = (byte) s[value];
    return gas;
  }

  long mcopy(Frame f, int target, int from, int length, long available) {
    long[] s = f.stack;
    long gas = available - 3 * words(s[length]);
    // the range that ends later comes first: what cannot be paid changes nothing
    boolean later = s[target] < s[from];
    gas = f.expand(gas, later ? from : target, length);
    if (gas < 0 || (gas = f.expand(gas, later ? target : from, length)) < 0) {
      return ~available;
    }
    if (s[length] != 0) {
      System.arraycopy(f.memory, (int) s[from], f.memory, (int) s[target], (int) s[length]);
    }
    return gas;
  }

  // ---- storage

  long sload(Frame f, int d, int key, long available) {
    long[] s = f.stack;
    long gas = available;
    int at = state.slot(f.self, s[key], s[key + 1], s[key + 2], s[key + 3]);
    if (schedule.accessLists && !state.isSlotWarm(at)) {
      if ((gas -= schedule.coldSlot) < 0) {
        return ~available;
      }
      state.warmSlot(at);
    }
    if (schedule.recordsAccesses) {
      state.accessSlot(at);
    }
    long[] e = state.slotEntries();
    s[d] = e[at + SlotTable.CURRENT];
    s[d + 1] = e[at + SlotTable.CURRENT + 1];
    s[d + 2] = e[at + SlotTable.CURRENT + 2];
    s[d + 3] = e[at + SlotTable.CURRENT + 3];
    return gas;
  }

  /**
   * SSTORE under the rules of the fork: flat, EIP-1283, EIP-2200, EIP-2929 and EIP-3529.
   *
   * @param prepaid gas that was taken for later instructions already, which the sentry counts
   */
  long sstore(Frame f, int key, int val, long available, long prepaid) {
    if (f.isStatic) {
      return WRITE_PROTECTION;
    }
    long gas = available;
    if (schedule.storeSentry && gas + prepaid <= 2300) {
      return NO_GAS_FOR_STORE;
    }
    long[] s = f.stack;
    int at = state.slot(f.self, s[key], s[key + 1], s[key + 2], s[key + 3]);
    int before = state.journalSize();
    if (schedule.accessLists && !state.isSlotWarm(at)) {
      state.warmSlot(at);
      gas -= 2100;
    }
    if (schedule.recordsAccesses) {
      state.accessSlot(at); // before the price is known: the value now is a part of it
    }
    long[] e = state.slotEntries();
    int cur = at + SlotTable.CURRENT;
    int org = at + SlotTable.ORIGINAL;
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
      state.revert(before);
      return ~available;
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

  void tload(Frame f, int d, int key) {
    long[] s = f.stack;
    int at = state.transientSlot(f.self, s[key], s[key + 1], s[key + 2], s[key + 3]);
    System.arraycopy(state.transientEntries(), at + SlotTable.CURRENT, s, d, 4);
  }

  long tstore(Frame f, int key, int value, long gas) {
    if (f.isStatic) {
      return WRITE_PROTECTION;
    }
    long[] s = f.stack;
    int at = state.transientSlot(f.self, s[key], s[key + 1], s[key + 2], s[key + 3]);
    state.writeTransient(at, s[value], s[value + 1], s[value + 2], s[value + 3]);
    return gas;
  }

  // ---- logs, calls, creations: operands where the stack has them, below sp

  long log(Frame f, int topics, int sp, long available) {
    if (f.isStatic) {
      return WRITE_PROTECTION;
    }
    long gas = f.expand(available - 8 * f.stack[sp - 8], sp - 4, sp - 8);
    if (gas < 0) {
      return ~available;
    }
    List<Hash> list = new ArrayList<>(topics);
    for (int i = 0; i < topics; i++) {
      list.add(f.numberAt(sp - 12 - 4 * i).toHash());
    }
    Log log = new Log(f.self.address, list, Bytes.wrap(f.memoryAt(sp - 4, sp - 8)));
    state.log(log);
    machine.traceLog(log);
    return gas;
  }

  /**
   * Prices a creation and decides what it gets; {@link Machine#create} is next.
   *
   * @return gas left without what was granted
   */
  long prepareCreate(Frame f, int op, int sp, long available) {
    if (f.isStatic) {
      return WRITE_PROTECTION;
    }
    boolean salted = op == 0xf5;
    long gas = f.expand(available, sp - 8, sp - 12);
    if (gas < 0) {
      return -1;
    }
    long size = f.stack[sp - 12];
    if (fork.includes(Fork.SHANGHAI)) {
      if (size > 49152) {
        return -1;
      }
      gas -= 2 * words(size);
    }
    if (salted) {
      gas -= 6 * words(size);
    }
    if (gas < 0) {
      return -1;
    }
    f.granted = fork.includes(Fork.TANGERINE_WHISTLE) ? gas - (gas >>> 6) : gas;
    return gas - f.granted;
  }

  /**
   * Prices a call, finds its target and code and decides what it gets; {@link Machine#call} is
   * next.
   *
   * @return gas left without what was granted
   */
  long prepareCall(Frame f, int op, int sp, long available) {
    long[] s = f.stack;
    boolean hasValue = op == 0xf1 || op == 0xf2;
    boolean transfers = hasValue && Words.isZero(s, sp - 12) == 0;
    if (f.isStatic && transfers && op == 0xf1) {
      return WRITE_PROTECTION;
    }
    int in = hasValue ? sp - 16 : sp - 12;
    long gas = f.expand(available, in, in - 4);
    if (gas >= 0) {
      gas = f.expand(gas, in - 8, in - 12);
    }
    AccountEntry target = accountAt(s, sp - 8);
    if (gas >= 0) {
      gas -= coldAccount(target);
    }
    if (transfers) {
      gas -= 9000;
    }
    if (gas < 0) {
      return -1;
    }
    target.accessed = true;
    if (op == 0xf1 && machine.createsAccount(target, transfers)) {
      gas -= 25000;
    }
    if (gas < 0) {
      return -1;
    }
    Code code = state.code(target);
    if (fork.includes(Fork.PRAGUE) && code.isDelegation()) {
      AccountEntry delegate = state.entry(Machine.delegate(code));
      gas -= 100 + coldAccount(delegate);
      if (gas < 0) {
        return -1;
      }
      delegate.accessed = true;
      code = machine.isPrecompile(delegate.address) ? Code.EMPTY : state.code(delegate);
    }
    boolean huge = (s[sp - 3] | s[sp - 2] | s[sp - 1]) != 0 || s[sp - 4] < 0;
    if (fork.includes(Fork.TANGERINE_WHISTLE)) {
      long most = gas - (gas >>> 6);
      f.granted = huge || s[sp - 4] > most ? most : s[sp - 4];
    } else if (huge || s[sp - 4] > gas) {
      return -1;
    } else {
      f.granted = s[sp - 4];
    }
    f.target = target;
    f.targetCode = code;
    return gas - f.granted;
  }

  /**
   * Calls or creates from the register form. The frame goes on at {@code pc} with the result in its
   * place, {@link Frame#gas} and the window.
   *
   * @param sp height of the stack with the operands
   * @param after height of the stack with the result
   * @return null when the call has ended already
   */
  Frame.@Nullable Exit call(
      Frame f, int op, int sp, int after, int pc, int window, long available) {
    boolean creates = op == 0xf0 || op == 0xf5;
    long gas = creates ? prepareCreate(f, op, sp, available) : prepareCall(f, op, sp, available);
    if (gas < 0) {
      return f.halt(error(gas));
    }
    f.gas = gas;
    f.pc = pc;
    f.window = window;
    f.sp = after;
    f.resumed = creates ? machine.create(f, op, sp) : machine.call(f, op, sp);
    return f.resumed ? Frame.Exit.CALL : null;
  }

  Frame.Exit selfdestruct(Frame f, int a, long available) {
    long gas = prepareSelfdestruct(f, a, available);
    if (gas < 0) {
      return f.halt(error(gas));
    }
    machine.selfdestruct(f, f.target);
    return f.stop(gas);
  }

  /** Prices SELFDESTRUCT; {@link Machine#selfdestruct} with {@link Frame#target} is next. */
  long prepareSelfdestruct(Frame f, int a, long available) {
    if (f.isStatic) {
      return WRITE_PROTECTION;
    }
    long gas = available;
    AccountEntry heir = accountAt(f.stack, a);
    if (schedule.accessLists && state.warm(heir)) {
      gas -= 2600;
    }
    if (gas < 0) {
      return -1;
    }
    heir.accessed = true;
    if (fork.includes(Fork.TANGERINE_WHISTLE)
        && machine.createsAccount(heir, !f.self.balance.isZero())) {
      gas -= 25000;
    }
    f.target = heir;
    return gas < 0 ? -1 : gas;
  }

  private AccountEntry accountAt(long[] s, int a) {
    return state.entry(s[a], s[a + 1], s[a + 2] & 0xffffffffL);
  }

  private long coldAccount(AccountEntry account) {
    return schedule.accessLists && state.warm(account) ? schedule.coldAccount : 0;
  }

  private static long words(long bytes) {
    return (bytes + 31) >> 5;
  }
}
