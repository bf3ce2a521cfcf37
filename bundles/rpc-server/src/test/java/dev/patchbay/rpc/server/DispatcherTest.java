// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.rpc.RpcConstant;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcError.Profile;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.rpc.RpcSession.LogLimits;
import dev.patchbay.api.rpc.RpcStream;
import dev.patchbay.api.rpc.SharedResult;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.osgi.framework.Bundle;

/** Every way in which a method can fail, and what a client is told. */
class DispatcherTest {
  private static final LogLimits LOGS = new LogLimits(10, 10);

  private final Dispatcher dispatcher =
      new Dispatcher(
          defaults(),
          Map.of(),
          new Replacements(() -> new Bundle[0], Duration.ofSeconds(5), System::nanoTime));

  private static Dispatcher.Config defaults() {
    return (Dispatcher.Config)
        Proxy.newProxyInstance(
            Dispatcher.class.getClassLoader(),
            new Class<?>[] {Dispatcher.Config.class},
            (proxy, method, arguments) -> method.getDefaultValue());
  }

  private int served;

  @AfterEach
  void close() {
    dispatcher.close();
  }

  private void serve(RpcMethod method) {
    Map<String, RpcMethod> methods =
        Map.of("test_call", method, "test_long", RpcMethod.expensive(method));
    RpcNamespace namespace = () -> methods;
    dispatcher.addNamespace(namespace, properties(++served));
  }

  /** Returns the properties of a namespace that is preferred to those before. */
  private static Map<String, Object> properties(int number) {
    return Map.of("service.id", (long) number, "service.ranking", number);
  }

  private static Terms terms(Profile profile) {
    return new Terms(
        Set.of("test"),
        new Limits(1_000, 2, 1_000, LOGS),
        profile,
        Duration.ofSeconds(10),
        new Quota(10),
        new Quota(10));
  }

  private @Nullable String ask(String message, Profile profile) {
    Answer answer = answer(message, terms(profile), held());
    return answer == null ? null : text(answer);
  }

  private @Nullable Answer answer(String message, Terms terms, Exchange exchange) {
    AwaitedReply reply = new AwaitedReply();
    dispatcher.answer(
        message.getBytes(StandardCharsets.UTF_8),
        terms,
        new HttpSession(LOGS, Connections.ONE_CLIENT, () -> false),
        exchange,
        reply);
    try {
      return reply.await();
    } catch (InterruptedException interrupted) {
      throw new AssertionError(interrupted);
    }
  }

  private static String request(String method) {
    return "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" + method + "\",\"params\":[]}";
  }

  private static String error(int code, String message) {
    return "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":"
        + code
        + ",\"message\":\""
        + message
        + "\"}}";
  }

  @Test
  void aMessageIsShortenedWhateverItShows() {
    String text = "x".repeat(1_000_000);
    serve(
        (params, session) -> {
          throw RpcError.invalidParams(text);
        });
    String name = "n".repeat(40_000);
    String duplicate = "{\"" + name + "\":1,\"" + name + "\":2}";
    for (String message : List.of(request("test_call"), request("test_" + text), duplicate, text)) {
      assertThat(ask(message, Profile.GETH)).contains("\"error\"").hasSizeLessThan(5_000);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"%", "-%", "0.%", "%.5", "1e%", "[%]"})
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aLongNumberIsNotParsed(String number) {
    String message =
        request("test_call").replace("[]", "[" + number.replace("%", "9".repeat(5_000_000)) + "]");
    assertThat(ask(message, Profile.GETH)).contains("-32700").hasSizeLessThan(1_000);
    String id = message.replace("\"id\":1", "\"id\":" + "9".repeat(101));
    assertThat(ask(id, Profile.GETH)).contains("-32700").hasSizeLessThan(1_000);
  }

