// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.js;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerException;
import dev.patchbay.evm.CodeCache;
import dev.patchbay.evm.EvmState;
import dev.patchbay.evm.StateBase;
import dev.patchbay.evm.TransactionProcessor;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.TransactionRules;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs run over a call whose code stores, hashes, loads and reverts. */
@Timeout(60)
class JsTracerTest {
  private static final Address FROM = Address.fromHex("0x00000000000000000000000000000000000000f0");
  private static final Address TO = Address.fromHex("0x00000000000000000000000000000000000000c0");

  /**
   * PUSH1 42 PUSH1 0 MSTORE PUSH1 32 PUSH1 0 KECCAK256 PUSH1 7 SLOAD ADD POP PUSH0 PUSH0 REVERT.
   */
  private static final Bytes CODE = Bytes.fromHex("0x602a600052602060002060075401505f5ffd");

  private final JsTracerEngine engine = new JsTracerEngine(20_000_000, 2, 256 << 20);

  private @Nullable Object trace(String program) {
    return trace(program, Map.of());
  }

  private @Nullable Object trace(String program, Map<String, Object> config) {
    Transaction call =
        Transaction.builder(TransactionType.LEGACY)
            .gasLimit(100_000)
            .to(TO)
            .value(UInt256.of(5))
            .data(Bytes.fromHex("0x01020304"))
            .sender(FROM)
            .build();
    BlockContext block =
        new BlockContext(
            Fork.OSAKA,
            UInt256.ONE,
            Address.ZERO,
            17,
            1_234,
            30_000_000,
            UInt256.ZERO,
            Hash.ZERO,
            UInt256.ZERO,
            UInt256.ONE,
            0,
            9,
            number -> Hash.ZERO,
            TransactionRules.ETHEREUM);
    Tracer tracer = engine.create(program, config, new TraceSubject(null, 17, null, 0));
    EvmState state = new EvmState(new World(), new CodeCache(1 << 20));
    try {
      new TransactionProcessor(state, block)
          .process(call, 30_000_000, TransactionProcessor.Mode.SIMULATION, tracer);
    } catch (dev.patchbay.primitives.execution.InvalidTransactionException invalid) {
      throw new AssertionError(invalid);
    }
    return tracer.result();
  }

  private static final class World implements StateBase {
    @Override
    public @Nullable Account account(Address address) {
      if (address.equals(TO)) {
        return new Account(1, UInt256.of(1_000), Hash.keccak(new byte[] {1}), CODE.keccak());
      }
      return address.equals(FROM)
          ? new Account(3, UInt256.of(1_000_000), Account.EMPTY_ROOT, Account.EMPTY_CODE)
          : null;
    }

    @Override
    public UInt256 storage(Address address, UInt256 key) {
      return key.equals(UInt256.of(7)) ? UInt256.of(99) : UInt256.ZERO;
    }

    @Override
    public Bytes code(Hash codeHash) {
      return CODE;
    }
  }

  private static String only(String body) {
    return "{step: function(log, db) {"
        + body
        + "}, fault: function() {}, result: function() { return this.out; }}";
  }

  @Test
  void stepsSeeTheMachineBeforeThem() {
    Object seen =
        trace(
            """
            {ops: [], step: function (log, db) {
               this.ops.push([log.op.toString(), log.getPC(), log.getCost(), log.stack.length(), log.memory.length(),
                 log.getDepth()]);
               if (log.op.toNumber() == 0x54) this.slot = toHex(db.getState(log.contract.getAddress(), toWord('0x7')));
               if (log.op.toString() == 'MSTORE') this.stored = log.stack.peek(1).toString(16);
               if (log.op.toString() == 'KECCAK256') this.hashed = log.memory.getUint(0).toString();
             },
             fault: function (log, db) { this.failed = log.getError() + ' at ' + log.op; },
             result: function (ctx, db) {
               return {ops: this.ops, slot: this.slot, stored: this.stored, hashed: this.hashed, failed: this.failed,
                 type: ctx.type, from: toHex(ctx.from), value: ctx.value, error: ctx.error, block: ctx.block,
                 balance: db.getBalance(ctx.from), nonce: db.getNonce(ctx.from), exists: db.exists(toAddress('0x99'))};
             }}""");
    assertThat(seen)
        .isEqualTo(
            Map.ofEntries(
                Map.entry(
                    "ops",
                    List.of(
                        List.of("PUSH1", 0L, 3L, 0L, 0L, 1L),
                        List.of("PUSH1", 2L, 3L, 1L, 0L, 1L),
                        List.of("MSTORE", 4L, 6L, 2L, 0L, 1L),
                        List.of("PUSH1", 5L, 3L, 0L, 32L, 1L),
                        List.of("PUSH1", 7L, 3L, 1L, 32L, 1L),
                        List.of("KECCAK256", 9L, 36L, 2L, 32L, 1L),
                        List.of("PUSH1", 10L, 3L, 1L, 32L, 1L),
                        List.of("SLOAD", 12L, 2100L, 2L, 32L, 1L),
                        List.of("ADD", 13L, 3L, 2L, 32L, 1L),
                        List.of("POP", 14L, 2L, 1L, 32L, 1L),
                        List.of("PUSH0", 15L, 2L, 0L, 32L, 1L),
                        List.of("PUSH0", 16L, 2L, 1L, 32L, 1L),
                        List.of("REVERT", 17L, 0L, 2L, 32L, 1L))),
                Map.entry("slot", "0x" + "0".repeat(62) + "63"),
                Map.entry("stored", "2a"),
                Map.entry("hashed", "42"),
                Map.entry("failed", "execution reverted at REVERT"),
                Map.entry("type", "CALL"),
                Map.entry("from", FROM.toString()),
                Map.entry("value", "5"),
                Map.entry("error", "execution reverted"),
                Map.entry("block", 17L),
                Map.entry("balance", "1000000"),
                Map.entry("nonce", 4L),
                Map.entry("exists", false)));
  }

