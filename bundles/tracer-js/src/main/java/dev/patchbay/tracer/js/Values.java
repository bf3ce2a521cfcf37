// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.js;

import dev.patchbay.api.tracing.TracerException;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.UInt256;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.mozilla.javascript.BaseFunction;
import org.mozilla.javascript.Context;
import org.mozilla.javascript.NativeArray;
import org.mozilla.javascript.NativeObject;
import org.mozilla.javascript.ScriptRuntime;
import org.mozilla.javascript.Scriptable;
import org.mozilla.javascript.ScriptableObject;
import org.mozilla.javascript.Undefined;
import org.mozilla.javascript.typedarrays.NativeArrayBuffer;
import org.mozilla.javascript.typedarrays.NativeUint8Array;

/** Translates between JavaScript and the rest. */
final class Values {
  private static final int MAX_DEPTH = 200;
  private static final int MAX_BYTES = 1 << 20;

  private Values() {}

  /** A function of a host object; null becomes undefined. */
  interface Function {
    @Nullable Object call(Object[] args);
  }

  static BaseFunction function(Scriptable scope, Function body) {
    return new HostFunction(scope, body);
  }

  private static final class HostFunction extends BaseFunction {
    private static final long serialVersionUID = 1L;
    private final transient Function body;

    HostFunction(Scriptable scope, Function body) {
      super(scope, ScriptableObject.getFunctionPrototype(scope));
      this.body = body;
    }

    @Override
    public Object call(Context context, Scriptable scope, Scriptable self, Object[] args) {
      try {
        Object value = body.call(args);
        return value == null ? Undefined.instance : value;
      } catch (IllegalArgumentException | IndexOutOfBoundsException wrong) {
        throw ScriptRuntime.typeError(String.valueOf(wrong.getMessage()));
      }
    }
  }

  static void method(ScriptableObject object, Scriptable scope, String name, Function body) {
    object.defineProperty(name, function(scope, body), ScriptableObject.DONTENUM);
  }

  static Object argument(Object[] args, int index) {
    return index < args.length ? args[index] : Undefined.instance;
  }

  static int integer(Object[] args, int index) {
    double number = ScriptRuntime.toNumber(argument(args, index));
    if (number != Math.rint(number) || Math.abs(number) > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("argument " + index + " is not an integer: " + number);
    }
    return (int) number;
  }

  // ---- bytes

  static NativeUint8Array bytes(Context context, Scriptable scope, byte[] bytes) {
    if (bytes.length > MAX_BYTES) {
      throw new IllegalArgumentException(bytes.length + " bytes are more than " + MAX_BYTES);
    }
    NativeArrayBuffer buffer = new NativeArrayBuffer(bytes.length);
    System.arraycopy(bytes, 0, buffer.getBuffer(), 0, bytes.length);
    NativeUint8Array array = new NativeUint8Array(buffer, 0, bytes.length);
    array.setParentScope(scope);
    array.setPrototype((Scriptable) Program.uint8Prototype(scope));
    return array;
  }

  /** Reads bytes: an array of numbers, typed or not, or hexadecimal digits. */
  static byte[] toBytes(Object value) {
    if (value instanceof NativeUint8Array array) {
      byte[] out = new byte[array.size()];
      for (int i = 0; i < out.length; i++) {
        out[i] = array.get(i).byteValue();
      }
      return out;
    }
    if (value instanceof NativeArray array) {
      if (array.getLength() > MAX_BYTES) {
        throw new IllegalArgumentException(array.getLength() + " bytes are more than " + MAX_BYTES);
      }
      byte[] out = new byte[(int) array.getLength()];
      for (int i = 0; i < out.length; i++) {
        out[i] = (byte) ScriptRuntime.toInt32(array.get(i, array));
      }
      return out;
    }
    if (value instanceof CharSequence text) {
      if (text.length() > 2 * MAX_BYTES + 2) {
        throw new IllegalArgumentException("a text of more than " + MAX_BYTES + " bytes");
      }
      String digits = text.toString().replaceFirst("^0[xX]", "");
      return Bytes.fromHex("0x" + (digits.length() % 2 == 0 ? "" : "0") + digits).toArray();
    }
    throw new IllegalArgumentException("not bytes: " + ScriptRuntime.typeof(value));
  }

