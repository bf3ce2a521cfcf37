// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.js;

import dev.patchbay.primitives.Hex;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BinaryOperator;
import org.jspecify.annotations.Nullable;
import org.mozilla.javascript.BaseFunction;
import org.mozilla.javascript.Context;
import org.mozilla.javascript.ScriptRuntime;
import org.mozilla.javascript.Scriptable;
import org.mozilla.javascript.ScriptableObject;

/**
 * A number of any size with the methods of the library {@code big-integer}, which tracer programs
 * are written for.
 */
final class BigNumber extends ScriptableObject {
  private static final long serialVersionUID = 1L;
  private static final int MAX_BITS = 1 << 14;

  private final BigInteger value;

  private BigNumber(BigInteger value) {
    if (value.bitLength() > MAX_BITS) {
      throw tooLong();
    }
    this.value = value;
  }

  BigInteger value() {
    return value;
  }

  @Override
  public String getClassName() {
    return "BigInteger";
  }

  @Override
  public Object getDefaultValue(@Nullable Class<?> hint) {
    return hint == String.class ? (Object) value.toString() : value.doubleValue();
  }

  /** Makes numbers of one global object. */
  static final class Maker {
    private final Scriptable scope;
    private final ScriptableObject prototype;

    Maker(Context context, Scriptable scope) {
      this.scope = scope;
      prototype = (ScriptableObject) context.newObject(scope);
      Map<String, BinaryOperator<BigInteger>> operations = new TreeMap<>();
      operations.put("add", BigInteger::add);
      operations.put("plus", BigInteger::add);
      operations.put("subtract", BigInteger::subtract);
      operations.put("minus", BigInteger::subtract);
      operations.put("multiply", BigInteger::multiply);
      operations.put("times", BigInteger::multiply);
      operations.put("divide", BigInteger::divide);
      operations.put("over", BigInteger::divide);
      operations.put("mod", BigInteger::remainder);
      operations.put("remainder", BigInteger::remainder);
      operations.put("and", BigInteger::and);
      operations.put("or", BigInteger::or);
      operations.put("xor", BigInteger::xor);
      operations.put("pow", (a, b) -> power(a, b));
      operations.put("shiftLeft", (a, b) -> shift(a, b.intValueExact()));
      operations.put("shiftRight", (a, b) -> shift(a, -b.intValueExact()));
      operations.forEach(
          (name, operation) ->
              define(
                  name, (self, args) -> of(operation.apply(self, read(Values.argument(args, 0))))));
      Map<String, java.util.function.IntPredicate> comparisons = new TreeMap<>();
      comparisons.put("equals", order -> order == 0);
      comparisons.put("eq", order -> order == 0);
      comparisons.put("notEquals", order -> order != 0);
      comparisons.put("neq", order -> order != 0);
      comparisons.put("greater", order -> order > 0);
      comparisons.put("gt", order -> order > 0);
      comparisons.put("greaterOrEquals", order -> order >= 0);
      comparisons.put("geq", order -> order >= 0);
      comparisons.put("lesser", order -> order < 0);
      comparisons.put("lt", order -> order < 0);
      comparisons.put("lesserOrEquals", order -> order <= 0);
      comparisons.put("leq", order -> order <= 0);
      comparisons.forEach(
          (name, test) ->
              define(
                  name, (self, args) -> test.test(self.compareTo(read(Values.argument(args, 0))))));
      define("compare", (self, args) -> self.compareTo(read(Values.argument(args, 0))));
      define("compareTo", (self, args) -> self.compareTo(read(Values.argument(args, 0))));
      define("isZero", (self, args) -> self.signum() == 0);
      define("isNegative", (self, args) -> self.signum() < 0);
      define("isPositive", (self, args) -> self.signum() > 0);
      define("isEven", (self, args) -> !self.testBit(0));
      define("isOdd", (self, args) -> self.testBit(0));
      define("abs", (self, args) -> of(self.abs()));
      define("negate", (self, args) -> of(self.negate()));
      define("not", (self, args) -> of(self.not()));
      define("next", (self, args) -> of(self.add(BigInteger.ONE)));
      define("prev", (self, args) -> of(self.subtract(BigInteger.ONE)));
      define("toJSNumber", (self, args) -> self.doubleValue());
      define("valueOf", (self, args) -> self.doubleValue());
      define("toJSON", (self, args) -> self.toString());
      define(
          "toString",
          (self, args) -> self.toString(args.length == 0 ? 10 : Values.integer(args, 0)));
    }

