// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import org.jspecify.annotations.Nullable;

/**
 * Register form as JVM bytecode, made by {@link BytecodeCompiler}: a method for each chunk of
 * blocks. At an entry, which is a block's start or the place after a call, a frame is in the same
 * state as in {@link RegisterInterpreter}: either goes on where the other left.
 *
 * <p>Immutable; any number of threads may run it.
 */
abstract class CompiledCode {
  private final RegisterCode code;

  /** For each instruction the chunk that is entered there, counted from 1; 0 for none. */
  private final short[] entries;

  CompiledCode(RegisterCode code, short[] entries) {
    this.code = code;
    this.entries = entries;
  }

  /**
   * Runs a frame until it ends, asks for a callee or is handed over: REGISTERS when it stands at a
   * place that is no entry.
   */
  final Frame.Exit run(Frame f, Instructions on) {
    while (true) {
      int chunk = entries[f.pc];
      if (chunk == 0) {
        return f.pc == 0 ? f.halt(Instructions.INVALID_JUMP) : Frame.Exit.REGISTERS;
      }
      f.resumed = false;
      Frame.Exit exit = run(chunk, f, on, code, f.stack, f.window, f.gas);
      if (exit != null) {
        return exit;
      }
    }
  }

  /** Returns whether the interpreter may hand a frame over at a block. */
  final boolean isEntry(int block) {
    return entries[block] != 0;
  }

  /** Ends a frame whose instruction failed; see {@link RegisterCode#failed}. */
  static Frame.Exit failed(int after, Frame f, RegisterCode code, int window, long failure) {
    return code.failed(f, after, window, failure);
  }

  /**
   * Runs a chunk from {@link Frame#pc}.
   *
   * @return null when the frame goes on in another chunk
   */
  abstract Frame.@Nullable Exit run(
      int chunk, Frame f, Instructions on, RegisterCode code, long[] s, int sp, long gas);
}