  /** The table: the digest's section 3. */
  @ParameterizedTest
  @CsvSource({
    "NONCE_TOO_LOW,      -32001, -32000, 1",
    "INSUFFICIENT_FUNDS, -32002, -32000, 809",
    "GAS_LIMIT,          -32003, -32000, 803",
    "UNDERPRICED,        -32004, -32000, 802",
    "LIMIT,              -32005, -32000, -32005",
    "TIMEOUT,            -32005, -32002, -32005",
    "RESPONSE_TOO_LARGE, -32005, -32003, -32005",
  })
  void aKindHasItsCodeInEachProfile(RpcError.Kind kind, int patchbay, int geth, int catalogue) {
    serve(
        (params, session) -> {
          throw new RpcError(kind, "told");
        });
    for (String method : new String[] {"test_call", "test_long"}) {
      assertThat(ask(request(method), Profile.PATCHBAY)).isEqualTo(error(patchbay, "told"));
      assertThat(ask(request(method), Profile.GETH)).isEqualTo(error(geth, "told"));
      assertThat(ask(request(method), Profile.CATALOGUE)).isEqualTo(error(catalogue, "told"));
    }
  }

  @ParameterizedTest
  @EnumSource(Profile.class)
  void faultsAreTold(Profile profile) {
    Throwable[] faults = {
      new NullPointerException("inside"),
      new NoClassDefFoundError("of/a/bundle/that/is/Gone"),
      new StackOverflowError()
    };
    for (Throwable fault : faults) {
      serve(
          (params, session) -> {
            if (fault instanceof Error error) {
              throw error;
            }
            throw (RuntimeException) fault;
          });
      assertThat(ask(request("test_call"), profile)).isEqualTo(error(-32603, "internal error"));
      assertThat(ask(request("test_long"), profile)).isEqualTo(error(-32603, "internal error"));
      serve((params, session) -> stream(10, fault));
      assertThat(ask(request("test_long"), profile)).isEqualTo(error(-32603, "internal error"));
    }
    serve((params, session) -> new Object());
    assertThat(ask(request("test_call"), profile)).isEqualTo(error(-32603, "internal error"));
  }

  /** A stream that fails after values of some length. */
  private static RpcStream stream(int length, Throwable fault) {
    return out -> {
      out.beginArray();
      out.value("x".repeat(length));
      if (fault instanceof Error error) {
        throw error;
      }
      throw (RuntimeException) fault;
    };
  }

  @Test
  void aMethodWhoseBundleGoesAwayDuringACallIsNotThere() {
    for (String name : new String[] {"test_call", "test_long"}) {
      serve(
          (params, session) -> {
            dispatcher.removeNamespace(Map::of, properties(served));
            throw new NoClassDefFoundError("of/the/bundle/that/is/Gone");
          });
      assertThat(ask(request(name), Profile.PATCHBAY))
          .isEqualTo(error(-32601, "the method " + name + " does not exist/is not available"));
    }
  }

  @Test
  void whatHasBegunIsCut() {
    serve(
        (params, session) -> stream(100_000, new NoClassDefFoundError("of/a/bundle/that/is/Gone")));
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    assertThatThrownBy(
            () ->
                answer(
                    request("test_long"),
                    terms(Profile.GETH),
                    new Exchange(() -> sent, dispatcher.memory().open())))
        .isInstanceOf(BrokenAnswerException.class);
    assertThat(sent.toString(StandardCharsets.UTF_8)).contains("xxx").doesNotContain("error");
  }

  @ParameterizedTest
  @EnumSource(Profile.class)
  void storesThatFailAreTold(Profile profile) {
    serve(
        (params, session) -> {
          throw new StorageUnavailableException("no store is bound");
        });
    assertThat(ask(request("test_call"), profile)).isEqualTo(error(-32010, "no store is bound"));
    serve(
        (params, session) -> {
          throw new StorageException("the disk is full");
        });
    assertThat(ask(request("test_call"), profile)).isEqualTo(error(-32000, "the disk is full"));
    serve(
        (params, session) -> {
          throw new PrunedException(5, 9);
        });
    assertThat(ask(request("test_call"), profile))
        .isEqualTo(
            error(
                4444,
                "pruned history unavailable: block 5 has been pruned, blocks are available from"
                    + " block 9 on"));
    serve(
        (params, session) -> {
          throw new IllegalStateException("the chain is closed");
        });
    assertThat(ask(request("test_call"), profile)).isEqualTo(error(-32000, "the chain is closed"));
  }