    private interface Method {
      Object call(BigInteger self, Object[] args);
    }

    private void define(String name, Method method) {
      prototype.defineProperty(
          name,
          new BaseFunction(scope, ScriptableObject.getFunctionPrototype(scope)) {
            private static final long serialVersionUID = 1L;

            @Override
            public Object call(Context c, Scriptable s, Scriptable self, Object[] args) {
              if (!(self instanceof BigNumber number)) {
                throw ScriptRuntime.typeError(name + " of something that is no bigInt");
              }
              try {
                return method.call(number.value, args);
              } catch (ArithmeticException | IllegalArgumentException wrong) {
                throw ScriptRuntime.typeError(String.valueOf(wrong.getMessage()));
              }
            }
          },
          ScriptableObject.DONTENUM);
    }

    BigNumber of(BigInteger value) {
      BigNumber number = new BigNumber(value);
      number.setPrototype(prototype);
      number.setParentScope(scope);
      return number;
    }

    /** Returns the global function {@code bigInt}. */
    BaseFunction function() {
      BaseFunction function =
          Values.function(
              scope,
              args ->
                  args.length == 0
                      ? of(BigInteger.ZERO)
                      : of(args.length > 1 ? digits(args) : read(args[0])));
      function.defineProperty("zero", of(BigInteger.ZERO), DONTENUM);
      function.defineProperty("one", of(BigInteger.ONE), DONTENUM);
      function.defineProperty("minusOne", of(BigInteger.ONE.negate()), DONTENUM);
      Values.method(
          function,
          scope,
          "max",
          args -> of(read(Values.argument(args, 0)).max(read(Values.argument(args, 1)))));
      Values.method(
          function,
          scope,
          "min",
          args -> of(read(Values.argument(args, 0)).min(read(Values.argument(args, 1)))));
      return function;
    }

    private static BigInteger digits(Object[] args) {
      String text =
          args[0] instanceof CharSequence s ? checked(s) : ScriptRuntime.toString(args[0]);
      int radix = Values.integer(args, 1);
      String digits = text.toLowerCase(Locale.ROOT);
      return parse(radix == 16 && digits.startsWith("0x") ? digits.substring(2) : digits, radix);
    }
  }

  private static BigInteger power(BigInteger base, BigInteger exponent) {
    if (exponent.signum() < 0
        || exponent.bitLength() > 14
        || (long) base.bitLength() * exponent.intValue() > MAX_BITS) {
      throw tooLong();
    }
    return base.pow(exponent.intValue());
  }

  private static BigInteger shift(BigInteger value, int bits) {
    if (Math.abs((long) bits) > MAX_BITS) {
      throw new IllegalArgumentException("a shift by more than " + MAX_BITS + " bits");
    }
    return value.shiftLeft(bits);
  }

  /** Returns a text as it is; its length is checked before its parts are put into one string. */
  private static String checked(CharSequence text) {
    if (text.length() > MAX_BITS) {
      throw tooLong();
    }
    return text.toString();
  }

  private static BigInteger parse(String digits, int radix) {
    // each digit but the first stands for log2(radix) bits; rounded down, for no number is refused
    // that fits
    if (radix > 1
        && (long) digits.length() * (31 - Integer.numberOfLeadingZeros(radix)) > MAX_BITS) {
      throw tooLong();
    }
    try {
      return new BigInteger(digits, radix);
    } catch (NumberFormatException malformed) {
      throw new IllegalArgumentException("Invalid integer: " + Hex.shown(digits));
    }
  }

  private static IllegalArgumentException tooLong() {
    return new IllegalArgumentException("a number of more than " + MAX_BITS + " bits");
  }

  /** Reads a number: one of these, one of JavaScript's, or digits. */
  static BigInteger read(Object value) {
    if (value instanceof BigNumber number) {
      return number.value;
    }
    if (value instanceof CharSequence text) {
      String digits = checked(text).strip().toLowerCase(Locale.ROOT);
      return digits.startsWith("0x")
          ? parse(digits.substring(2), 16)
          : digits.isEmpty() ? BigInteger.ZERO : parse(digits, 10);
    }
    double number = ScriptRuntime.toNumber(value);
    if (number != Math.rint(number) || Double.isInfinite(number)) {
      throw new IllegalArgumentException("Invalid integer: " + number);
    }
    return new BigDecimal(number).toBigInteger();
  }
}
