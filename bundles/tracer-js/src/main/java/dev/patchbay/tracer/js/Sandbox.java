// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.js;

import dev.patchbay.api.tracing.TracerException;
import java.lang.management.ManagementFactory;
import org.jspecify.annotations.Nullable;
import org.mozilla.javascript.Context;
import org.mozilla.javascript.ContextFactory;
import org.mozilla.javascript.ScriptableObject;

/**
 * Where programs run: without Java, without regular expressions, without BigInt, whose operations
 * have no bound and cannot be interrupted, interpreted, and counted. Every so many instructions the
 * limits are looked at; what breaks one ends and cannot catch why.
 */
final class Sandbox extends ContextFactory {
  private static final int CHECK_INTERVAL = 5_000;
  private static final int MAX_CALL_DEPTH = 1_000;
  private static final double HEAP_NEARLY_FULL = 0.9;

  /**
   * Loops inside of built-in functions are not counted, so what they may loop over is limited; and
   * constructors of large blocks of memory are out of reach.
   */
  private static final String PRELUDE =
      """
      (function (most) {
        function guard(prototype, names, lengths) {
          names.forEach(function (name) {
            var original = prototype[name];
            if (typeof original !== 'function') return;
            Object.defineProperty(prototype, name, {value: function () {
              if (this !== undefined && this !== null && this.length > most)
                throw new RangeError(name + ' of more than ' + most + ' items');
              for (var i = 0; i < arguments.length; i++)
                if (lengths && arguments[i] > most)
                  throw new RangeError(name + ' of more than ' + most + ' characters');
              return original.apply(this, arguments);
            }, writable: true, configurable: true, enumerable: false});
          });
        }
        var skipped = ['constructor', 'push', 'pop', 'forEach'];
        guard(Array.prototype, Object.getOwnPropertyNames(Array.prototype).filter(
          function (name) { return skipped.indexOf(name) < 0; }));
        guard(Array.prototype, ['forEach']);
        guard(String.prototype, ['repeat', 'padStart', 'padEnd'], true);
        guard(String.prototype, ['concat', 'split', 'replace', 'replaceAll']);
        var uint8 = Uint8Array.prototype;
        ['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array',
         'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'ArrayBuffer', 'DataView'].forEach(
          function (name) {
            var type = this[name];
            if (type === undefined) return;
            Object.defineProperty(type.prototype, 'constructor', {value: undefined});
            delete this[name];
          }, this);
        Object.defineProperty(this, '__uint8', {value: uint8, enumerable: false});
        delete this.RegExp;
        delete this.BigInt;
        delete Array.from;
        delete this.eval;
      }).call(this, 1000000);
      """;

  private final Limits limits;

  /**
   * What one trace may use.
   *
   * @param steps instructions of the program
   * @param nanos time
   * @param bytes memory that the program allocates
   */
  record Limits(long steps, long nanos, long bytes) {}

  /** A program that has used too much; not an exception, so that programs cannot catch it. */
  private static final class Exceeded extends Error {
    private static final long serialVersionUID = 1L;

    Exceeded(String message) {
      super(message, null, false, false);
    }
  }

  /** What one trace has used. */
  static final class Meter {
    private long steps;
    private long nanos;
    private long bytes;
    private long since;
    private long allocatedSince;

    private void enter() {
      since = System.nanoTime();
      allocatedSince = allocated();
    }

    private void leave() {
      nanos += System.nanoTime() - since;
      bytes += allocated() - allocatedSince;
    }
  }

  private final ThreadLocal<@Nullable Meter> running = new ThreadLocal<>();

  Sandbox(Limits limits) {
    this.limits = limits;
  }

  /** Something done with a context. */
  interface Action<T> {
    T run(Context context);
  }

  /** Runs an action, whose instructions count. */
  <T> T run(Meter meter, Action<T> action) {
    Context context = enterContext();
    running.set(meter);
    meter.enter();
    try {
      return action.run(context);
    } catch (Exceeded exceeded) {
      throw TracerException.limit(String.valueOf(exceeded.getMessage()));
    } catch (StackOverflowError deep) {
      throw new TracerException("the tracer calls itself too deeply");
    } finally {
      meter.leave();
      running.remove();
      Context.exit();
    }
  }

  /** Makes the global object of a trace. */
  ScriptableObject scope(Context context) {
    ScriptableObject scope = context.initSafeStandardObjects();
    context.evaluateString(scope, PRELUDE, "prelude", 1, null);
    return scope;
  }

  @Override
  protected Context makeContext() {
    Context context = new ProgramContext(this);
    context.setInterpretedMode(true);
    context.setLanguageVersion(Context.VERSION_ES6);
    context.setInstructionObserverThreshold(CHECK_INTERVAL);
    context.setMaximumInterpreterStackDepth(MAX_CALL_DEPTH);
    context.setClassShutter(name -> false);
    return context;
  }

  @Override
  protected void observeInstructionCount(Context context, int count) {
    Meter meter = running.get();
    if (meter == null) {
      return;
    }
    meter.steps += count;
    if (meter.steps > limits.steps) {
      throw new Exceeded("the tracer has run more than " + limits.steps + " steps");
    }
    if (meter.nanos + System.nanoTime() - meter.since > limits.nanos) {
      throw new Exceeded("the tracer has run longer than " + limits.nanos / 1_000_000 + " ms");
    }
    long bytes = meter.bytes + allocated() - meter.allocatedSince;
    if (bytes > limits.bytes || (bytes > limits.bytes / 16 && heapIsNearlyFull())) {
      throw new Exceeded("the tracer has used more than its memory");
    }
  }

  private static boolean heapIsNearlyFull() {
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory() > runtime.maxMemory() * HEAP_NEARLY_FULL;
  }

  /** Returns the bytes that this thread has allocated since it began; 0 where none can tell. */
  private static long allocated() {
    return ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean threads
        ? threads.getCurrentThreadAllocatedBytes()
        : 0;
  }
}
