// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.call;

import dev.patchbay.api.tracing.TraceBudget;
import dev.patchbay.primitives.Log;
import dev.patchbay.tracing.CallFrame;
import dev.patchbay.tracing.CallTreeTracer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Tells the tree of calls in the shape of geth's {@code callTracer}. */
final class CallTracer extends CallTreeTracer {
  private final boolean onlyTopCall;
  private final boolean withLog;
  private int depth;

  CallTracer(Map<String, Object> config, TraceBudget budget) {
    super(budget);
    onlyTopCall = Boolean.TRUE.equals(config.get("onlyTopCall"));
    withLog = Boolean.TRUE.equals(config.get("withLog"));
  }

  @Override
  protected boolean follows(int at) {
    depth = at;
    return at == 0 || !onlyTopCall;
  }

  @Override
  public void onLog(Log log) {
    if (withLog && (depth == 0 || !onlyTopCall)) {
      super.onLog(log);
    }
  }

  @Override
  public @Nullable Object result() {
    CallFrame root = root();
    return root == null ? null : json(root, false);
  }

  /** Logs of frames that failed, or stand below one that did, were never written. */
  private static Map<String, @Nullable Object> json(CallFrame frame, boolean undone) {
    boolean gone = undone || frame.error() != null;
    Map<String, @Nullable Object> out = frame.json(!gone);
    if (!frame.calls().isEmpty()) {
      out.put("calls", frame.calls().stream().map(call -> json(call, gone)).toList());
    }
    return out;
  }
}
