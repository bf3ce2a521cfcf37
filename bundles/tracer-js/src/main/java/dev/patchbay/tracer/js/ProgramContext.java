// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.js;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.mozilla.javascript.CompilerEnvirons;
import org.mozilla.javascript.Context;
import org.mozilla.javascript.ContextFactory;
import org.mozilla.javascript.ErrorReporter;
import org.mozilla.javascript.Evaluator;
import org.mozilla.javascript.Parser;
import org.mozilla.javascript.ScriptRuntime;
import org.mozilla.javascript.Scriptable;
import org.mozilla.javascript.ast.BigIntLiteral;

/**
 * A context that compiles no source with a BigInt literal. Rhino parses a literal in time that
 * grows with the square of its length, and nothing bounds or interrupts the arithmetic of BigInt.
 * Programs have {@code bigInt} instead, as in geth.
 */
final class ProgramContext extends Context {
  private static final int MAX_LITERAL_CHARS = 100;

  ProgramContext(ContextFactory factory) {
    super(factory);
  }

  @Override
  protected Object compileImpl(
      @Nullable Scriptable scope,
      String sourceString,
      String sourceName,
      int lineno,
      @Nullable Object securityDomain,
      boolean returnFunction,
      @Nullable Evaluator compiler,
      @Nullable ErrorReporter compilationErrorReporter,
      @Nullable Consumer<CompilerEnvirons> compilerEnvironProcessor) {
    if (mayHoldBigInt(sourceString)) {
      CompilerEnvirons environs = new CompilerEnvirons();
      environs.initFromContext(this);
      new Parser(environs, environs.getErrorReporter())
          .parse(sourceString, sourceName, lineno)
          .visit(
              node -> {
                if (node instanceof BigIntLiteral) {
                  throw refusal();
                }
                return true;
              });
    }
    return super.compileImpl(
        scope,
        sourceString,
        sourceName,
        lineno,
        securityDomain,
        returnFunction,
        compiler,
        compilationErrorReporter,
        compilerEnvironProcessor);
  }

  /**
   * Returns whether a word of a source begins with a digit and ends with {@code n}: a literal, or
   * part of a text or comment.
   */
  private static boolean mayHoldBigInt(String source) {
    boolean found = false;
    for (int i = 0; i < source.length(); i++) {
      int from = i;
      while (i < source.length() && isWord(source.charAt(i))) {
        i++;
      }
      if (i > from && isDigit(source.charAt(from)) && source.charAt(i - 1) == 'n') {
        if (i - from > MAX_LITERAL_CHARS) {
          throw refusal();
        }
        found = true;
      }
    }
    return found;
  }

  private static boolean isWord(char c) {
    return isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static RuntimeException refusal() {
    return ScriptRuntime.typeError("BigInt is not supported; use bigInt()");
  }
}
