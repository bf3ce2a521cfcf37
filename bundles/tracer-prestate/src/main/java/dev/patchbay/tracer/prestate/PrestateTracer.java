// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.prestate;

import dev.patchbay.api.tracing.Step;
import dev.patchbay.api.tracing.TraceBudget;
import dev.patchbay.api.tracing.TraceContext;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.crypto.Keccak;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Authorization;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Tells the accounts that a transaction touched as they were before it, or what it changed in them,
 * as geth's {@code prestateTracer} does.
 */
final class PrestateTracer implements Tracer {
  private static final int DELEGATION_BYTES = 23;

  /** An account and what a result shows of it, without its code. */
  private static final long ACCOUNT_BYTES = 2_000;

  private static final long SLOT_BYTES = 1_000;

  private final TraceBudget budget;

  private final boolean diff;
  private final boolean code;
  private final boolean storage;
  private final boolean empty;
  private final Map<Address, Before> before = new TreeMap<>();
  private final Set<Address> destroyed = new HashSet<>();
  private @Nullable TraceContext context;
  private @Nullable Object result;

  /** An account as it was found. */
  private record Before(UInt256 balance, long nonce, Bytes code, Map<UInt256, UInt256> slots) {
    boolean isEmpty() {
      return nonce == 0 && code.isEmpty() && balance.isZero();
    }
  }

  PrestateTracer(Map<String, Object> config, TraceBudget budget) {
    this.budget = budget;
    diff = Boolean.TRUE.equals(config.get("diffMode"));
    code = !Boolean.TRUE.equals(config.get("disableCode"));
    storage = !Boolean.TRUE.equals(config.get("disableStorage"));
    empty = Boolean.TRUE.equals(config.get("includeEmpty"));
    if (diff && empty) {
      throw new IllegalArgumentException("cannot use diffMode with includeEmpty");
    }
  }

  private TraceContext state() {
    return Objects.requireNonNull(context, "the transaction has not started");
  }

  @Override
  public void onTransactionStart(TraceContext asked, Transaction transaction, Address from) {
    context = asked;
    Address to = transaction.to();
    if (to == null) {
      touch(Address.ofCreation(from, asked.nonce(from)));
    } else {
      touchCallee(to);
    }
    touch(from);
    touch(asked.block().coinbase());
    for (Authorization authorization : transaction.authorizations()) {
      Address authority = authorization.authority();
      if (authority != null) {
        touch(authority);
      }
    }
  }

  private void touch(Address address) {
    if (!before.containsKey(address)) {
      TraceContext now = state();
      Bytes found = now.code(address);
      budget.charge(ACCOUNT_BYTES);
      budget.chargeData(found);
      before.put(
          address, new Before(now.balance(address), now.nonce(address), found, new TreeMap<>()));
    }
  }

  /** Touches an account that is called, and the one whose code it delegates to (EIP-7702). */
  private void touchCallee(Address address) {
    touch(address);
    byte[] bytes = state().code(address).unsafeArray();
    if (bytes.length == DELEGATION_BYTES
        && bytes[0] == (byte) 0xef
        && bytes[1] == 1
        && bytes[2] == 0) {
      touch(Address.wrap(Arrays.copyOfRange(bytes, 3, DELEGATION_BYTES)));
    }
  }

  @Override
  public boolean tracesSteps() {
    return true;
  }

  @Override
  public void onStep(Step step) {
    switch (step.opcode()) {
      case 0x54, 0x55 -> {
        if (step.stackSize() >= 1 && storage) {
          UInt256 key = step.stack(0);
          touch(step.address());
          Before account = Objects.requireNonNull(before.get(step.address()));
          if (!account.slots.containsKey(key)) {
            budget.charge(SLOT_BYTES);
            account.slots.put(key, step.storage(key));
          }
        }
      }
      case 0x31, 0x3b, 0x3c, 0x3f -> {
        if (step.stackSize() >= 1) {
          touch(Address.ofWord(step.stack(0)));
        }
      }
      case 0xff -> {
        if (step.stackSize() >= 1) {
          touch(Address.ofWord(step.stack(0)));
          destroyed.add(step.address());
        }
      }
      case 0xf1, 0xf2, 0xf4, 0xfa -> {
        if (step.stackSize() >= 5) {
          touchCallee(Address.ofWord(step.stack(1)));
        }
      }
      case 0xf0 -> touch(Address.ofCreation(step.address(), state().nonce(step.address())));
      case 0xf5 -> {
        if (step.stackSize() >= 4) {
          touchCreation2(step);
        }
      }
      default -> {
        // touches nothing
      }
    }
  }