  static Address address(Object value) {
    return Address.wrap(fitted(toBytes(value), 20));
  }

  /** Cuts from the left, or fills up with zeros there. */
  static byte[] fitted(byte[] bytes, int length) {
    byte[] out = new byte[length];
    int used = Math.min(length, bytes.length);
    System.arraycopy(bytes, bytes.length - used, out, length - used, used);
    return out;
  }

  static UInt256 word(Object value) {
    return value instanceof BigNumber number
        ? UInt256.of(number.value().mod(BigInteger.ONE.shiftLeft(256)))
        : UInt256.ofBytes(fitted(toBytes(value), 32));
  }

  // ---- JSON

  /** Returns a JSON-neutral value as JavaScript. */
  static @Nullable Object toScript(Context context, Scriptable scope, @Nullable Object value) {
    if (value instanceof Map<?, ?> map) {
      Scriptable object = context.newObject(scope);
      map.forEach(
          (key, item) ->
              ScriptableObject.putProperty(
                  object, String.valueOf(key), toScript(context, scope, item)));
      return object;
    }
    if (value instanceof List<?> list) {
      return context.newArray(
          scope, list.stream().map(item -> toScript(context, scope, item)).toArray());
    }
    return value instanceof Number number ? (Object) number.doubleValue() : value;
  }

  /** Returns what a program answered as a JSON-neutral value. */
  static @Nullable Object toJson(@Nullable Object value, int depth) {
    if (depth > MAX_DEPTH) {
      throw new TracerException("the result of the tracer is nested too deeply");
    }
    if (value instanceof NativeUint8Array array) {
      Map<String, Object> out = new LinkedHashMap<>(); // as JSON.stringify does
      byte[] bytes = toBytes(array);
      for (int i = 0; i < bytes.length; i++) {
        out.put(String.valueOf(i), bytes[i] & 0xff);
      }
      return out;
    }
    if (value instanceof BigNumber number) {
      return number.value().toString();
    }
    if (value instanceof NativeArray array) {
      List<@Nullable Object> out = new ArrayList<>();
      for (long i = 0; i < array.getLength(); i++) {
        out.add(toJson(array.get((int) i, array), depth + 1));
      }
      return out;
    }
    if (value instanceof NativeObject object) {
      Map<String, @Nullable Object> out = new LinkedHashMap<>();
      for (Object id : object.getIds()) {
        Object item = ScriptableObject.getProperty(object, String.valueOf(id));
        if (item != Undefined.instance && !(item instanceof BaseFunction)) {
          out.put(String.valueOf(id), toJson(item, depth + 1));
        }
      }
      return out;
    }
    if (value == null || value == Undefined.instance || value == Scriptable.NOT_FOUND) {
      return null;
    }
    if (value instanceof Number number) {
      return number(number);
    }
    return value instanceof Boolean ? value : ScriptRuntime.toString(value);
  }

  private static @Nullable Object number(Number number) {
    double real = number.doubleValue();
    if (Double.isNaN(real) || Double.isInfinite(real)) {
      return null;
    }
    return real == Math.rint(real) && Math.abs(real) < 1e15
        ? (Object) (long) real
        : new BigDecimal(real).doubleValue();
  }

  static String hex(byte[] bytes) {
    return Hex.encode(bytes);
  }

  static byte[] slice(byte[] bytes, int from, int to) {
    if (from < 0 || to > bytes.length || from > to) {
      throw new IllegalArgumentException(
          "tracer accessed out of bound: available "
              + bytes.length
              + ", from "
              + from
              + ", to "
              + to);
    }
    return Arrays.copyOfRange(bytes, from, to);
  }
}
