// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.tracing.Step;
import dev.patchbay.api.tracing.TraceBudget;
import dev.patchbay.api.tracing.TraceContext;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.AccessListEntry;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Collects the accounts and slots that a call touches, leaving out those that are warm anyway. */
final class TouchTracer implements Tracer {
  /** An account or a slot that was touched, and what the result shows of it. */
  private static final long ENTRY_BYTES = 600;

  private final TraceBudget budget = new TraceBudget();
  private final Map<Address, TreeSet<Hash>> touched = new TreeMap<>();
  private final Address from;
  private final @Nullable Address to;
  private @Nullable TraceContext context;

  /**
   * Creates a tracer.
   *
   * @param to the account that is called, or the contract that is created
   * @param known what is in the list before the call
   */
  TouchTracer(Address from, @Nullable Address to, List<AccessListEntry> known) {
    this.from = from;
    this.to = to;
    for (AccessListEntry entry : known) {
      if (!isWarm(entry.address())) {
        touched.computeIfAbsent(entry.address(), a -> new TreeSet<>()).addAll(entry.storageKeys());
      }
    }
  }

  @Override
  public void onTransactionStart(TraceContext asked, Transaction transaction, Address sender) {
    context = asked;
    touched.keySet().removeIf(asked::isPrecompile);
  }

  @Override
  public boolean tracesSteps() {
    return true;
  }

  @Override
  public void onStep(Step step) {
    switch (step.opcode()) {
      case 0x54, 0x55 -> {
        if (step.stackSize() > 0) {
          if (slotsOf(step.address()).add(step.stack(0).toHash())) {
            budget.charge(ENTRY_BYTES);
          }
        }
      }
      case 0x31, 0x3b, 0x3c, 0x3f, 0xff -> account(step, 0);
      case 0xf1, 0xf2, 0xf4, 0xfa -> account(step, 1);
      default -> {}
    }
  }

  private void account(Step step, int index) {
    if (step.stackSize() > index) {
      Address address = Address.ofWord(step.stack(index));
      if (!isWarm(address)) {
        slotsOf(address);
      }
    }
  }

  private TreeSet<Hash> slotsOf(Address address) {
    return touched.computeIfAbsent(
        address,
        untouched -> {
          budget.charge(ENTRY_BYTES);
          return new TreeSet<>();
        });
  }

  private boolean isWarm(Address address) {
    boolean precompile = context != null && context.isPrecompile(address);
    return precompile || address.equals(from) || address.equals(to);
  }

  List<AccessListEntry> list() {
    List<AccessListEntry> out = new ArrayList<>();
    touched.forEach(
        (address, keys) -> {
          if (!keys.isEmpty() || !isWarm(address)) {
            out.add(new AccessListEntry(address, List.copyOf(keys)));
          }
        });
    return out;
  }

  @Override
  public @Nullable Object result() {
    return null;
  }
}
