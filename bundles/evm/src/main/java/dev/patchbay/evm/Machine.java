// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.Tracer.CallType;
import dev.patchbay.crypto.Keccak;
import dev.patchbay.evm.TransactionProcessor.Loop;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs message calls and creations of one transaction, frame by frame (Yellow Paper, sections 7 and
 * 8).
 */
final class Machine {
  static final String REVERTED = "execution reverted";
  private static final int MAX_DEPTH = 1024;
  private static final int MAX_CODE = 24576;
  private static final int CALL_STIPEND = 2300;

  final EvmState state;
  final BlockContext block;
  final GasSchedule schedule;
  Address origin = Address.ZERO;
  UInt256 gasPrice = UInt256.ZERO;
  List<Hash> blobHashes = List.of();

  private final Fork fork;
  private final @Nullable Tracer tracer;
  private final Loop loop;
  private final Instructions instructions;
  private final Interpreter interpreter;
  private final RegisterInterpreter registerInterpreter;
  private final Precompiles precompiles;
  private final List<Frame> frames;

  /** {@code frames} is kept from one transaction to the next; it grows with the depth of calls. */
  Machine(
      EvmState state,
      BlockContext block,
      Precompiles precompiles,
      List<Frame> frames,
      Loop loop,
      @Nullable Tracer tracer) {
    this.state = state;
    this.block = block;
    this.fork = block.fork();
    this.schedule = GasSchedule.of(fork);
    this.precompiles = precompiles;
    this.tracer = tracer;
    this.frames = frames;
    this.loop = tracer != null && tracer.tracesSteps() ? Loop.PER_OPCODE : loop;
    this.instructions = new Instructions(this);
    this.interpreter = new Interpreter(this, instructions, this.loop == Loop.ADAPTIVE, tracer);
    this.registerInterpreter = new RegisterInterpreter(instructions);
  }

  // ---- from outside

  /**
   * Calls an account from outside of any frame; the returned frame tells how it ended and is valid
   * until the next call.
   */
  Frame call(Address caller, Address to, Bytes input, UInt256 value, long gas) {
    AccountEntry target = state.entry(to);
    target.accessed = true;
    Frame f = frame(0, target);
    f.type = CallType.CALL;
    f.codeAddress = to;
    f.code = state.code(target);
    if (fork.includes(Fork.PRAGUE) && f.code.isDelegation()) {
      AccountEntry delegate = state.entry(delegate(f.code));
      state.warm(delegate);
      delegate.accessed = true;
      f.code = isPrecompile(delegate.address) ? Code.EMPTY : state.code(delegate);
    }
    f.caller = caller;
    f.value = value;
    f.transfers = true;
    f.input.set(input.unsafeArray());
    return execute(f, gas);
  }

  /** Creates a contract from outside of any frame; the nonce of the caller is {@code nonce}. */
  Frame create(Address caller, long nonce, Bytes initCode, UInt256 value, long gas) {
    AccountEntry target = state.entry(Address.ofCreation(caller, nonce));
    Frame f = frame(0, target);
    f.type = CallType.CREATE;
    f.codeAddress = target.address;
    f.code = new Code(initCode, Hash.ZERO);
    f.caller = caller;
    f.value = value;
    f.transfers = true;
    f.input.clear();
    state.warm(target);
    return execute(f, gas);
  }

  private Frame execute(Frame root, long gas) {
    root.gas = gas;
    if (start(root)) {
      run(root);
    }
    return root;
  }

  private void run(Frame root) {
    Frame f = root;
    while (true) {
      RegisterCode registers = f.registers;
      Frame.Exit exit = registers == null ? interpreter.run(f) : run(f, registers);
      if (exit == Frame.Exit.HOT) {
        RegisterCode compiled = f.code.compile(schedule);
        f.enter(compiled, compiled.block(f.pc));
        continue;
      }
      if (exit == Frame.Exit.EXACT) {
        f.registers = null;
        f.exact = true;
        continue;
      }
      if (exit == Frame.Exit.CALL) {
        Frame callee = f.callee;
        if (callee == null) {
          throw new IllegalStateException("a call without a callee");
        }
        f = callee;
        continue;
      }
      finish(f, exit);
      if (f == root) {
        return;
      }
      Frame caller = frames.get(f.depth - 1);
      resume(caller, f);
      f = caller;
    }
  }