  @Test
  void aProgramIsSetUpWithItsConfiguration() {
    String program =
        "{setup: function(c) { this.c = c; }, fault: function() {}, result: function() { return this.c; }}";
    assertThat(trace(program, Map.of("a", List.of(1, Map.of("b", "c")))))
        .isEqualTo(Map.of("a", List.of(1L, Map.of("b", "c"))));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "bigInt('1234567890123456789').add(1).toString(16) | 112210f47de98116",
        "bigInt(7).pow(20).mod(1000).toString() | 1",
        "bigInt('ff', 16).shiftLeft(8).toString() | 65280",
        "toHex(toContract('0x00000000000000000000000000000000000000f0', 3)).length | 42",
        "toHex(slice([1, 2, 3, 4], 1, 3)) | 0x0203",
        "isPrecompiled(toAddress('0x1')) | true",
        "'' + bigInt(3).lt(4) + bigInt(3).equals(3) + bigInt.zero.isZero() | truetruetrue",
        "typeof Java + typeof Packages + typeof java | undefinedundefinedundefined",
        "typeof eval + typeof RegExp + typeof ArrayBuffer | undefinedundefinedundefined",
        "'' + toHex(log.memory.slice(0, 0)) | 0x",
      })
  void expressions(String expression, String expected) {
    assertThat(String.valueOf(trace(only("this.out = " + expression)))).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "while (true) {}",
        "for (;;) { try { while (true) {} } catch (e) {} finally {} }",
        "var a = []; while (true) a.push('x' + a.length);",
        "var s = 'x'; while (true) s += s;",
        "function f() { f(); } f();",
        "new Array(4000000000).join('x')",
        "var a = []; a.length = 4000000000; a.indexOf(1)",
        "'x'.repeat(1000000000)",
        "log.memory.slice(0, 32).constructor(1000000000)",
        "/(a+)+$/.exec('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!')",
        "bigInt(2).pow(1000000000)",
        "bigInt(1).shiftLeft(1000000000)",
        "log.stack.peek(99)",
        "log.memory.slice(0, 1000000)",
        "throw 'enough'",
        "undefinedFunction()",
        "this.getClass().forName('java.lang.Runtime')",
        "({}).constructor.constructor('while (true) {}')()",
      })
  void whatAProgramMustNotDoEndsTheTrace(String body) {
    long start = System.nanoTime();
    assertThatThrownBy(() -> trace(only(body))).isInstanceOf(TracerException.class);
    assertThat(System.nanoTime() - start).isLessThan(20_000_000_000L);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "{}",
        "{fault: function() {}}",
        "{fault: function() {}, result: 1}",
        "{fault: function() {}, result: function() {}, enter: function() {}}",
        "function() {}",
        "42 /* { */",
        "{fault: function() {}, result: function() {}, setup: function() { while (true) {} }}",
        "(function() { while (true) {} })() /* { */"
      })
  void whatIsNoTracerIsRefused(String program) {
    assertThatThrownBy(() -> trace(program))
        .isInstanceOfAny(IllegalArgumentException.class, TracerException.class)
        .message()
        .isNotBlank();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bigInt('9'.repeat(1000000))",
        "bigInt('9'.repeat(1000000), 10)",
        "bigInt('z'.repeat(1000000), 36)",
        "bigInt('f'.repeat(1000000), 16)",
        "bigInt('0x' + 'f'.repeat(1000000))",
        "bigInt(['9'.repeat(1000000)], 10)",
        "bigInt(1).add('9'.repeat(1000000))",
        "bigInt('9'.repeat(6000))"
      })
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aNumberOfManyDigitsIsNotRead(String expression) {
    assertThatThrownBy(() -> trace(only("var x = " + expression + "; return 1;")))
        .isInstanceOf(TracerException.class)
        .hasMessageContaining("more than 16384 bits");
  }

  @Test
  void numbersUpToTheBoundAreRead() {
    String most = "1".repeat(4_096);
    assertThat(
            trace(
                "{fault: function() {}, result: function() { return bigInt('0x" + most + "'); }}"))
        .isEqualTo(new BigInteger(most, 16).toString());
    assertThat(
            trace(
                "{fault: function() {}, result: function() { return bigInt('7'.repeat(4900), 8); }}"))
        .isEqualTo(new BigInteger("7".repeat(4_900), 8).toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "%n",
        "2n ** 2n ** 40n",
        "0xf_fn",
        "BigInt('%')",
        "Function('return %n')()",
        "Function('return 2n ** 9n')()"
      })
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void programsHaveNoBigInt(String expression) {
    String program =
        "{fault: function() {}, result: function() { return String("
            + expression.replace("%", "9".repeat(5_000_000))
            + "); }}";
    assertThatThrownBy(() -> trace(program))
        .isInstanceOfAny(TracerException.class, IllegalArgumentException.class)
        .hasMessageContaining("BigInt")
        .satisfies(failure -> assertThat(failure.getMessage()).hasSizeLessThan(300));
  }

  @Test
  void aTextThatLooksLikeABigIntIsAText() {
    assertThat(trace("{fault: function() {}, result: function() { return '10n'; }}"))
        .isEqualTo("10n");
  }
}
