// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.fourbyte;

import dev.patchbay.api.tracing.TraceBudget;
import dev.patchbay.api.tracing.TraceContext;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Counts the function selectors that calls begin with, by the size of what follows: {@code
 * 0x27dc297e-128} is a selector before 128 bytes.
 */
final class FourByteTracer implements Tracer {
  private static final int SELECTOR = 4;

  private static final long ENTRY_BYTES = 200;

  private final TraceBudget budget;
  private final Map<String, Integer> counts = new TreeMap<>();
  private @Nullable TraceContext context;

  FourByteTracer(TraceBudget budget) {
    this.budget = budget;
  }

  @Override
  public void onTransactionStart(TraceContext asked, Transaction transaction, Address from) {
    context = asked;
  }

  @Override
  public void onEnter(
      int depth, CallType type, Address from, Address to, Bytes input, long gas, UInt256 value) {
    boolean calls =
        type != CallType.CREATE && type != CallType.CREATE2 && type != CallType.SELFDESTRUCT;
    boolean precompile = context != null && context.isPrecompile(to);
    if (calls && !precompile && input.size() >= SELECTOR) {
      String key = input.slice(0, SELECTOR) + "-" + (input.size() - SELECTOR);
      if (counts.merge(key, 1, Integer::sum) == 1) {
        budget.charge(ENTRY_BYTES);
      }
    }
  }

  @Override
  public Object result() {
    return counts;
  }
}
