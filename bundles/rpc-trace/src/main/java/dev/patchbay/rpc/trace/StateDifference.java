// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.trace;

import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Tells the differences that the prestate tracer found as OpenEthereum does: {@code "="} for what
 * is the same, {@code "*"} for what has changed, {@code "+"} and {@code "-"} for what came and
 * went.
 */
final class StateDifference {
  private static final String SAME = "=";

  private StateDifference() {}

  static Map<String, Object> of(@Nullable Object differences) {
    Map<?, ?> both = object(differences);
    Map<?, ?> pre = object(both.get("pre"));
    Map<?, ?> post = object(both.get("post"));
    TreeSet<String> addresses = new TreeSet<>();
    pre.keySet().forEach(address -> addresses.add(String.valueOf(address)));
    post.keySet().forEach(address -> addresses.add(String.valueOf(address)));
    Map<String, Object> out = new LinkedHashMap<>();
    for (String address : addresses) {
      out.put(address, account(pre.get(address), post.get(address)));
    }
    return out;
  }

  private static Map<?, ?> object(@Nullable Object value) {
    return value instanceof Map<?, ?> map ? map : Map.of();
  }

  private static Map<String, Object> account(@Nullable Object before, @Nullable Object after) {
    Map<String, Object> out = new LinkedHashMap<>();
    UnaryOperator<@Nullable Object> number = value -> value == null ? "0x0" : value;
    UnaryOperator<@Nullable Object> nonce =
        value -> value instanceof Number n ? Hex.quantity(n.longValue()) : "0x0";
    UnaryOperator<@Nullable Object> code = value -> value == null ? "0x" : value;
    out.put("balance", part("balance", before, after, number));
    out.put("code", part("code", before, after, code));
    out.put("nonce", part("nonce", before, after, nonce));
    Map<?, ?> old = object(object(before).get("storage"));
    Map<?, ?> now = object(object(after).get("storage"));
    TreeSet<String> keys = new TreeSet<>();
    old.keySet().forEach(key -> keys.add(String.valueOf(key)));
    now.keySet().forEach(key -> keys.add(String.valueOf(key)));
    Map<String, Object> storage = new LinkedHashMap<>();
    for (String key : keys) {
      Object from = old.get(key) == null ? Hash.ZERO.toString() : old.get(key);
      Object to = now.get(key) == null ? Hash.ZERO.toString() : now.get(key);
      storage.put(
          key,
          before == null ? Map.of("+", to) : after == null ? Map.of("-", from) : changed(from, to));
    }
    out.put("storage", storage);
    return out;
  }

  private static Object part(
      String name,
      @Nullable Object before,
      @Nullable Object after,
      UnaryOperator<@Nullable Object> shown) {
    Object from = String.valueOf(shown.apply(object(before).get(name)));
    Object to = String.valueOf(shown.apply(object(after).get(name)));
    if (before == null) {
      return Map.of("+", to);
    }
    if (after == null) {
      return Map.of("-", from);
    }
    return object(after).containsKey(name) ? changed(from, to) : SAME;
  }

  private static Object changed(@Nullable Object from, @Nullable Object to) {
    Map<String, @Nullable Object> change = new LinkedHashMap<>();
    change.put("from", from);
    change.put("to", to);
    return Map.of("*", change);
  }
}
