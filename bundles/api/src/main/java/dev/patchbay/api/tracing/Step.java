// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.tracing;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The machine before an instruction. Valid in {@link Tracer#onStep}; until the hook that ends the
 * instruction returns the memory may be read, where the instruction does not write it.
 */
@ProviderType
public interface Step {
  /** Returns the position of the instruction in the code. */
  int pc();

  /** Returns the instruction, 0 to 255. */
  int opcode();

  /** Returns the name of the instruction in upper case. */
  String opcodeName();

  /** Returns the gas left before the instruction. */
  long gas();

  /** Returns the depth of the frame, 0 for the outermost. */
  int depth();

  /** Returns the account whose storage the frame works on. */
  Address address();

  /** Returns the number of items on the stack. */
  int stackSize();

  /** Returns an item of the stack; 0 is the top. */
  UInt256 stack(int index);

  /** Returns the size of the memory in bytes. */
  int memorySize();

  /** Returns a copy of a range of the memory; beyond its end it is zero. */
  Bytes memory(int offset, int length);

  /** Returns the output of the last call. */
  Bytes returnData();

  /** Returns the refund counter. */
  long refund();

  /** Returns the present value of a storage slot of {@link #address()}; does not warm it. */
  UInt256 storage(UInt256 key);
}