  @Test
  void aDeadlineIsToldAsATimeout() {
    serve(
        (params, session) -> {
          try (Deadline over = Deadline.after(Duration.ZERO)) {
            Deadline.check();
            return "in time";
          }
        });
    assertThat(ask(request("test_long"), Profile.PATCHBAY)).contains("\"code\":-32005");
    assertThat(ask(request("test_long"), Profile.GETH)).contains("\"code\":-32002");
    assertThat(ask(request("test_long"), Profile.CATALOGUE)).contains("\"code\":-32005");
  }

  @Test
  void anAnswerThatIsTooLongIsTold() {
    // short of Jackson's buffer and beyond it, alone and inside of something, held and streamed
    for (int length : new int[] {2_000, 20_000}) {
      String text = "x".repeat(length);
      serve((params, session) -> text);
      assertThatItIsTooLong();
      serve((params, session) -> Map.of("key", List.of(1, text)));
      assertThatItIsTooLong();
      serve((params, session) -> (RpcStream) out -> out.value(Map.of("key", List.of(1, text))));
      assertThatItIsTooLong();
      serve((params, session) -> new RpcConstant("key" + length, () -> text));
      assertThatItIsTooLong();
    }
  }

  @Test
  void aConstantThatIsWrittenIsCounted() {
    String text = "-".repeat(500_000);
    serve((params, session) -> new RpcConstant("long", () -> text));
    Terms terms =
        new Terms(
            Set.of("test"),
            new Limits(1_000, 2, 1_000_000, LOGS),
            Profile.PATCHBAY,
            Duration.ofSeconds(10),
            new Quota(10),
            new Quota(10));
    MemoryBudget.Account others = dispatcher.memory().open();
    while (others.tryGrow(100_000)) {
      assertThat(dispatcher.memory().used()).isPositive();
    }
    assertThat(text(answer(request("test_call"), terms, held())))
        .contains("-32005", "the memory of the node");
    others.close();
    assertThat(text(answer(request("test_call"), terms, held()))).contains(text);
  }

  /** A client must learn the id of a filter that its call has made. */
  @Test
  void aCallWithoutMemoryForItsResponseIsNotMade() {
    List<MemoryBudget.Account> others = new ArrayList<>();
    AtomicInteger made = new AtomicInteger();
    serve(
        (params, session) -> {
          fill(others); // others take what is left while the method runs
          return "id " + made.incrementAndGet();
        });
    try (MemoryBudget.Account memory = dispatcher.memory().open()) {
      assertThat(memory.tryGrow(MemoryBudget.FREE_BYTES)).isTrue(); // the rest is counted
      String batch = "[" + request("test_call") + "," + request("test_call") + "]";
      assertThat(text(answer(batch, terms(Profile.PATCHBAY), new Exchange(null, memory))))
          .containsSubsequence("\"id 1\"", "-32005", "the memory of the node");
      assertThat(made).hasValue(1);
    } finally {
      others.forEach(MemoryBudget.Account::close);
    }
    assertThat(dispatcher.memory().used()).isZero();
  }

  private void fill(List<MemoryBudget.Account> others) {
    MemoryBudget.Account account = dispatcher.memory().open();
    others.add(account);
    for (long bytes = 1L << 30; bytes > 0; bytes /= 2) {
      while (account.tryGrow(bytes)) {
        assertThat(dispatcher.memory().used()).isNotNegative();
      }
    }
  }

