// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.rpc.RpcSession.LogLimits;
import dev.patchbay.api.storage.StorageUnavailableException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.osgi.framework.Bundle;

/** What happens to requests while a bundle is replaced. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WaitingTest {
  private static final LogLimits LOGS = new LogLimits(10, 10);
  private static final String NOT_FOUND = "\"code\":-32601";

  private final AtomicLong now = new AtomicLong();
  private final List<Bundle> bundles = new ArrayList<>();
  private final Replacements replacements =
      new Replacements(() -> bundles.toArray(Bundle[]::new), Duration.ofHours(1), now::get);
  private final FakeBundle bundle = new FakeBundle(7, replacements);
  private final Quota places = new Quota(10);
  private final Quota waiting = new Quota(1_000);
  private final Terms terms =
      new Terms(
          Set.of("test", "engine"),
          new Limits(100_000, 100, 100_000, LOGS),
          RpcError.Profile.PATCHBAY,
          Duration.ofSeconds(30),
          places,
          waiting);
  private Dispatcher dispatcher = dispatcher(Map.of());
  private long registrations;

  private final AtomicInteger asked = new AtomicInteger();
  private final AtomicInteger outcomes = new AtomicInteger();

  @AfterEach
  void close() {
    dispatcher.close();
    assertThat(outcomes).as("outcomes of the messages").hasValue(asked.get());
    assertThat(waiting.count()).isZero();
    assertThat(places.count()).isZero();
  }

  private Dispatcher dispatcher(Map<String, Object> values) {
    bundles.clear();
    bundles.add(bundle.bundle);
    Map<String, Object> all = new HashMap<>(Map.of("waiting_seconds", 3_600, "drain_seconds", 60));
    all.putAll(values);
    Dispatcher.Config config =
        (Dispatcher.Config)
            Proxy.newProxyInstance(
                Dispatcher.class.getClassLoader(),
                new Class<?>[] {Dispatcher.Config.class},
                (proxy, method, arguments) ->
                    all.getOrDefault(method.getName(), method.getDefaultValue()));
    return new Dispatcher(config, Map.of(), replacements);
  }

  /** Adds a namespace with {@code test_call} and {@code test_long}; returns what removes it. */
  private Runnable serve(RpcMethod method) {
    return serve(Map.of("test_call", method, "test_long", RpcMethod.expensive(method)));
  }

  /** Adds a namespace; returns what removes it. */
  private Runnable serve(Map<String, RpcMethod> methods) {
    RpcNamespace namespace = () -> methods;
    Map<String, Object> properties = Map.of("service.id", ++registrations);
    dispatcher.addNamespace(namespace, properties);
    return () -> dispatcher.removeNamespace(namespace, properties);
  }

  private CompletableFuture<@Nullable String> ask(String message) {
    return ask(message, () -> false);
  }

  private CompletableFuture<@Nullable String> ask(String message, BooleanSupplier gone) {
    asked.incrementAndGet();
    CompletableFuture<@Nullable String> response = new CompletableFuture<>();
    dispatcher.answer(
        message.getBytes(StandardCharsets.UTF_8),
        terms,
        new HttpSession(LOGS, Connections.ONE_CLIENT, gone),
        new Exchange(null, dispatcher.memory().open()),
        new Reply() {
          @Override
          public void answered(@Nullable Answer answer) {
            outcomes.incrementAndGet();
            response.complete(
                answer == null ? null : new String(answer.toByteArray(), StandardCharsets.UTF_8));
          }

          @Override
          public void failed(Throwable failure) {
            outcomes.incrementAndGet();
            response.completeExceptionally(failure);
          }
        });
    return response;
  }

  private static String request(String method) {
    return "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" + method + "\",\"params\":[]}";
  }

  private static String result(String value) {
    return "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"" + value + "\"}";
  }

  @ParameterizedTest
  @ValueSource(strings = {"test_call", "test_long"})
  void aRequestWaitsForTheMethodsOfABundleThatIsUpdated(String method) {
    Runnable remove = serve((params, session) -> "old");
    bundle.beginStop(false);
    remove.run();
    bundle.stop(false);
    CompletableFuture<@Nullable String> response = ask(request(method));
    assertThat(response).isNotDone();
    assertThat(places.count()).as("places among the requests").isZero();
    bundle.start();
    serve((params, session) -> "new");
    assertThat(response.join()).isEqualTo(result("new"));
    assertThat(places.count()).isZero();
  }

  @Test
  void methodsThatNeverWereThereAreNotWaitedFor() {
    serve((params, session) -> "old");
    bundle.stop(false);
    assertThat(ask(request("test_other")).getNow("none")).contains(NOT_FOUND);
    assertThat(ask(request("other_call")).getNow("none")).contains(NOT_FOUND);
    assertThat(ask(request("call")).getNow("none")).contains(NOT_FOUND);
  }

  @Test
  void whatStopsForGoodIsNotWaitedFor() {
    Runnable remove = serve((params, session) -> "old");
    bundle.beginStop(true);
    remove.run();
    bundle.stop(true);
    assertThat(ask(request("test_call")).getNow("none")).contains(NOT_FOUND);
  }

  @Test
  void anUninstallReleasesWhatWaits() {
    Runnable remove = serve((params, session) -> "old");
    bundle.beginStop(false);
    remove.run();
    bundle.stop(false);
    CompletableFuture<@Nullable String> response = ask(request("test_call"));
    assertThat(response).isNotDone();
    bundle.uninstall();
    assertThat(response.join()).contains(NOT_FOUND);
    assertThat(ask(request("test_call")).getNow("none")).contains(NOT_FOUND);
  }

  @Test
  void theTimeOfAReplacementIsBounded() {
    Runnable remove = serve((params, session) -> "old");
    bundle.beginStop(false);
    remove.run();
    bundle.stop(false);
    CompletableFuture<@Nullable String> response = ask(request("test_call"));
    assertThat(response).isNotDone();
    now.addAndGet(Duration.ofHours(1).toNanos());
    assertThat(response.join()).contains(NOT_FOUND);
  }

  @ParameterizedTest
  @ValueSource(strings = {"store", "EVM", "tracer"})
  void aRequestWaitsForAPartThatItsMethodLacks(String part) {
    AtomicBoolean there = new AtomicBoolean();
    Map<Object, Integer> calls = new ConcurrentHashMap<>();
    serve(
        (params, session) -> {
          calls.merge(params.get(0), 1, Integer::sum);
          if (!there.get()) {
            switch (part) {
              case "store" -> throw new StorageUnavailableException("no store");
              case "EVM" -> throw new NotReadyException("no EVM");
              default -> throw RpcError.absence("no tracer");
            }
          }
          return "found";
        });
    String request = request("test_call").replace("[]", "[%d]");
    assertThat(ask(String.format(request, -1)).getNow("none"))
        .as("nothing is replaced")
        .contains("no " + part);
    bundle.stop(false);
    List<CompletableFuture<@Nullable String>> responses =
        IntStream.range(0, 500).mapToObj(i -> ask(String.format(request, i))).toList();
    while (calls.get(1) < 2) { // one after the other is tried
      Thread.onSpinWait();
    }
    assertThat(responses).allMatch(response -> !response.isDone());
    assertThat(waiting.count()).isEqualTo(500);
    assertThat(places.count()).as("places among the requests").isLessThanOrEqualTo(4);
    there.set(true);
    responses.forEach(response -> assertThat(response.join()).isEqualTo(result("found")));
    assertThat(places.count()).isZero();
  }

  @Test
  void ofABatchEachRequestIsMadeOnce() {
    AtomicBoolean there = new AtomicBoolean();
    AtomicInteger effects = new AtomicInteger();
    Map<String, RpcMethod> methods =
        Map.of(
            "test_effect",
            (params, session) -> "effect " + effects.incrementAndGet(),
            "test_part",
            (params, session) -> {
              if (!there.get()) {
                throw new NotReadyException("no EVM");
              }
              return "part";
            });
    dispatcher.addNamespace(() -> methods, Map.of("service.id", ++registrations));
    bundle.stop(false);
    String effect = request("test_effect");
    String notification = request("test_effect").replace("\"id\":1,", "");
    CompletableFuture<@Nullable String> response =
        ask("[" + effect + "," + notification + "," + request("test_part") + "," + effect + "]");
    assertThat(response).isNotDone();
    assertThat(effects).hasValue(2);
    there.set(true);
    assertThat(response.join())
        .isEqualTo(
            "[" + result("effect 1") + "," + result("part") + "," + result("effect 3") + "]");
  }

  @Test
  void theRequestsOfAClientThatHasLeftAreNotMade() {
    Runnable remove = serve((params, session) -> "old");
    bundle.stop(false);
    remove.run();
    AtomicBoolean gone = new AtomicBoolean();
    String batch = "[" + request("test_call") + "," + request("test_call") + "]";
    CompletableFuture<@Nullable String> left = ask(batch, gone::get);
    CompletableFuture<@Nullable String> stays = ask(request("test_call"));
    assertThat(left).isNotDone();
    gone.set(true);
    AtomicInteger calls = new AtomicInteger();
    serve((params, session) -> "call " + calls.incrementAndGet());
    assertThat(stays.join()).isEqualTo(result("call 1"));
    left.join();
    assertThat(calls).hasValue(1);
  }

  /** The first one takes its time when it is resumed: none overtakes it. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theMessagesOfAConsensusClientAreResumedInTheirOrder(boolean methodIsAbsent)
      throws Exception {
    AtomicBoolean there = new AtomicBoolean();
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    Queue<Object> made = new ConcurrentLinkedQueue<>();
    RpcMethod method =
        (params, session) -> {
          if (!there.get()) {
            throw new NotReadyException("no EVM");
          }
          if (params.get(0).equals("0")) {
            begun.countDown();
            await(goOn);
          }
          made.add(params.get(0));
          return "made";
        };
    Map<String, RpcMethod> methods = Map.of("engine_newPayloadV4", method, "test_call", method);
    Runnable remove = serve(methods);
    bundle.stop(false);
    if (methodIsAbsent) {
      remove.run();
    }
    String request = request("engine_newPayloadV4").replace("[]", "[\"%d\"]");
    List<CompletableFuture<@Nullable String>> responses =
        new ArrayList<>(
            IntStream.range(0, 50).mapToObj(i -> ask(String.format(request, i))).toList());
    assertThat(responses).allMatch(response -> !response.isDone());
    there.set(true);
    if (methodIsAbsent) {
      serve(methods);
    }
    begun.await();
    responses.add(ask(String.format(request, 50)));
    assertThat(responses.get(50)).as("one that comes later").isNotDone();
    assertThat(ask(request("test_call").replace("[]", "[\"other\"]")).getNow("none"))
        .isEqualTo(result("made"));
    goOn.countDown();
    responses.forEach(response -> assertThat(response.join()).isEqualTo(result("made")));
    made.remove("other");
    assertThat(made)
        .containsExactlyElementsOf(IntStream.rangeClosed(0, 50).mapToObj(String::valueOf).toList());
    assertThat(ask(String.format(request, 51)).join()).isEqualTo(result("made"));
  }

  /** More calls than threads resume them. */
  @Test
  void callsThatTakeLongDoNotHoldUpAConsensusClient() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    RpcMethod takesLong =
        (params, session) -> {
          await(goOn);
          return "called";
        };
    Map<String, RpcMethod> methods =
        Map.of("engine_newPayloadV4", (params, session) -> "made", "test_call", takesLong);
    Runnable remove = serve(methods);
    bundle.stop(false);
    remove.run();
    List<CompletableFuture<@Nullable String>> others =
        IntStream.range(0, 100).mapToObj(i -> ask(request("test_call"))).toList();
    CompletableFuture<@Nullable String> engine = ask(request("engine_newPayloadV4"));
    assertThat(engine).isNotDone();
    serve(methods);
    assertThat(engine.join()).isEqualTo(result("made"));
    assertThat(others).noneMatch(CompletableFuture::isDone);
    goOn.countDown();
    others.forEach(other -> assertThat(other.join()).isEqualTo(result("called")));
  }

  @Test
  void theMessagesOfAConsensusClientAreRefusedWhenTheServerStops() {
    Runnable remove = serve(Map.of("engine_newPayloadV4", (params, session) -> "made"));
    bundle.stop(false);
    remove.run();
    List<CompletableFuture<@Nullable String>> responses =
        IntStream.range(0, 3).mapToObj(i -> ask(request("engine_newPayloadV4"))).toList();
    dispatcher.close();
    responses.forEach(response -> assertThat(response.join()).contains("\"error\""));
  }

  /** One that is made at once would be made before those that wait. */
  @Test
  void aMessageOfAConsensusClientThatMayNotWaitIsRefused() {
    List<Object> made = new ArrayList<>();
    RpcMethod method =
        (params, session) -> {
          made.add(params.get(0));
          return "made";
        };
    Runnable remove = serve(Map.of("engine_newPayloadV4", method));
    bundle.stop(false);
    remove.run();
    String request = request("engine_newPayloadV4").replace("[]", "[\"%d\"]");
    CompletableFuture<@Nullable String> first = ask(String.format(request, 0));
    int others = 0;
    while (waiting.tryEnter()) {
      others++;
    }
    assertThat(others).isEqualTo(999);
    CompletableFuture<@Nullable String> second = ask(String.format(request, 1));
    assertThat(second.getNow("none")).contains("too many requests");
    serve(Map.of("engine_newPayloadV4", method));
    assertThat(first.join()).isEqualTo(result("made"));
    assertThat(made).containsExactly("0");
    for (int i = 0; i < others; i++) {
      waiting.leave();
    }
  }

  @Test
  void aNotificationWaitsAndHasNoResponse() {
    Runnable remove = serve((params, session) -> "old");
    bundle.stop(false);
    remove.run();
    String notification = request("test_call").replace("\"id\":1,", "");
    CompletableFuture<@Nullable String> served = ask(notification);
    assertThat(served).isNotDone();
    AtomicInteger calls = new AtomicInteger();
    serve((params, session) -> calls.incrementAndGet());
    assertThat(served.join()).isNull();
    assertThat(calls).hasValue(1);
  }

  @Test
  void aNotificationThatIsNotServedHasNoResponse() {
    Runnable remove = serve((params, session) -> "old");
    bundle.stop(false);
    remove.run();
    CompletableFuture<@Nullable String> unserved =
        ask(request("test_call").replace("\"id\":1,", ""));
    assertThat(unserved).isNotDone();
    bundle.uninstall();
    assertThat(unserved.join()).isNull();
  }

  @Test
  void tooManyDoNotWait() {
    Runnable remove = serve((params, session) -> "old");
    bundle.stop(false);
    remove.run();
    List<CompletableFuture<@Nullable String>> responses =
        IntStream.range(0, 1_001).mapToObj(i -> ask(request("test_call"))).toList();
    assertThat(responses.get(1_000).getNow("none")).contains(NOT_FOUND);
    assertThat(responses.get(0)).isNotDone();
    serve((params, session) -> "new");
    responses
        .subList(0, 1_000)
        .forEach(response -> assertThat(response.join()).isEqualTo(result("new")));
  }

  /** The first one that is tried takes its time: the others do not wait for it. */
  @Test
  void aSlowRequestDoesNotKeepOthersWaiting() {
    AtomicBoolean there = new AtomicBoolean();
    CountDownLatch goOn = new CountDownLatch(1);
    serve(
        (params, session) -> {
          if (!there.get()) {
            throw new NotReadyException("no EVM");
          }
          if (params.get(0).equals("slow")) {
            await(goOn);
          }
          return "found";
        });
    bundle.stop(false);
    String request = request("test_call").replace("[]", "[\"%s\"]");
    CompletableFuture<@Nullable String> slow = ask(String.format(request, "slow"));
    List<CompletableFuture<@Nullable String>> others =
        IntStream.range(0, 100).mapToObj(i -> ask(String.format(request, i))).toList();
    there.set(true);
    others.forEach(response -> assertThat(response.join()).isEqualTo(result("found")));
    assertThat(slow).isNotDone();
    goOn.countDown();
    assertThat(slow.join()).isEqualTo(result("found"));
  }

  @Test
  void ofABatchThatWaitsEachRequestIsRefusedWhenTheServerStops() {
    Runnable remove = serve((params, session) -> "old");
    bundle.stop(false);
    remove.run();
    String call = request("test_call");
    String notification = call.replace("\"id\":1,", "");
    CompletableFuture<@Nullable String> response =
        ask("[" + call + "," + notification + "," + call.replace("\"id\":1", "\"id\":2") + "]");
    assertThat(response).isNotDone();
    dispatcher.close();
    // one that is being tried at that moment is refused by the thread that tries it
    assertThat(response.join())
        .contains("\"id\":1,\"error\":{" + NOT_FOUND)
        .containsPattern("\"id\":2,\"error\":\\{\"code\":(-32601|-32000)");
  }

  @Test
  void whatWaitsIsRefusedWhenTheServerStops() {
    Runnable remove = serve((params, session) -> "old");
    bundle.stop(false);
    remove.run();
    CompletableFuture<@Nullable String> response = ask(request("test_call"));
    assertThat(response).isNotDone();
    dispatcher.close();
    assertThat(response.join()).contains(NOT_FOUND);
  }

  @ParameterizedTest
  @ValueSource(strings = {"test_call", "test_long"})
  void aRemovalWaitsForTheRequestsUnderWay(String method) throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    Runnable remove =
        serve(
            (params, session) -> {
              begun.countDown();
              await(goOn);
              return "old";
            });
    CompletableFuture<@Nullable String> response =
        CompletableFuture.supplyAsync(() -> ask(request(method)).join());
    begun.await();
    bundle.beginStop(false);
    Thread removal = new Thread(remove, "removal");
    removal.start();
    while (removal.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    CompletableFuture<@Nullable String> next = ask(request(method));
    assertThat(next).as("a request that comes meanwhile").isNotDone();
    goOn.countDown();
    assertThat(response.join()).isEqualTo(result("old"));
    removal.join();
    serve((params, session) -> "new");
    assertThat(next.join()).isEqualTo(result("new"));
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException interrupted) {
      throw new AssertionError(interrupted);
    }
  }

  @Test
  void aRemovalWaitsForALimitedTime() throws Exception {
    dispatcher.close();
    dispatcher = dispatcher(Map.of("drain_seconds", 0));
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    Runnable remove =
        serve(
            (params, session) -> {
              begun.countDown();
              await(goOn);
              return "old";
            });
    CompletableFuture<@Nullable String> response =
        CompletableFuture.supplyAsync(() -> ask(request("test_call")).join());
    begun.await();
    remove.run();
    goOn.countDown();
    assertThat(response.join()).isEqualTo(result("old"));
  }

  /** It has not begun: it is called again, of the namespace that is there when its turn comes. */
  @Test
  void anExpensiveCallThatWaitsForItsTurnKeepsNoNamespace() throws Exception {
    dispatcher.close();
    dispatcher = dispatcher(Map.of("expensive_calls", 1));
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    Map<String, RpcMethod> other =
        Map.of(
            "test_other",
            RpcMethod.expensive(
                (params, session) -> {
                  begun.countDown();
                  await(goOn);
                  return "other";
                }));
    dispatcher.addNamespace(() -> other, Map.of("service.id", ++registrations));
    AtomicInteger asked = new AtomicInteger();
    RpcMethod old =
        (params, session) -> {
          asked.incrementAndGet();
          return (dev.patchbay.api.rpc.RpcExpensive) () -> "old";
        };
    Map<String, RpcMethod> methods = Map.of("test_call", old);
    RpcNamespace namespace = () -> methods;
    dispatcher.addNamespace(namespace, Map.of("service.id", 1_000L));
    CompletableFuture<@Nullable String> running =
        CompletableFuture.supplyAsync(() -> ask(request("test_other")).join());
    begun.await();
    CompletableFuture<@Nullable String> waiting =
        CompletableFuture.supplyAsync(() -> ask(request("test_call")).join());
    while (asked.get() == 0) {
      Thread.onSpinWait();
    }
    bundle.beginStop(false);
    dispatcher.removeNamespace(namespace, Map.of("service.id", 1_000L));
    goOn.countDown();
    assertThat(running.join()).isEqualTo(result("other"));
    serve((params, session) -> "new");
    assertThat(waiting.join()).isEqualTo(result("new"));
  }
}