  /** Runs a frame in register form or, when there is some, in bytecode. */
  private Frame.Exit run(Frame f, RegisterCode registers) {
    if (loop == Loop.REGISTERS) {
      return registerInterpreter.run(f, registers);
    }
    while (true) {
      CompiledCode bytecode = registers.bytecode();
      Frame.Exit exit;
      if (bytecode == null) {
        exit = registerInterpreter.runUntilHot(f, registers);
      } else {
        exit = bytecode.run(f, instructions);
        if (exit == Frame.Exit.REGISTERS) {
          exit = registerInterpreter.runUntil(bytecode, f, registers);
        }
      }
      if (exit != Frame.Exit.HOT) {
        return exit;
      }
      if (bytecode == null) {
        registers.compile(BytecodeCompiler.CHUNK_BYTES);
        state.codeHasGrown(f.code);
      }
    }
  }

  // ---- from the interpreter

  /**
   * Sets up a message call of a frame whose stack words were not removed yet.
   *
   * @return whether a callee has to run; otherwise the call has ended and its result is on the
   *     stack
   */
  boolean call(Frame f, int op, int sp) {
    AccountEntry target = f.target;
    Frame c = frame(f.depth + 1, op == 0xf1 || op == 0xfa ? target : f.self);
    boolean hasValue = op == 0xf1 || op == 0xf2;
    int in = hasValue ? sp - 16 : sp - 12;
    c.type =
        switch (op) {
          case 0xf1 -> CallType.CALL;
          case 0xf2 -> CallType.CALLCODE;
          case 0xf4 -> CallType.DELEGATECALL;
          default -> CallType.STATICCALL;
        };
    c.codeAddress = target.address;
    c.code = f.targetCode;
    c.caller = op == 0xf4 ? f.caller : f.self.address;
    c.value = op == 0xf4 ? f.value : hasValue ? value(f, sp - 12) : UInt256.ZERO;
    c.transfers = op == 0xf1 || op == 0xfa;
    c.isStatic = f.isStatic || op == 0xfa;
    f.memoryAt(in, in - 4, c.input);
    c.outLength = (int) f.stack[in - 12];
    c.outOffset = c.outLength == 0 ? 0 : (int) f.stack[in - 8];
    c.gas = f.granted + (hasValue && !c.value.isZero() ? CALL_STIPEND : 0);
    return startFrom(f, c);
  }

  private static UInt256 value(Frame f, int word) {
    return Words.isZero(f.stack, word) != 0 ? UInt256.ZERO : f.numberAt(word);
  }

  /** Sets up a contract creation of a frame whose stack words were not removed yet. */
  boolean create(Frame f, int op, int sp) {
    boolean salted = op == 0xf5;
    byte[] initCode = f.memoryAt(sp - 8, sp - 12);
    UInt256 value = f.numberAt(sp - 4);
    long nonce = f.self.nonce;
    Address address =
        salted
            ? Address.ofCreate2(
                f.self.address, f.numberAt(sp - 16).toArray(), Keccak.hash256(initCode))
            : Address.ofCreation(f.self.address, nonce);
    Frame c = frame(f.depth + 1, state.entry(address));
    c.type = salted ? CallType.CREATE2 : CallType.CREATE;
    c.codeAddress = address;
    c.code = new Code(Bytes.wrap(initCode), Hash.ZERO);
    c.caller = f.self.address;
    c.value = value;
    c.transfers = true;
    c.input.clear();
    c.gas = f.granted;
    boolean possible = f.depth < MAX_DEPTH && f.self.balance.compareTo(value) >= 0 && nonce != -1L;
    if (possible) {
      state.setNonce(f.self, nonce + 1);
      if (schedule.accessLists) {
        state.warm(c.self);
      }
    } else if (nonce == -1L) {
      traceEnter(c);
      refuse(c, "nonce uint64 overflow");
      resume(f, c);
      return false;
    }
    return startFrom(f, c);
  }

