// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.debug;

import dev.patchbay.api.tracing.Step;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerException;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hex;
import java.io.BufferedWriter;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes a line for each instruction into a file, and one for the outcome (EIP-3155). */
final class StandardTracer implements Tracer, Closeable {
  private static final long MAX_BYTES = 1L << 30;

  private final Path file;
  private final BufferedWriter out;
  private final boolean memory;
  private final boolean stack;
  private final boolean returnData;
  private final StringBuilder line = new StringBuilder();

  /** The line of the present instruction up to its gas; null when it is written. */
  private @Nullable String begun;

  private String rest = "";
  private long written;
  private Bytes output = Bytes.EMPTY;
  private @Nullable String error;

  /** Makes the file, which must not exist. */
  StandardTracer(Path file, Map<String, @Nullable Object> options) throws IOException {
    this.file = file;
    memory = Boolean.TRUE.equals(options.get("enableMemory"));
    stack = !Boolean.TRUE.equals(options.get("disableStack"));
    returnData = Boolean.TRUE.equals(options.get("enableReturnData"));
    out = Files.newBufferedWriter(file, StandardCharsets.US_ASCII);
  }

  @Override
  public boolean tracesSteps() {
    return true;
  }

  @Override
  public void onStep(Step step) {
    write(0, null);
    line.setLength(0);
    line.append("{\"pc\":").append(step.pc()).append(",\"op\":").append(step.opcode());
    line.append(",\"gas\":\"").append(Hex.quantity(step.gas())).append("\",\"gasCost\":\"");
    begun = line.toString();
    line.setLength(0);
    if (memory) {
      line.append(",\"memory\":\"").append(step.memory(0, step.memorySize())).append('"');
    }
    line.append(",\"memSize\":").append(step.memorySize());
    if (stack) {
      line.append(",\"stack\":[");
      for (int i = step.stackSize() - 1; i >= 0; i--) {
        line.append('"').append(step.stack(i).toHex()).append(i == 0 ? "\"" : "\",");
      }
      line.append(']');
    }
    if (returnData) {
      line.append(",\"returnData\":\"").append(step.returnData()).append('"');
    }
    line.append(",\"depth\":").append(step.depth() + 1).append(",\"refund\":");
    line.append(step.refund()).append(",\"opName\":\"").append(step.opcodeName()).append('"');
    rest = line.toString();
  }

  @Override
  public void onStepEnd(long gasCost) {
    write(gasCost, null);
  }

  @Override
  public void onFault(Step step, String why) {
    write(0, why);
  }

  private void write(long gasCost, @Nullable String why) {
    String first = begun;
    if (first != null) {
      begun = null;
      append(first + Hex.quantity(gasCost) + "\"" + rest + failure(why) + "}");
    }
  }

  private static String failure(@Nullable String why) {
    return why == null
        ? ""
        : ",\"error\":\"" + why.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }

  private void append(String text) {
    written += text.length() + 1;
    if (written > MAX_BYTES) {
      throw new TracerException(
          "the trace is longer than " + MAX_BYTES + " bytes: " + file + " ends before its end");
    }
    try {
      out.write(text);
      out.write('\n');
    } catch (IOException failure) {
      throw new TracerException("cannot write " + file + ": " + failure.getMessage());
    }
  }

  @Override
  public void onExit(int depth, Bytes data, long gasUsed, @Nullable String why, boolean reverted) {
    if (depth == 0) {
      output = data;
      error = why;
    }
  }

  @Override
  public void onTransactionEnd(long gasUsed) {
    write(0, null);
    append(
        "{\"output\":\""
            + output.toString().substring(2)
            + "\",\"gasUsed\":\""
            + Hex.quantity(gasUsed)
            + "\""
            + failure(error)
            + "}");
  }

  @Override
  public Object result() {
    return file.toString();
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
