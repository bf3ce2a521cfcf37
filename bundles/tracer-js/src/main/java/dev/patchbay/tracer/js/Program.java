// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.js;

import dev.patchbay.api.tracing.TraceContext;
import dev.patchbay.api.tracing.TracerException;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.mozilla.javascript.Context;
import org.mozilla.javascript.Function;
import org.mozilla.javascript.RhinoException;
import org.mozilla.javascript.Scriptable;
import org.mozilla.javascript.ScriptableObject;
import org.mozilla.javascript.Undefined;

/** The object that a program evaluates to, in a global object of its own. */
final class Program {
  private static final String UINT8 = "patchbay.uint8";
  private static final String NAME = "tracer";

  private final Sandbox sandbox;
  private final Sandbox.Meter meter = new Sandbox.Meter();
  private final ScriptableObject scope;
  private final Scriptable object;
  private final BigNumber.Maker numbers;
  private final Supplier<TraceContext> state;

  /**
   * Evaluates a program.
   *
   * @param state gives what can be asked while the transaction runs
   * @throws IllegalArgumentException when it is no tracer; the message says why
   */
  Program(Sandbox sandbox, String text, Map<String, Object> config, Supplier<TraceContext> state) {
    this.sandbox = sandbox;
    this.state = state;
    try {
      Object[] made =
          sandbox.run(
              meter,
              context -> {
                ScriptableObject global = sandbox.scope(context);
                return new Object[] {global, new BigNumber.Maker(context, global)};
              });
      scope = (ScriptableObject) made[0];
      numbers = (BigNumber.Maker) made[1];
      object = sandbox.run(meter, context -> evaluate(context, text));
    } catch (RhinoException wrong) {
      throw new IllegalArgumentException("the program cannot be read: " + wrong.getMessage());
    }
    for (String required : new String[] {"fault", "result"}) {
      if (!has(required)) {
        throw new IllegalArgumentException(
            "trace object must expose a function " + required + "()");
      }
    }
    if (has("enter") != has("exit")) {
      throw new IllegalArgumentException(
          "trace object must expose either both or none of enter() and exit()");
    }
    if (has("setup")) {
      call("setup", context -> new Object[] {Values.toScript(context, scope, config)});
    }
  }

  private Scriptable evaluate(Context context, String text) {
    ScriptableObject typed = (ScriptableObject) scope.get(UINT8_SOURCE, scope);
    scope.defineProperty(UINT8, typed, ScriptableObject.DONTENUM);
    scope.defineProperty("bigInt", numbers.function(), ScriptableObject.DONTENUM);
    define("toHex", args -> Values.hex(Values.toBytes(Values.argument(args, 0))));
    define("toWord", args -> bytes(Values.fitted(Values.toBytes(Values.argument(args, 0)), 32)));
    define("toAddress", args -> bytes(Values.address(Values.argument(args, 0)).toArray()));
    define(
        "toContract",
        args ->
            bytes(
                Address.ofCreation(
                        Values.address(Values.argument(args, 0)), Values.integer(args, 1))
                    .toArray()));
    define(
        "toContract2",
        args ->
            bytes(
                Address.ofCreate2(
                        Values.address(Values.argument(args, 0)),
                        Values.fitted(Values.toBytes(Values.argument(args, 1)), 32),
                        Hash.keccak(Values.toBytes(Values.argument(args, 2))).toArray())
                    .toArray()));
    define(
        "isPrecompiled",
        args -> state.get().isPrecompile(Values.address(Values.argument(args, 0))));
    define(
        "slice",
        args ->
            bytes(
                Values.slice(
                    Values.toBytes(Values.argument(args, 0)),
                    Values.integer(args, 1),
                    Values.integer(args, 2))));
    Object value = context.evaluateString(scope, "(" + text + "\n)", NAME, 1, null);
    if (value instanceof Function || !(value instanceof Scriptable tracer)) {
      throw new IllegalArgumentException("the program is not an object");
    }
    return tracer;
  }

  /** Where the prelude leaves the prototype of byte arrays. */
  static final String UINT8_SOURCE = "__uint8";

  static Object uint8Prototype(Scriptable scope) {
    return ScriptableObject.getProperty(scope, UINT8);
  }

  private void define(String name, Values.Function body) {
    Values.method(scope, scope, name, body);
  }

  boolean has(String function) {
    return ScriptableObject.getProperty(object, function) instanceof Function;
  }

  /** Arguments of a call, made inside of the sandbox. */
  interface Arguments {
    @Nullable Object[] in(Context context);
  }

  /** Calls a function of the program; what it answers is JSON-neutral. */
  @Nullable Object call(String name, Arguments arguments) {
    try {
      Optional<Object> answer =
          sandbox.run(
              meter,
              context -> {
                Function function = (Function) ScriptableObject.getProperty(object, name);
                @Nullable Object[] args = arguments.in(context);
                for (int i = 0; i < args.length; i++) {
                  args[i] = args[i] == null ? Undefined.instance : args[i];
                }
                return Optional.ofNullable(
                    Values.toJson(function.call(context, scope, object, args), 0));
              });
      return answer.orElse(null);
    } catch (RhinoException failure) {
      throw new TracerException(
          failure.details() + " in server-side tracer function '" + name + "'");
    }
  }

  ScriptableObject newObject() {
    return (ScriptableObject) current().newObject(scope);
  }

  void method(ScriptableObject holder, String name, Values.Function body) {
    Values.method(holder, scope, name, body);
  }

  Object bytes(byte[] bytes) {
    return Values.bytes(current(), scope, bytes);
  }

  private static Context current() {
    return Objects.requireNonNull(Context.getCurrentContext(), "outside of the sandbox");
  }

  BigNumber.Maker numbers() {
    return numbers;
  }
}