  private void touchCreation2(Step step) {
    UInt256 offset = step.stack(1);
    UInt256 length = step.stack(2);
    long end = step.memorySize();
    // what lies beyond the memory costs gas that cannot be paid, or is zero
    if (length.fitsLong() && length.longValue() >= 0 && length.longValue() <= Integer.MAX_VALUE) {
      boolean inside = offset.fitsLong() && offset.longValue() >= 0 && offset.longValue() <= end;
      int from = inside ? (int) offset.longValue() : 0;
      if (!inside && !length.isZero() || length.longValue() > step.gas()) {
        return;
      }
      byte[] initCode = step.memory(from, (int) length.longValue()).toArray();
      touch(Address.ofCreate2(step.address(), step.stack(3).toArray(), Keccak.hash256(initCode)));
    }
  }

  @Override
  public void onTransactionEnd(long gasUsed) {
    result = diff ? differences() : states();
  }

  private Map<String, Object> states() {
    Map<String, Object> out = new LinkedHashMap<>();
    before.forEach(
        (address, account) -> {
          if (empty || !account.isEmpty()) {
            out.put(address.toString(), describe(account, account.slots));
          }
        });
    return out;
  }

  private Map<String, Object> describe(Before account, Map<UInt256, UInt256> slots) {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("balance", account.balance.toHex());
    if (account.nonce != 0) {
      out.put("nonce", account.nonce);
    }
    if (!account.code.isEmpty()) {
      if (code) {
        out.put("code", account.code.toString());
      }
      out.put("codeHash", account.code.keccak().toString());
    }
    if (!slots.isEmpty()) {
      out.put("storage", words(slots));
    }
    return out;
  }

  private static Map<String, String> words(Map<UInt256, UInt256> slots) {
    Map<String, String> out = new TreeMap<>();
    slots.forEach((key, value) -> out.put(key.toHash().toString(), value.toHash().toString()));
    return out;
  }

  /** What the transaction changed; an account that it destroyed is in {@code pre} only. */
  private Map<String, Object> differences() {
    Map<String, Object> pre = new LinkedHashMap<>();
    Map<String, Object> post = new LinkedHashMap<>();
    before.forEach(
        (address, account) -> {
          Map<UInt256, UInt256> changed = new TreeMap<>(account.slots);
          if (!destroyed.contains(address)) {
            Map<String, Object> after = after(address, account, changed);
            if (after.isEmpty()) {
              return;
            }
            changed.values().removeIf(UInt256::isZero);
            after.remove(MODIFIED);
            post.put(address.toString(), after);
          }
          if (!account.isEmpty()) {
            pre.put(address.toString(), describe(account, changed));
          }
        });
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("post", post);
    out.put("pre", pre);
    return out;
  }

  private static final String MODIFIED = "modified";

  /**
   * Returns what is different now, and leaves in {@code slots} those that are; a slot that is zero
   * now is told by its absence.
   */
  private Map<String, Object> after(Address address, Before account, Map<UInt256, UInt256> slots) {
    TraceContext now = state();
    Map<String, Object> out = new LinkedHashMap<>();
    UInt256 balance = now.balance(address);
    if (!balance.equals(account.balance)) {
      out.put("balance", balance.toHex());
    }
    long nonce = now.nonce(address);
    if (nonce != account.nonce) {
      out.put(MODIFIED, true);
      if (nonce != 0) {
        out.put("nonce", nonce);
      }
    }
    Bytes bytes = now.code(address);
    if (!bytes.equals(account.code)) {
      if (code) {
        out.put("code", bytes.toString());
      }
      Hash hash = bytes.keccak();
      out.put("codeHash", hash.toString());
    }
    slots.entrySet().removeIf(slot -> now.storage(address, slot.getKey()).equals(slot.getValue()));
    Map<UInt256, UInt256> values = new TreeMap<>();
    slots
        .keySet()
        .forEach(
            key -> {
              UInt256 value = now.storage(address, key);
              if (!value.isZero()) {
                values.put(key, value);
              }
            });
    if (!slots.isEmpty()) {
      out.put(MODIFIED, true);
    }
    if (!values.isEmpty()) {
      out.put("storage", words(values));
    }
    return out;
  }

  @Override
  public @Nullable Object result() {
    return result;
  }
}
