// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.tracing.Step;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The view of a frame that tracers get; one instance serves a whole trace. */
final class TracedStep implements Step {
  private static final int CHECK_INTERVAL = 1024;

  private final EvmState state;
  private @Nullable Frame frame;
  private int pc;
  private int opcode;
  private int count;

  TracedStep(EvmState state) {
    this.state = state;
  }

  TracedStep at(Frame f, int position, int op) {
    if ((++count & CHECK_INTERVAL - 1) == 0) {
      Deadline.check();
    }
    frame = f;
    pc = position;
    opcode = op;
    return this;
  }

  private Frame frame() {
    return Objects.requireNonNull(frame);
  }

  @Override
  public int pc() {
    return pc;
  }

  @Override
  public int opcode() {
    return opcode;
  }

  @Override
  public String opcodeName() {
    return Opcodes.nameOf(opcode);
  }

  @Override
  public long gas() {
    return frame().gas;
  }

  @Override
  public int depth() {
    return frame().depth;
  }

  @Override
  public Address address() {
    return frame().self.address;
  }

  @Override
  public int stackSize() {
    return (frame().sp - Frame.GUARD) / 4;
  }

  @Override
  public UInt256 stack(int index) {
    Objects.checkIndex(index, stackSize());
    return frame().numberAt(frame().sp - 4 * (index + 1));
  }

  @Override
  public int memorySize() {
    return frame().memorySize;
  }

  @Override
  public Bytes memory(int offset, int length) {
    Frame f = frame();
    byte[] out = new byte[length];
    int available = Math.max(0, Math.min(length, f.memorySize - offset));
    if (available > 0) {
      System.arraycopy(f.memory, offset, out, 0, available);
    }
    return Bytes.wrap(out);
  }

  @Override
  public Bytes returnData() {
    return Bytes.wrap(frame().returnData.toArray());
  }

  @Override
  public long refund() {
    return state.refund();
  }

  @Override
  public UInt256 storage(UInt256 key) {
    return state.storage(address(), key);
  }
}