  private boolean startFrom(Frame f, Frame c) {
    f.callee = c;
    if (start(c)) {
      return true;
    }
    resume(f, c);
    return false;
  }

  /**
   * Moves the balance of a contract to its heir and destroys it (EIP-6780: only if it is as old as
   * the transaction).
   */
  void selfdestruct(Frame f, AccountEntry heir) {
    AccountEntry self = f.self;
    UInt256 balance = self.balance;
    if (tracer != null) {
      Bytes none = Bytes.EMPTY;
      tracer.onEnter(
          f.depth + 1, CallType.SELFDESTRUCT, self.address, heir.address, none, 0, balance);
      tracer.onExit(f.depth + 1, none, 0, null, false);
    }
    boolean destroys = !fork.includes(Fork.CANCUN) || self.created;
    if (destroys) {
      if (schedule.selfdestructRefund > 0 && !self.destroyed) {
        state.addRefund(schedule.selfdestructRefund);
      }
      if (heir != self) {
        state.credit(heir, balance, fork);
      }
      state.destroy(self);
    } else if (heir != self) {
      state.debit(self, balance);
      state.credit(heir, balance, fork);
    }
  }

  /**
   * Returns whether sending to an account brings it into being, in the sense that costs 25,000 gas.
   */
  boolean createsAccount(AccountEntry target, boolean sendsValue) {
    return fork.includes(Fork.SPURIOUS_DRAGON)
        ? sendsValue && (!target.exists || target.isEmpty())
        : !target.exists;
  }

  boolean isPrecompile(Address address) {
    return precompiles.has(address);
  }

  static Address delegate(Code code) {
    return Address.wrap(Arrays.copyOfRange(code.padded, 3, 23));
  }

  void traceLog(Log log) {
    if (tracer != null) {
      tracer.onLog(log);
    }
  }

  // ---- frames

  private Frame frame(int depth, AccountEntry self) {
    while (frames.size() <= depth) {
      frames.add(new Frame(frames.size(), self));
    }
    Frame f = frames.get(depth);
    f.reset();
    f.self = self;
    return f;
  }

  /**
   * Starts a frame; returns false when it has ended already: no code, a precompiled contract, or a
   * refusal.
   */
  private boolean start(Frame f) {
    f.gasAtEntry = f.gas;
    f.mark = state.mark();
    traceEnter(f);
    if (f.depth > MAX_DEPTH) {
      return refuse(f, "max call depth exceeded");
    }
    AccountEntry caller = state.entry(f.caller);
    boolean pays = !f.value.isZero() && f.type != CallType.DELEGATECALL;
    if (pays && caller.balance.compareTo(f.value) < 0) {
      return refuse(f, "insufficient balance for transfer");
    }
    boolean creates = f.type == CallType.CREATE || f.type == CallType.CREATE2;
    if (creates) {
      f.self.accessed = true;
      if (state.collides(f.self)) {
        f.error = "contract address collision";
        f.gas = 0;
        traceExit(f);
        return false;
      }
      state.create(f.self, fork.includes(Fork.SPURIOUS_DRAGON) ? 1 : 0);
    }
    if (f.transfers) {
      if (!f.value.isZero()) {
        state.debit(caller, f.value);
      }
      state.credit(f.self, f.value, fork);
    }
    if (!creates && isPrecompile(f.codeAddress)) {
      runPrecompile(f);
      return false;
    }
    if (f.code.length == 0) {
      finish(f, Frame.Exit.STOP);
      return false;
    }
    if (loop != Loop.PER_OPCODE) {
      RegisterCode registers = f.code.registers(schedule);
      if (registers == null && (loop != Loop.ADAPTIVE || f.code.heat())) {
        registers = f.code.compile(schedule);
      }
      if (registers != null) {
        if (loop == Loop.BYTECODE && registers.bytecode() == null) {
          registers.compile(BytecodeCompiler.CHUNK_BYTES);
        }
        f.enter(registers, RegisterCode.START);
      }
    }
    return true;
  }

