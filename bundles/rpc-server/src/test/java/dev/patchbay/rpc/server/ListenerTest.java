// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.rpc.RpcStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.lang.annotation.Annotation;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.net.UnixDomainSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.osgi.framework.Bundle;

/** Clients that are refused, silent or slow: the listener goes on. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ListenerTest {
  private static final int MANY = 1_200;

  /** Bytes of a result that is longer than all notifications that a client may leave unread. */
  private static final int HUGE = (1 << 24) + 1;

  private static final String SECRET = "a7";
  private static final String BODY =
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test_call\",\"params\":[]}";
  private static final String POST =
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
          + BODY.length()
          + "\r\n\r\n"
          + BODY;

  @TempDir Path folder;

  private final Dispatcher dispatcher = dispatcher(Map.of());

  private static Dispatcher dispatcher(Map<String, Object> values) {
    return new Dispatcher(
        config(Dispatcher.Config.class, values),
        Map.of(),
        new Replacements(() -> new Bundle[0], Duration.ZERO, System::nanoTime));
  }

  private final List<AutoCloseable> clients = new ArrayList<>();

  private final Map<String, RpcMethod> methods = new HashMap<>();

  private RpcNamespace namespace;

  @BeforeEach
  void serve() {
    Map<String, RpcMethod> some =
        Map.of(
            "test_call",
            (params, session) -> "called",
            "test_large",
            (params, session) -> "x".repeat(6_000_000),
            "test_wait",
            (params, session) -> {
              waits.countDown();
              try {
                goesOn.await();
              } catch (InterruptedException interrupted) {
                throw new AssertionError(interrupted);
              }
              return "waited";
            },
            "test_break",
            (params, session) -> {
              throw new AssertionError("broken");
            },
            "test_watch",
            (params, session) -> {
              session.onClose(
                  () -> {
                    throw new IllegalStateException("an action that fails");
                  });
              return true;
            },
            "test_client",
            (params, session) -> sessionClients.add(session.client()),
            "test_disconnect",
            (params, session) -> {
              session.disconnect();
              return "disconnected";
            },
            "test_subscribe",
            (params, session) -> {
              session.onClose(watched);
              return "subscribed";
            },
            "test_unsubscribe",
            (params, session) -> {
              session.removeOnClose(watched);
              return "unsubscribed";
            });
    methods.putAll(some);
    methods.put(
        "test_notify",
        (params, session) -> {
          session.notify("test_subscription", session.newSubscription(), "news");
          return "subscribed";
        });
    methods.put(
        "test_work",
        RpcMethod.expensive(
            (params, session) -> {
              works.countDown();
              while (goesOn.getCount() > 0) {
                Deadline.check();
                Thread.onSpinWait();
              }
              return "worked";
            }));
    methods.put("test_huge", (params, session) -> "x".repeat(HUGE));
    namespace = () -> methods;
    dispatcher.addNamespace(namespace, Map.of());
  }

  private final Runnable watched = () -> {};

  /** Counted down by each call of {@code test_wait}, which waits for the other one. */
  private final CountDownLatch waits = new CountDownLatch(3);

  private final CountDownLatch goesOn = new CountDownLatch(1);

  /** Counted down by {@code test_work}, which works until {@link #goesOn}. */
  private final CountDownLatch works = new CountDownLatch(1);

  /** The client of each call of {@code test_client}. */
  private final List<Object> sessionClients = Collections.synchronizedList(new ArrayList<>());

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable client : clients) {
      client.close();
    }
    dispatcher.close();
  }

  private static <A extends Annotation> A config(Class<A> type, Map<String, Object> values) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) ->
                values.getOrDefault(method.getName(), method.getDefaultValue())));
  }

  private Listener listen(Map<String, Object> values) throws IOException {
    Map<String, Object> all = new HashMap<>(values);
    all.put("port", 0);
    all.put("namespaces", "test");
    return new Listener(
        dispatcher, new PlainSockets(), config(Listener.Config.class, all), Map.of("port", 0));
  }

  @Test
  void theHealthOfAListenerNamesItsAddressAndMissingNamespaces() throws Exception {
    Listener listener = listen(Map.of());
    assertThat(listener.name()).isEqualTo("rpc.listener");
    assertThat(listener.check())
        .isEqualTo(Health.healthy("listening on 127.0.0.1:" + listener.port() + " for [test]"));
    dispatcher.removeNamespace(namespace, Map.of());
    assertThat(listener.check().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(listener.check().message()).contains("[test]");
    listener.close();
    assertThat(listener.check().status()).isEqualTo(Health.Status.FAILED);
  }

  @Test
  void aListenerIsNamedByItsPid() {
    assertThat(Listener.partName(Map.of("service.pid", "dev.patchbay.rpc.listener~mine"), "other"))
        .isEqualTo("rpc.listener~mine");
  }

  /** A class of another bundle that has a listener started. */
  public static final class Starter implements Callable<Object> {
    private final Callable<?> start;

    /** Creates a starter. */
    public Starter(Callable<?> start) {
      this.start = start;
    }

    @Override
    public Object call() throws Exception {
      return start.call();
    }
  }

  /** Starts a listener from a class of a class loader of its own, which is returned. */
  private WeakReference<ClassLoader> startFromAnotherBundle(ReferenceQueue<ClassLoader> collected)
      throws Exception {
    ClassLoader loader =
        new URLClassLoader(
            new URL[] {Starter.class.getProtectionDomain().getCodeSource().getLocation()},
            Starter.class.getClassLoader()) {
          @Override
          protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            return name.equals(Starter.class.getName())
                ? findClass(name)
                : super.loadClass(name, resolve);
          }
        };
    Callable<?> start = () -> listen(Map.of());
    Callable<?> starter =
        (Callable<?>)
            loader
                .loadClass(Starter.class.getName())
                .getConstructor(Callable.class)
                .newInstance(start);
    assertThat(starter.getClass().getClassLoader()).isSameAs(loader);
    Listener listener = (Listener) starter.call();
    clients.add(listener::close);
    return new WeakReference<>(loader, collected);
  }

  @Test
  @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void theThreadsOfAListenerDoNotKeepTheClassesOfTheStarter() throws Exception {
    ReferenceQueue<ClassLoader> collected = new ReferenceQueue<>();
    WeakReference<ClassLoader> starter = startFromAnotherBundle(collected);
    do { // ends with the time limit of the test
      System.gc();
    } while (collected.remove(10) != starter);
  }

  private Socket connect(Listener listener, String sent) throws IOException {
    Socket socket = new Socket("127.0.0.1", listener.port());
    clients.add(socket);
    socket.setSoTimeout(30_000);
    socket.getOutputStream().write(sent.getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  private static String upgrade(String headers) {
    return "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        + headers
        + "\r\n";
  }

  /** Reads the status line and headers of a response, and its body when it states a length. */
  private static String response(Socket socket) throws IOException {
    InputStream in = socket.getInputStream();
    StringBuilder out = new StringBuilder();
    while (out.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) {
        return out.toString();
      }
      out.append((char) next);
    }
    String head = out.toString().toLowerCase(Locale.ROOT);
    int length = head.indexOf("content-length: ");
    if (length >= 0) {
      int from = length + "content-length: ".length();
      int bytes = Integer.parseInt(head.substring(from, head.indexOf('\r', from)));
      out.append(new String(in.readNBytes(bytes), StandardCharsets.US_ASCII));
    }
    return out.toString();
  }

  private static void await(IntSupplier count, int wanted) {
    while (count.getAsInt() != wanted) { // the class has a timeout
      Thread.yield();
    }
  }

  private void closeClients() throws Exception {
    for (AutoCloseable client : clients) {
      client.close();
    }
    clients.clear();
  }

  private static String token() throws Exception {
    return JwtAuthenticationTest.token(
        HexFormat.of().parseHex(SECRET.repeat(32)),
        "{\"alg\":\"HS256\"}",
        "{\"iat\":" + Instant.now().getEpochSecond() + "}");
  }

  private static void assertServes(Socket socket, String headers) throws IOException {
    socket
        .getOutputStream()
        .write(
            POST.replace("Content-Type", headers + "Content-Type")
                .getBytes(StandardCharsets.US_ASCII));
    assertThat(response(socket)).startsWith("HTTP/1.1 200").contains("\"called\"");
  }

  @ParameterizedTest
  @CsvSource({
    "Host: example.com, 403, invalid host",
    "Host: localhost | Origin: http://evil.example, 403, origin not allowed",
    "Host: localhost | Authorization: Bearer a.b.c, 401, malformed token",
    "Host: localhost, 401, missing token"
  })
  void aRefusedUpgradeIsAnsweredAndLeavesNothing(String headers, int status, String reason)
      throws Exception {
    String lines = headers.replace(" | ", "\r\n") + "\r\n";
    boolean tokens = status == 401;
    Listener listener =
        listen(
            tokens
                ? Map.of(
                    "jwt_secret",
                    Files.writeString(folder.resolve("jwt.hex"), SECRET.repeat(32)).toString())
                : Map.of());
    try {
      Socket last = null;
      for (int i = 0; i < MANY; i++) {
        last = connect(listener, upgrade(lines));
        assertThat(response(last)).startsWith("HTTP/1.1 " + status).contains(reason);
      }
      assertThat(listener.openConnections()).isLessThanOrEqualTo(1_024);
      String token = tokens ? "Authorization: Bearer " + token() + "\r\n" : "";
      assertServes(last, token); // on the connection of a refused upgrade
      assertThat(response(connect(listener, upgrade("Host: localhost\r\n" + token))))
          .startsWith("HTTP/1.1 101");
      assertThat(listener.openSockets()).isEqualTo(1);
      closeClients();
      await(listener::openConnections, 0);
      await(listener::openSockets, 0);
    } finally {
      listener.close();
    }
  }

  @Test
  void theCaseOfConfiguredNamesDoesNotMatter() throws Exception {
    Listener listener =
        listen(Map.of("hosts", "Node.Example", "cors", "https://App.Example, http://Other"));
    try {
      for (String host : new String[] {"node.example", "Node.Example"}) {
        for (String origin : new String[] {"https://app.example", "https://App.Example"}) {
          String request =
              POST.replace("Host: localhost", "Host: " + host + "\r\nOrigin: " + origin);
          assertThat(response(connect(listener, request)))
              .startsWith("HTTP/1.1 200")
              .contains("Access-Control-Allow-Origin: " + origin)
              .contains("\"called\"");
        }
      }
      assertThat(response(connect(listener, POST.replace("localhost", "other.example"))))
          .startsWith("HTTP/1.1 403");
    } finally {
      listener.close();
    }
  }

  @Test
  void upgradesAboveTheLimitAreRefusedUntilOneIsClosed() throws Exception {
    Listener listener = listen(Map.of("max_websockets", 2));
    try {
      List<Socket> open = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        open.add(connect(listener, upgrade("Host: localhost\r\n")));
        assertThat(response(open.get(i))).startsWith("HTTP/1.1 101");
      }
      for (int i = 0; i < MANY; i++) {
        assertThat(response(connect(listener, upgrade("Host: localhost\r\n"))))
            .startsWith("HTTP/1.1 429")
            .contains("at most 2");
      }
      assertThat(listener.openSockets()).isEqualTo(2);
      open.get(0).close();
      await(listener::openSockets, 1);
      assertThat(response(connect(listener, upgrade("Host: localhost\r\n"))))
          .startsWith("HTTP/1.1 101");
      closeClients();
      await(listener::openConnections, 0);
      await(listener::openSockets, 0);
    } finally {
      listener.close();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "POS",
        "POST / HTTP/1.1\r\nHost: loc",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      })
  void unfinishedRequestsKeepNobodyOut(String sent) throws Exception {
    Listener listener = listen(Map.of("max_connections", 50));
    try {
      Socket socket = connect(listener, upgrade("Host: localhost\r\n"));
      assertThat(response(socket)).startsWith("HTTP/1.1 101");
      for (int i = 0; i < 20; i++) {
        for (int j = 0; j < 60; j++) {
          connect(listener, sent);
        }
        assertServes(connect(listener, ""), "");
      }
      assertThat(listener.openConnections()).isLessThanOrEqualTo(51);
      assertThat(listener.openSockets()).as("an open WebSocket stays").isEqualTo(1);
      closeClients();
      await(listener::openConnections, 0);
    } finally {
      listener.close();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "GET / HTTP/1.1\r\nX: "})
  void aHeaderThatComesByteByByteIsNotWaitedFor(String sent) throws Exception {
    Listener listener = listen(Map.of("idle_seconds", 1));
    try {
      Socket slow = connect(listener, sent);
      slow.setSoTimeout(100);
      assertThat(endsWhileItSends(slow, new byte[] {'a'})).isTrue();
      await(listener::openConnections, 0);
    } finally {
      listener.close();
    }
  }

  /** Sends bytes between any two looks at the other end, until that is closed. */
  private static boolean endsWhileItSends(Socket socket, byte[] bytes) throws IOException {
    OutputStream out = socket.getOutputStream();
    while (true) {
      try {
        if (socket.getInputStream().read() < 0) {
          return true;
        }
      } catch (SocketTimeoutException open) {
        // it is open
      } catch (SocketException reset) {
        return true;
      }
      try {
        out.write(bytes);
      } catch (SocketException reset) {
        return true;
      }
    }
  }

  /** Neither a ping nor a byte now and then keeps a WebSocket open that holds memory. */
  @ParameterizedTest
  @ValueSource(ints = {0, 9})
  void aMessageThatIsNotFinishedEndsItsWebSocket(int opcode) throws Exception {
    Listener listener = listen(Map.of("idle_seconds", 1, "max_body_bytes", 10_000));
    try {
      Socket silent = connect(listener, upgrade("Host: localhost\r\n"));
      assertThat(response(silent)).startsWith("HTTP/1.1 101");
      Socket socket = connect(listener, upgrade("Host: localhost\r\n"));
      assertThat(response(socket)).startsWith("HTTP/1.1 101");
      OutputStream out = socket.getOutputStream();
      out.write(part(1, "["));
      out.write(part(0, "1"));
      socket.setSoTimeout(100);
      assertThat(endsWhileItSends(socket, opcode == 9 ? frame((byte) 9, "") : part(0, " ")))
          .isTrue();
      await(listener::openSockets, 1);
      silent.getOutputStream().write(frame((byte) 1, BODY));
      assertThat(frame(silent)).contains("\"called\"");
    } finally {
      listener.close();
    }
  }

  @ParameterizedTest
  @ValueSource(bytes = {1, 2})
  void aWebSocketWhoseCallFailsIsClosed(byte opcode) throws Exception {
    Listener listener = listen(Map.of());
    try {
      Socket socket = connect(listener, upgrade("Host: localhost\r\n"));
      assertThat(response(socket)).startsWith("HTTP/1.1 101");
      socket.getOutputStream().write(frame(opcode, BODY.replace("test_call", "test_break")));
      await(listener::openSockets, 0);
      await(listener::openConnections, 0);
    } finally {
      listener.close();
    }
  }

  @Test
  void expensiveCallsDoNotTakeAllThreads() throws Exception {
    int calls = 70;
    Dispatcher large = dispatcher(Map.of("expensive_calls", calls));
    CountDownLatch running = new CountDownLatch(calls);
    RpcMethod method =
        (params, session) -> {
          running.countDown();
          while (goesOn.getCount() > 0) {
            LockSupport.parkNanos(1_000_000);
          }
          return "worked";
        };
    large.addNamespace(namespace, Map.of());
    large.addNamespace(
        () -> Map.of("test_many", RpcMethod.expensive(method)), Map.of("service.id", 2L));
    Listener listener =
        new Listener(
            large,
            new PlainSockets(),
            config(
                Listener.Config.class,
                Map.of("port", 0, "namespaces", "test", "max_requests", 2 * calls)),
            Map.of("port", 0));
    try {
      List<Socket> sockets = new ArrayList<>();
      for (int i = 0; i < calls; i++) {
        sockets.add(connect(listener, post(BODY.replace("test_call", "test_many"))));
      }
      running.await();
      assertServes(connect(listener, ""), "");
      goesOn.countDown();
      for (Socket socket : sockets) {
        assertThat(response(socket)).contains("\"worked\"");
      }
    } finally {
      goesOn.countDown();
      listener.close();
      large.close();
    }
  }

  /** A client that reads slowly must not keep a place among the expensive calls. */
  @Test
  void aResponseThatIsSentWhileItIsMadeHasADeadline() throws Exception {
    CountDownLatch ended = new CountDownLatch(1);
    RpcMethod endless =
        (params, session) ->
            (RpcStream)
                out -> {
                  try { // one value: the deadline of the call is looked at before it alone
                    out.value(Collections.nCopies(Integer.MAX_VALUE, BODY));
                  } finally {
                    ended.countDown();
                  }
                };
    dispatcher.addNamespace(
        () -> Map.of("test_endless", RpcMethod.expensive(endless)), Map.of("service.id", 2L));
    Listener listener = listen(Map.of("idle_seconds", 1, "max_expensive_seconds", 1));
    try {
      InputStream in =
          connect(listener, post(BODY.replace("test_call", "test_endless"))).getInputStream();
      readToTheEnd(in);
      ended.await();
      await(listener::openConnections, 0);
    } finally {
      listener.close();
    }
  }

  private static void readToTheEnd(InputStream in) throws IOException {
    byte[] buffer = new byte[1 << 16];
    try {
      while (in.read(buffer) >= 0) {
        LockSupport.parkNanos(1_000_000);
      }
    } catch (SocketException reset) {
      // this is the end, too
    }
  }

  @Test
  void aCallOverHttp2GoesOnAfterTheIdleTime() throws Exception {
    Listener listener = listen(Map.of("idle_seconds", 1));
    try {
      HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + listener.port()))
              .header("Content-Type", "application/json");
      // a request with a body would not be taken over
      HttpResponse<?> first = client.send(request.build(), HttpResponse.BodyHandlers.discarding());
      assertThat(first.version()).isEqualTo(HttpClient.Version.HTTP_2);
      CompletableFuture<HttpResponse<String>> response =
          client.sendAsync(
              request
                  .POST(HttpRequest.BodyPublishers.ofString(BODY.replace("_call", "_work")))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      works.await();
      for (int i = 0; i < 2; i++) { // connections that idle are closed after the same time
        assertThat(connect(listener, "").getInputStream().read()).isEqualTo(-1);
      }
      goesOn.countDown();
      assertThat(response.join().version()).isEqualTo(HttpClient.Version.HTTP_2);
      assertThat(response.join().body()).contains("\"worked\"");
    } finally {
      listener.close();
    }
  }

  @Test
  void anActionThatFailsDoesNotKeepAWebSocketOpen() throws Exception {
    Listener listener = listen(Map.of());
    try {
      Socket socket = connect(listener, upgrade("Host: localhost\r\n"));
      assertThat(response(socket)).startsWith("HTTP/1.1 101");
      socket.getOutputStream().write(frame((byte) 1, BODY.replace("test_call", "test_watch")));
      socket.getInputStream().readNBytes(2);
      socket.getOutputStream().write(frame((byte) 8, ""));
      await(listener::openSockets, 0);
      await(listener::openConnections, 0);
    } finally {
      listener.close();
    }
  }

  @Test
  void connectionsFromOneAddressAreOfOneClient() throws Exception {
    Listener listener = listen(Map.of());
    try {
      String body = BODY.replace("test_call", "test_client");
      String request =
          POST.replace(BODY, "").replace("Length: " + BODY.length(), "Length: " + body.length())
              + body;
      Socket elsewhere =
          new Socket("127.0.0.1", listener.port(), InetAddress.getByName("127.0.0.2"), 0);
      clients.add(elsewhere);
      for (Socket socket : new Socket[] {connect(listener, ""), connect(listener, ""), elsewhere}) {
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        assertThat(response(socket)).contains("\"result\":true");
      }
      Socket socket = connect(listener, upgrade("Host: localhost\r\n"));
      assertThat(response(socket)).startsWith("HTTP/1.1 101");
      socket.getOutputStream().write(frame((byte) 1, BODY.replace("test_call", "test_client")));
      await(sessionClients::size, 4);
      Object first = sessionClients.get(0);
      assertThat(sessionClients.get(1)).isEqualTo(first).hasSameHashCodeAs(first);
      assertThat(sessionClients.get(2)).isNotEqualTo(first);
      assertThat(sessionClients.get(3)).isEqualTo(first).hasSameHashCodeAs(first);
    } finally {
      listener.close();
    }
  }

  @Test
  void aSessionClosesItsConnection() throws Exception {
    Listener listener = listen(Map.of());
    Path path = folder.resolve("a.ipc");
    IpcListener ipc = ipc(path);
    try {
      Socket socket = connect(listener, upgrade("Host: localhost\r\n"));
      assertThat(response(socket)).startsWith("HTTP/1.1 101");
      socket.getOutputStream().write(frame((byte) 1, BODY.replace("test_call", "test_disconnect")));
      await(listener::openSockets, 0);
      await(listener::openConnections, 0);
      connect(path, BODY.replace("test_call", "test_disconnect"));
      assertThat(line(connect(path, BODY))).contains("\"called\"");
      await(ipc::openConnections, 1);
    } finally {
      ipc.close();
      listener.close();
    }
  }

  /** With no memory but what every message may take. */
  @Test
  void whatIsLargeIsRefusedAndWhatIsSmallIsAnswered() throws Exception {
    Dispatcher small = dispatcher(Map.of("memory_percent", 0));
    small.addNamespace(namespace, Map.of());
    Listener listener =
        new Listener(
            small,
            new PlainSockets(),
            config(Listener.Config.class, Map.of("port", 0, "namespaces", "test")),
            Map.of("port", 0));
    try {
      String large = "x".repeat(100_000);
      Socket http = connect(listener, post(BODY.replace("[]", "[\"" + large + "\"]")));
      assertThat(response(http)).startsWith("HTTP/1.1 200").contains("-32005").contains("close");
      String nested = "[" + "{\"a\":{}},".repeat(1_000) + "1]";
      http = connect(listener, post(BODY.replace("[]", nested)));
      assertThat(response(http)).contains("-32005").doesNotContain("close");
      assertServes(http, "");
      http.getOutputStream()
          .write(post(BODY.replace("test_call", "test_large")).getBytes(StandardCharsets.US_ASCII));
      assertThat(response(http)).contains("-32005").contains("memory");
      assertServes(http, "");
      Socket socket = connect(listener, upgrade("Host: localhost\r\n"));
      assertThat(response(socket)).startsWith("HTTP/1.1 101");
      OutputStream out = socket.getOutputStream();
      for (int i = 0; i < 2_000; i++) { // fragments of one message
        out.write(part(i == 0 ? 1 : 0, "[".repeat(100)));
      }
      out.write(frame((byte) 0, "]"));
      assertThat(frame(socket)).contains("-32005");
      out.write(frame((byte) 1, BODY));
      assertThat(frame(socket)).contains("\"called\"");
      out.write(frame((byte) 1, BODY.replace("test_call", "test_large")));
      assertThat(frame(socket)).contains("-32005");
    } finally {
      listener.close();
      small.close();
    }
  }

  @Test
  void memoryIsGivenBack() throws Exception {
    Listener listener = listen(Map.of());
    try {
      String large = BODY.replace("test_call", "test_large");
      List<Socket> slow = new ArrayList<>();
      for (int i = 0; i < 4; i++) { // they read nothing
        Socket socket = new Socket();
        clients.add(socket);
        socket.setReceiveBufferSize(1_024);
        socket.connect(new InetSocketAddress("127.0.0.1", listener.port()));
        socket.getOutputStream().write(post(large).getBytes(StandardCharsets.US_ASCII));
        slow.add(socket);
      }
      while (dispatcher.memory().used() < 4 * 5_900_000) { // the class has a timeout
        Thread.yield();
      }
      closeClients();
      while (dispatcher.memory().used() > 0) {
        Thread.yield();
      }
      Socket socket = connect(listener, upgrade("Host: localhost\r\n"));
      assertThat(response(socket)).startsWith("HTTP/1.1 101");
      for (int i = 0; i < 2_000; i++) {
        socket.getOutputStream().write(part(i == 0 ? 1 : 0, "[".repeat(100)));
      }
      while (dispatcher.memory().used() == 0) {
        Thread.yield();
      }
      closeClients();
      while (dispatcher.memory().used() > 0) {
        Thread.yield();
      }
    } finally {
      listener.close();
    }
  }

  private static String post(String body) {
    return POST.substring(0, POST.indexOf("Content-Length"))
        + "Content-Length: "
        + body.length()
        + "\r\n\r\n"
        + body;
  }

  /** A masked frame that is not the last one of its message. */
  private static byte[] part(int opcode, String text) {
    byte[] bytes = frame((byte) opcode, text);
    bytes[0] = (byte) opcode;
    return bytes;
  }

  /** Returns the text of the next frame. */
  private static String frame(Socket socket) throws IOException {
    InputStream in = socket.getInputStream();
    in.read();
    int length = in.read();
    if (length == 126) {
      length = in.read() << 8 | in.read();
    }
    return new String(in.readNBytes(length), StandardCharsets.US_ASCII);
  }

  @Test
  void aListenerThatStopsAnswersWhatItHasBegun() throws Exception {
    Listener listener = listen(Map.of());
    Path path = folder.resolve("a.ipc");
    IpcListener ipc = ipc(path);
    String body = BODY.replace("test_call", "test_wait");
    Socket http = connect(listener, POST.replace("test_call", "test_wait"));
    Socket idle = connect(listener, "");
    assertServes(idle, "");
    Socket socket = connect(listener, upgrade("Host: localhost\r\n"));
    assertThat(response(socket)).startsWith("HTTP/1.1 101");
    socket.getOutputStream().write(frame((byte) 1, body));
    Socket silent = connect(listener, upgrade("Host: localhost\r\n"));
    assertThat(response(silent)).startsWith("HTTP/1.1 101");
    SocketChannel local = connect(path, body);
    SocketChannel silentLocal = connect(path, BODY);
    assertThat(line(silentLocal)).contains("\"called\"");
    waits.await();
    Thread stop =
        new Thread(
            () -> {
              listener.close();
              try {
                ipc.close();
              } catch (IOException failure) {
                throw new AssertionError(failure);
              }
            });
    stop.start();
    while (accepts(listener)) { // the class has a timeout
      Thread.yield();
    }
    goesOn.countDown();
    assertThat(response(http)).contains("Connection: close").contains("\"waited\"");
    assertThat(http.getInputStream().read()).isEqualTo(-1);
    assertThat(idle.getInputStream().read()).isEqualTo(-1);
    assertThat(frames(socket)).contains("\"waited\"").contains("the server is restarted");
    assertThat(frames(silent)).contains("the server is restarted");
    assertThat(line(local)).contains("\"waited\"");
    assertThat(line(local)).isEmpty();
    assertThat(line(silentLocal)).isEmpty();
    stop.join();
    await(listener::openConnections, 0);
    await(listener::openSockets, 0);
    await(ipc::openConnections, 0);
  }

  /** An interrupt would close the file that a method writes to, and the store with it. */
  @Test
  void aMethodIsNotInterruptedWhenItsListenerStops() throws Exception {
    Dispatcher impatient = dispatcher(Map.of("drain_seconds", 0));
    List<Boolean> interrupts = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch ended = new CountDownLatch(2);
    RpcMethod method =
        (params, session) -> {
          waits.countDown();
          while (goesOn.getCount() > 0 && !Thread.currentThread().isInterrupted()) {
            Thread.onSpinWait();
          }
          interrupts.add(Thread.currentThread().isInterrupted());
          ended.countDown();
          return "ended";
        };
    impatient.addNamespace(() -> Map.of("test_write", method), Map.of());
    Listener listener =
        new Listener(
            impatient,
            new PlainSockets(),
            config(Listener.Config.class, Map.of("port", 0, "namespaces", "test")),
            Map.of("port", 0));
    Path path = folder.resolve("a.ipc");
    IpcListener ipc =
        new IpcListener(
            impatient,
            new PlainSockets(),
            config(IpcListener.Config.class, Map.of("path", path.toString(), "namespaces", "test")),
            Map.of());
    connect(listener, post(BODY.replace("test_call", "test_write")));
    connect(path, BODY.replace("test_call", "test_write"));
    waits.countDown();
    waits.await();
    listener.close();
    ipc.close();
    assertThat(interrupts).isEmpty();
    goesOn.countDown();
    ended.await();
    assertThat(interrupts).containsExactly(false, false);
    impatient.close();
  }

  private static boolean accepts(Listener listener) {
    try (Socket socket = new Socket("127.0.0.1", listener.port())) {
      return socket.isConnected();
    } catch (IOException refused) {
      return false;
    }
  }

  /** Returns what comes until the end, after the client has answered the frame that closes. */
  private static String frames(Socket socket) throws IOException {
    StringBuilder out = new StringBuilder();
    InputStream in = socket.getInputStream();
    for (int opcode = in.read(); opcode >= 0; opcode = in.read()) {
      int length = in.read();
      byte[] payload = in.readNBytes(length);
      out.append(new String(payload, StandardCharsets.ISO_8859_1));
      if ((opcode & 0x0f) == 8) {
        assertThat(ByteBuffer.wrap(payload).getShort()).isEqualTo((short) 1012);
        socket
            .getOutputStream()
            .write(new byte[] {(byte) 0x88, (byte) 0x82, 0, 0, 0, 0, payload[0], payload[1]});
      }
    }
    return out.toString();
  }

  /** A masked frame (RFC 6455, section 5.2); the mask is zero. */
  private static byte[] frame(byte opcode, String text) {
    byte[] payload = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(6 + payload.length)
        .put((byte) (0x80 | opcode))
        .put((byte) (0x80 | payload.length))
        .putInt(0)
        .put(payload)
        .array();
  }

  private SocketChannel connect(Path path, String sent) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    clients.add(channel);
    channel.connect(UnixDomainSocketAddress.of(path));
    channel.write(ByteBuffer.wrap(sent.getBytes(StandardCharsets.US_ASCII)));
    return channel;
  }

  private static String line(SocketChannel channel) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(1_024);
    while (buffer.position() == 0 || buffer.get(buffer.position() - 1) != '\n') {
      if (channel.read(buffer) < 0) {
        break;
      }
    }
    return new String(buffer.array(), 0, buffer.position(), StandardCharsets.US_ASCII);
  }

  /** Both are longer than what the buffers of a socket take. */
  @Test
  void aUnixSocketReadsARequestBeforeTheResponseToThePreviousOneIsRead() throws Exception {
    Path path = folder.resolve("a.ipc");
    dispatcher.addNamespace(
        () -> Map.of("test_long", (params, session) -> "x".repeat(4_000_000)), Map.of());
    IpcListener ipc = ipc(path);
    SocketChannel channel = connect(path, BODY.replace("test_call", "test_long"));
    String padded = BODY.replace("{", "{" + " ".repeat(4_000_000));
    ByteBuffer second = ByteBuffer.wrap(padded.getBytes(StandardCharsets.US_ASCII));
    while (second.hasRemaining()) { // the class has a timeout
      channel.write(second);
    }
    ByteBuffer response = ByteBuffer.allocate(5_000_000);
    while (response.position() < 4_000_000
        || !new String(response.array(), response.position() - 200, 200, StandardCharsets.US_ASCII)
            .contains("\"called\"")) {
      assertThat(channel.read(response)).isPositive();
    }
    ipc.close();
    await(() -> (int) dispatcher.memory().used(), 0);
  }

  @Test
  void silentClientsOfAUnixSocketKeepNobodyOut() throws Exception {
    Path path = folder.resolve("a.ipc");
    IpcListener listener =
        new IpcListener(
            dispatcher,
            new PlainSockets(),
            config(
                IpcListener.Config.class,
                Map.of("path", path.toString(), "namespaces", "test", "max_connections", 8)),
            Map.of());
    try {
      SocketChannel subscriber = connect(path, BODY.replace("test_call", "test_watch"));
      assertThat(line(subscriber)).contains("true");
      for (int i = 0; i < 100; i++) {
        connect(path, i % 2 == 0 ? "" : "{\"jsonrpc\":");
      }
      SocketChannel broken = connect(path, BODY.replace("test_call", "test_break"));
      assertThat(line(broken)).isEmpty();
      assertThat(line(connect(path, BODY))).contains("\"called\"");
      subscriber.write(ByteBuffer.wrap(BODY.getBytes(StandardCharsets.US_ASCII)));
      assertThat(line(subscriber)).contains("\"called\"");
      assertThat(listener.openConnections()).isLessThanOrEqualTo(8);
      closeClients();
      await(listener::openConnections, 0);
    } finally {
      listener.close();
    }
  }

  @Test
  void aNotificationThatIsHeldDoesNotStopALongResponse() throws Exception {
    Path path = folder.resolve("a.ipc");
    IpcListener listener = ipc(path);
    try {
      SocketChannel channel =
          connect(
              path,
              "["
                  + BODY.replace("test_call", "test_notify")
                  + ","
                  + BODY.replace("test_call", "test_huge")
                  + "]"
                  + BODY);
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.US_ASCII));
      assertThat(in.readLine()).hasSizeGreaterThan(HUGE).contains("\"subscribed\"");
      assertThat(in.readLine()).contains("\"news\"");
      assertThat(in.readLine()).contains("\"called\"");
    } finally {
      closeClients();
      listener.close();
    }
    assertThat(dispatcher.memory().used()).isZero();
  }

  @Test
  void aListenerThatAcceptsNoConnectionIsDegradedUntilItDoes() throws Exception {
    FailingSockets sockets = new FailingSockets();
    Path path = folder.resolve("a.ipc");
    IpcListener ipc =
        new IpcListener(
            dispatcher,
            sockets,
            config(IpcListener.Config.class, Map.of("path", path.toString(), "namespaces", "test")),
            Map.of());
    Listener listener =
        new Listener(
            dispatcher,
            sockets,
            config(Listener.Config.class, Map.of("port", 0, "namespaces", "test")),
            Map.of("port", 0));
    try {
      for (HealthCheck check : List.of(ipc, listener)) {
        await(() -> check.check().status().ordinal(), Health.Status.DEGRADED.ordinal());
        assertThat(check.check().message()).contains("Too many open files");
      }
      sockets.failing = false;
      assertThat(line(connect(path, BODY))).contains("\"called\"");
      assertThat(response(connect(listener, POST))).contains("200 OK");
      for (HealthCheck check : List.of(ipc, listener)) {
        await(() -> check.check().status().ordinal(), Health.Status.HEALTHY.ordinal());
      }
    } finally {
      closeClients();
      listener.close();
      ipc.close();
    }
  }

  private IpcListener ipc(Path path) throws IOException {
    return new IpcListener(
        dispatcher,
        new PlainSockets(),
        config(IpcListener.Config.class, Map.of("path", path.toString(), "namespaces", "test")),
        Map.of());
  }

  /** A client that subscribes and unsubscribes is as silent as others then. */
  @Test
  void aConnectionIdlesAgainAfterItsLastSubscription() throws Exception {
    Path path = folder.resolve("a.ipc");
    IpcListener listener =
        new IpcListener(
            dispatcher,
            new PlainSockets(),
            config(
                IpcListener.Config.class,
                Map.of("path", path.toString(), "namespaces", "test", "max_connections", 8)),
            Map.of());
    try {
      SocketChannel former = connect(path, "");
      SocketChannel subscriber = connect(path, "");
      for (int i = 0; i < 300; i++) {
        assertThat(call(former, "test_subscribe")).contains("\"subscribed\"");
        assertThat(call(former, "test_unsubscribe")).contains("\"unsubscribed\"");
        assertThat(call(subscriber, "test_subscribe")).contains("\"subscribed\"");
        if (i > 0) {
          assertThat(call(subscriber, "test_unsubscribe")).contains("\"unsubscribed\"");
        }
      }
      for (int i = 0; i < 100; i++) {
        connect(path, "");
      }
      assertThat(line(former)).as("it is closed for new ones").isEmpty();
      assertThat(call(subscriber, "test_call")).contains("\"called\"");
    } finally {
      closeClients();
      listener.close();
    }
  }

  private static String call(SocketChannel channel, String method) throws IOException {
    String request = BODY.replace("test_call", method);
    channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII)));
    return line(channel);
  }
}