  /** One batch must not take the memory of all requests. */
  @Test
  void aBatchCountsWhatItSendsAlone() {
    String tooLong = "x".repeat(2_000_000);
    String text = "x".repeat(300_000);
    Map<String, RpcMethod> methods =
        Map.of(
            "test_text",
            (params, session) -> tooLong,
            "test_constant",
            (params, session) -> new RpcConstant("too long", () -> tooLong),
            "test_data",
            (params, session) -> {
              throw new RpcError(RpcError.SERVER_ERROR, "failed", tooLong);
            },
            "test_fail",
            (params, session) -> List.of(text, new Object()),
            "test_short",
            (params, session) -> text,
            "test_used",
            (params, session) -> dispatcher.memory().used());
    dispatcher.addNamespace(() -> methods, properties(1));
    Terms terms =
        new Terms(
            Set.of("test"),
            new Limits(10_000, 10, 1_000_000, LOGS),
            Profile.PATCHBAY,
            Duration.ofSeconds(10),
            new Quota(10),
            new Quota(10));
    for (String method : List.of("test_text", "test_constant", "test_data", "test_fail")) {
      assertThat(text(answer(batch(method, method, method, "test_used"), terms, held())))
          .as(method)
          .endsWith("\"result\":0}]")
          .contains("\"error\"");
    }
    String answer = text(answer(batch("test_short", "test_used"), terms, held()));
    String used = answer.substring(answer.lastIndexOf(':') + 1, answer.lastIndexOf('}'));
    assertThat(Long.parseLong(used)).isBetween(1L, 300_000L);
  }

  private static String batch(String... methods) {
    return Arrays.stream(methods)
        .map(DispatcherTest::request)
        .collect(Collectors.joining(",", "[", "]"));
  }

  private Exchange held() {
    return new Exchange(null, dispatcher.memory().open());
  }

  private static String text(@Nullable Answer answer) {
    return new String(Objects.requireNonNull(answer).toByteArray(), StandardCharsets.UTF_8);
  }

  private void assertThatItIsTooLong() {
    String told = "response too large: at most 1000 bytes";
    assertThat(ask(request("test_call"), Profile.PATCHBAY)).isEqualTo(error(-32005, told));
    assertThat(ask(request("test_call"), Profile.GETH)).isEqualTo(error(-32003, told));
    assertThat(ask(request("test_call"), Profile.CATALOGUE)).isEqualTo(error(-32005, told));
  }

  @Test
  void aNotificationIsNeverAnswered() {
    serve((params, session) -> "done");
    assertThat(ask("{\"jsonrpc\":\"2.0\",\"method\":\"test_call\"}", Profile.PATCHBAY)).isNull();
    assertThat(ask("{\"jsonrpc\":\"2.0\",\"method\":\"test_none\"}", Profile.PATCHBAY)).isNull();
  }

  /** JSON-RPC 2.0, section 4.1: not even with an error. */
  @Test
  void aNotificationThatIsRefusedIsNotAnswered() {
    String text = "x".repeat(900);
    serve((params, session) -> text);
    String notification = "{\"jsonrpc\":\"2.0\",\"method\":\"test_call\"}";
    String request = request("test_call");
    Terms terms =
        new Terms(
            Set.of("test"),
            new Limits(1_000, 4, 1_000, LOGS),
            Profile.PATCHBAY,
            Duration.ofSeconds(10),
            new Quota(10),
            new Quota(10));
    String requests = "[" + request + "," + request + "," + notification + "," + request + "]";
    assertThat(text(answer(requests, terms, held())).split("\"id\":", -1))
        .as("two results, and one error for the last request")
        .hasSize(4)
        .noneMatch(response -> response.startsWith("null"));
    Terms full =
        new Terms(
            Set.of("test"),
            new Limits(1_000, 4, 1_000, LOGS),
            Profile.PATCHBAY,
            Duration.ofSeconds(10),
            new Quota(0),
            new Quota(10));
    assertThat(answer(notification, full, held())).isNull();
    assertThat(text(answer(request, full, held()))).contains("\"id\":1", "too many requests");
  }

  @Test
  void aSharedResultIsSerializedOnce() {
    AtomicInteger reads = new AtomicInteger();
    List<String> value =
        new AbstractList<>() {
          @Override
          public String get(int index) {
            reads.incrementAndGet();
            return "é\"";
          }

          @Override
          public int size() {
            return 1;
          }
        };
    SharedResult shared = new SharedResult(value);
    for (Object result : List.of(shared, shared, shared, value)) {
      for (String id : List.of("0x1", "0x2")) {
        assertThat(dispatcher.notification("eth_subscription", id, result))
            .asString(StandardCharsets.UTF_8)
            .isEqualTo(
                "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":\""
                    + id
                    + "\",\"result\":[\"é\\\"\"]}}");
      }
    }
    assertThat(reads).as("once for the shared result, twice for the other").hasValue(3);
  }
}