  private boolean refuse(Frame f, String error) {
    f.error = error;
    traceExit(f);
    return false;
  }

  private void runPrecompile(Frame f) {
    Precompiles.Contract contract = precompiles.get(f.codeAddress);
    byte[] input = f.input.toArray();
    long price = contract.gas(input);
    if (price < 0 || price > f.gas) {
      f.error = Instructions.OUT_OF_GAS;
      finish(f, Frame.Exit.FAULT);
      return;
    }
    byte[] output = contract.run(input);
    if (output == null) {
      f.error = contract.failure(input);
      finish(f, Frame.Exit.FAULT);
      return;
    }
    f.gas -= price;
    f.output.set(output);
    finish(f, Frame.Exit.RETURN);
  }

  /** Ends a frame: deploys code, or undoes what a failed frame did. */
  private void finish(Frame f, Frame.Exit exit) {
    boolean creates = f.type == CallType.CREATE || f.type == CallType.CREATE2;
    if (creates && (exit == Frame.Exit.RETURN || exit == Frame.Exit.STOP)) {
      f.error = deploy(f);
      if (f.error != null) {
        exit = Frame.Exit.FAULT;
      }
    }
    if (exit == Frame.Exit.FAULT) {
      state.revert(f.mark);
      f.reverted = true;
      f.gas = 0;
      f.output.clear();
    } else if (exit == Frame.Exit.REVERT) {
      state.revert(f.mark);
      f.reverted = true;
      f.error = REVERTED;
    }
    traceExit(f);
  }

  private @Nullable String deploy(Frame f) {
    byte[] code = f.output.toArray();
    if (fork.includes(Fork.SPURIOUS_DRAGON) && code.length > MAX_CODE) {
      return "max code size exceeded";
    }
    if (fork.includes(Fork.LONDON) && code.length > 0 && code[0] == (byte) 0xef) {
      return "invalid code: must not begin with 0xef";
    }
    long price = 200L * code.length;
    if (price > f.gas) {
      if (fork.includes(Fork.HOMESTEAD)) {
        return "contract creation code storage out of gas";
      }
      f.output.clear();
      return null;
    }
    f.gas -= price;
    if (code.length > 0) {
      state.setCode(f.self, Bytes.wrap(code));
    }
    return null;
  }

  /** Hands the result of a callee to its caller. */
  private void resume(Frame caller, Frame c) {
    state.resume(caller.mark);
    boolean success = c.error == null;
    boolean creates = c.type == CallType.CREATE || c.type == CallType.CREATE2;
    caller.gas += c.gas;
    if (creates && success) {
      caller.returnData.clear();
    } else {
      caller.returnData.set(c.output);
    }
    int result = caller.sp - 4;
    if (creates) {
      if (success) {
        caller.push(c.self.address, result);
      } else {
        Words.set(caller.stack, result, 0);
      }
    } else {
      int length = Math.min(c.outLength, c.output.length);
      System.arraycopy(c.output.array, c.output.offset, caller.memory, c.outOffset, length);
      Words.set(caller.stack, result, success ? 1 : 0);
    }
    caller.callee = null;
  }

  private void traceEnter(Frame f) {
    if (tracer != null) {
      Deadline.check();
      boolean creates = f.type == CallType.CREATE || f.type == CallType.CREATE2;
      Bytes input = creates ? f.code.bytes : Bytes.wrap(f.input.toArray());
      Address from = f.type == CallType.DELEGATECALL ? f.self.address : f.caller;
      tracer.onEnter(f.depth, f.type, from, f.codeAddress, input, f.gas, f.value);
    }
  }

  private void traceExit(Frame f) {
    if (tracer != null) {
      tracer.onExit(f.depth, f.outputBytes(), f.gasAtEntry - f.gas, f.error, f.reverted);
    }
  }
}
