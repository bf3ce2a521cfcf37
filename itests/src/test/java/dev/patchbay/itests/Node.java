// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.primitives.Transaction;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A node started with the launcher, as a user starts it. */
final class Node implements AutoCloseable {
  static final Path ROOT = Path.of(System.getProperty("it.root", ".."));

  /** Otherwise a full collection leaves dead objects where nearly all others live. */
  private static final String COMPACT = "-XX:MarkSweepDeadRatio=0";

  /** The variable with options of Java for the launcher. */
  static final String JAVA_OPTIONS = "PATCHBAY_JAVA_OPTS";

  private static final Set<String> ONE_SHOTS = Set.of("import", "export", "verify");
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern TOTAL = Pattern.compile("(?m)^Total +\\d+ +(\\d+)");
  private static final int FIRST_PORT = 20_000;
  private static final int PORTS = 12_000; // Linux connects from 32,768 on
  private static final AtomicInteger NEXT_PORT =
      new AtomicInteger(ThreadLocalRandom.current().nextInt(PORTS));

  /** A migration of a million accounts takes minutes. */
  private static final int LAUNCHER_SECONDS = 600;

  private static final int PORT_SECONDS = 60;

  private static final int SHELL_SECONDS = 30;

  /** The beginning of the last line that the launcher always writes about a node that runs. */
  private static final String LAST_LINE = "\n  shell      patchbay shell ";

  /** The status when no node answers, or the connection ends before the command. */
  private static final int BROKEN_OFF = 4;

  private static final HttpClient HTTP =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();

  final Path data;
  final int httpPort;
  final int wsPort;
  final int enginePort = freePort();
  private Process process;
  private Path output;

  private final String command;
  private final List<String> javaOptions = new ArrayList<>();
  private boolean quick;
  private boolean driven = true;

  /** A development chain. */
  Node(Path data) {
    this(data, "dev");
  }

  /** What the command starts: {@code dev} or {@code run}. */
  Node(Path data, String command) {
    this(data, command, freePort(), freePort());
  }

  /** A node of given ports, which another process may have started. */
  Node(Path data, String command, int httpPort, int wsPort) {
    this.data = data;
    this.command = command;
    this.httpPort = httpPort;
    this.wsPort = wsPort;
  }

  /** Has the node start in half the time: see {@link QuickJvm} for what that is not for. */
  Node quick() {
    quick = true;
    return this;
  }

  /** Says that no consensus client drives a node that {@code run} starts. */
  Node withoutConsensusClient() {
    driven = false;
    return this;
  }

  /** Has the clock of blocks be ahead of that of the machine, from the next start on. */
  Node withClockAhead(int seconds) {
    javaOptions.add(clockAhead(seconds));
    return this;
  }

  /** Returns the option of Java for a clock of blocks that is ahead of that of the machine. */
  static String clockAhead(int seconds) {
    return "-Dpatchbay.clock.ahead.seconds=" + seconds;
  }

  /** Has {@link #liveBytes} count live objects only: for journeys that compare it. */
  Node countsLiveBytes() {
    javaOptions.add(COMPACT);
    return this;
  }

  /** Returns a port that no other test gets, and that no connection of a client uses. */
  static int freePort() {
    while (true) {
      int port = FIRST_PORT + Math.floorMod(NEXT_PORT.getAndIncrement(), PORTS);
      try (ServerSocket socket = new ServerSocket(port)) {
        return socket.getLocalPort();
      } catch (IOException taken) {
        // the next one
      }
    }
  }

  /** Returns the first of some consecutive ports, each of them as {@link #freePort} returns it. */
  static int freePorts(int count) {
    int first = freePort();
    for (int found = 1; found < count; found++) {
      int next = freePort();
      if (next != first + found) {
        first = next;
        found = 0;
      }
    }
    return first;
  }

  /** Waits until a process listens on a port. */
  static void awaitPort(int port) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(PORT_SECONDS);
    while (System.nanoTime() < limit) {
      try (Socket up = new Socket(InetAddress.getLoopbackAddress(), port)) {
        return;
      } catch (IOException notYet) {
        TimeUnit.MILLISECONDS.sleep(50);
      }
    }
    throw new AssertionError(
        "no process listens on port " + port + " after " + PORT_SECONDS + " s");
  }

  /**
   * Runs the launcher; returns its exit status and output. A command that works on a data directory
   * runs in a {@link QuickJvm} unless the environment has options of Java.
   */
  static Result launcher(Map<String, String> environment, List<String> args) throws Exception {
    List<String> command = new ArrayList<>(List.of(ROOT.resolve("patchbay").toString()));
    command.addAll(args);
    Path out = Files.createTempFile("patchbay-launcher", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile());
    builder.environment().putAll(environment);
    if (ONE_SHOTS.contains(args.get(0)) && !environment.containsKey(JAVA_OPTIONS)) {
      builder.environment().put(JAVA_OPTIONS, QuickJvm.options());
    }
    Process process = builder.start();
    if (!process.waitFor(LAUNCHER_SECONDS, TimeUnit.SECONDS)) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
      throw new IllegalStateException("the launcher has not ended: " + Files.readString(out));
    }
    return new Result(process.exitValue(), Files.readString(out));
  }

  record Result(int status, String output) {}

  Node start(String... more) throws Exception {
    return start(Map.of(), more);
  }

  Node start(Map<String, String> environment, String... more) throws Exception {
    return launch(environment, more).awaitStart();
  }

  /** Starts the process, and does not wait for the node. One that was killed is waited for. */
  Node launch(Map<String, String> environment, String... more) throws Exception {
    List<String> line =
        new ArrayList<>(
            List.of(
                ROOT.resolve("patchbay").toString(),
                command,
                "--datadir",
                data.toString(),
                "--http-port",
                "" + httpPort,
                "--ws-port",
                "" + wsPort));
    if (command.equals("run")) {
      if (driven) {
        line.addAll(List.of("--engine-port", "" + enginePort));
      }
      if (!List.of(more).toString().contains("--p2p")) {
        line.addAll(List.of("--p2p", "off")); // a node that a test does not give peers is alone
      }
    }
    line.addAll(List.of(more));
    return launch(environment, line);
  }

  /** Starts the process with a whole command line. */
  Node launch(Map<String, String> environment, List<String> line) throws Exception {
    awaitEnd();
    output = Files.createTempFile("patchbay-node", ".txt");
    ProcessBuilder builder =
        new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().putAll(environment);
    List<String> options = new ArrayList<>(javaOptions);
    if (quick) {
      options.add(QuickJvm.options());
    }
    if (!options.isEmpty()) {
      builder
          .environment()
          .merge(JAVA_OPTIONS, String.join(" ", options), (given, ours) -> given + " " + ours);
    }
    process = builder.start();
    return this;
  }

  /** Waits until the launcher of a node that ends by itself, or was killed, has ended. */
  void awaitEnd() throws Exception {
    if (process != null && !process.waitFor(30, TimeUnit.SECONDS)) {
      throw new IllegalStateException("the node still runs: " + output());
    }
  }

  /** Waits until the launcher says that the node runs. */
  Node awaitStart() throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
    while (!output().contains(LAST_LINE)) {
      if (!process.isAlive() || System.nanoTime() > limit) {
        throw new IllegalStateException("the node did not start: " + output());
      }
      Thread.onSpinWait();
      process.waitFor(50, TimeUnit.MILLISECONDS);
    }
    return this;
  }

  /** Returns the folder in which a backend keeps the chain, or kept it before a migration. */
  Path copyOf(String backend) throws IOException {
    try (Stream<Path> copies = Files.list(data.resolve("stores/chain"))) {
      return copies
          .filter(copy -> copy.getFileName().toString().startsWith(backend + "-"))
          .findFirst()
          .orElseThrow(() -> new AssertionError("no copy in " + backend));
    }
  }

  /** Waits for the end of the launcher; returns its exit status. */
  int exitStatus() throws Exception {
    if (!process.waitFor(90, TimeUnit.SECONDS)) {
      throw new IllegalStateException("the launcher has not ended: " + output());
    }
    return process.exitValue();
  }

  String output() throws IOException {
    return Files.readString(output);
  }

  long pid() throws IOException {
    return Long.parseLong(Files.readString(data.resolve("pid")).strip());
  }

  /** Returns what the log warns of, for the message of a test that fails. */
  String warnings() {
    try (Stream<String> lines = Files.lines(data.resolve("logs/karaf.log"))) {
      return lines
          .filter(line -> line.contains("| WARN  |") || line.contains("| ERROR |"))
          .collect(Collectors.joining("\n"));
    } catch (IOException none) {
      return "";
    }
  }

  /** Asks the JVM of the node something. */
  String jcmd(String... command) throws Exception {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "jcmd").toString());
    line.add("" + pid());
    line.addAll(List.of(command));
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  /** Returns the classes of the node's heap after a full collection, and a total. */
  String histogram() throws Exception {
    return jcmd("GC.class_histogram");
  }

  /** Returns the bytes that a full collection of the node's heap leaves. */
  long liveBytes() throws Exception {
    return liveBytes(histogram());
  }

  /** Returns the bytes of a histogram. */
  static long liveBytes(String histogram) {
    Matcher total = TOTAL.matcher(histogram);
    if (!total.find()) {
      throw new AssertionError("no total: " + histogram);
    }
    return Long.parseLong(total.group(1));
  }

  /** Returns the bytes of memory that the process of the node has now. */
  long residentBytes() throws IOException {
    return memory().resident();
  }

  /** Returns what memory the process of the node has now: proc(5), {@code /proc/PID/status}. */
  Memory memory() throws IOException {
    Map<String, Long> bytes = new HashMap<>();
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid() + "/status"))) {
      lines
          .filter(line -> line.startsWith("VmRSS") || line.startsWith("Rss"))
          .map(line -> line.split(":"))
          .forEach(p -> bytes.put(p[0], 1_024 * Long.parseLong(p[1].replaceAll("\\D", ""))));
    }
    return new Memory(bytes.get("VmRSS"), bytes.get("RssAnon"), bytes.get("RssFile"));
  }

  /**
   * Memory of a process, in bytes.
   *
   * @param resident all of it
   * @param anonymous what stands in no file: heap, code, stacks, native memory
   * @param files pages of mapped files
   */
  record Memory(long resident, long anonymous, long files) {
    Memory plus(Memory other) {
      return new Memory(
          resident + other.resident, anonymous + other.anonymous, files + other.files);
    }
  }

  /** Kills the process of the node as kill -9 does. */
  void kill() throws Exception {
    ProcessHandle.of(pid()).ifPresent(ProcessHandle::destroyForcibly);
    if (process != null) {
      process.waitFor(30, TimeUnit.SECONDS);
    }
  }

  /** Kills the launcher, as kill -9 does; the node goes on. */
  void killLauncher() throws Exception {
    process.destroyForcibly().waitFor(30, TimeUnit.SECONDS);
  }

  /**
   * Runs a command of the shell of the running node; returns its exit status and output. It
   * connects to the socket that the launcher connects to, without a launcher and a JVM for each.
   */
  Result shell(String... command) throws Exception {
    byte[] line = (String.join(" ", command) + "\n").getBytes(StandardCharsets.UTF_8);
    try (SocketChannel socket = connectToShell()) {
      socket.write(ByteBuffer.wrap(line));
      FutureTask<byte[]> reading =
          new FutureTask<>(() -> Channels.newInputStream(socket).readAllBytes());
      new Thread(reading, "node-shell").start();
      return shellResult(reading.get(LAUNCHER_SECONDS, TimeUnit.SECONDS));
    } catch (IOException | ExecutionException ended) {
      return new Result(BROKEN_OFF, ended.toString());
    }
  }

  /** Connects to the shell; waits for it while its bundle is replaced. */
  private SocketChannel connectToShell() throws IOException {
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(data.resolve("shell.sock"));
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(SHELL_SECONDS);
    while (true) {
      try {
        return SocketChannel.open(address);
      } catch (IOException absent) {
        if (process == null || !process.isAlive() || System.nanoTime() > limit) {
          throw absent;
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
      }
    }
  }

  /** Runs a command of the shell as a user does, with a launcher. */
  Result launcherShell(String... command) throws Exception {
    List<String> args = new ArrayList<>(List.of("shell", "--datadir", data.toString()));
    args.addAll(List.of(command));
    return launcher(Map.of(), args);
  }

  /** The output of a command ends with a NUL byte, and the status as a digit. */
  private static Result shellResult(byte[] reply) {
    int end = reply.length - 2;
    if (end < 0 || reply[end] != 0) {
      return new Result(BROKEN_OFF, new String(reply, StandardCharsets.UTF_8));
    }
    return new Result(reply[end + 1] - '0', new String(reply, 0, end, StandardCharsets.UTF_8));
  }

  /** Returns a request over HTTP/1.1, for clients that do not read or leave as others do. */
  static String httpPost(String body) {
    return "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
        + body.length()
        + "\r\n\r\n"
        + body;
  }

  /** Posts a body; returns status and text. */
  HttpResponse<String> post(String body, String... headers) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + httpPort))
            .timeout(Duration.ofSeconds(30))
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    } else {
      request.header("Content-Type", "application/json");
    }
    return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  /** Posts a body to a listener; returns the text. */
  static String post(int port, String body) throws Exception {
    return HTTP.send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port))
                .header("Content-Type", "application/json")
                .timeout(Duration.ofSeconds(30))
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.ofString())
        .body();
  }

  /** Calls a method; returns the whole response. */
  JsonNode call(String method, Object... params) throws Exception {
    return JSON.readTree(post(request(method, params)).body());
  }

  /** Returns a request as it is sent. */
  static String request(String method, Object... params) throws IOException {
    return JSON.writeValueAsString(
        Map.of("jsonrpc", "2.0", "id", 1, "method", method, "params", Arrays.asList(params)));
  }

  /** Calls a method that must succeed; returns its result. */
  JsonNode result(String method, Object... params) throws Exception {
    JsonNode response = call(method, params);
    if (!response.has("result")) {
      throw new AssertionError(method + " failed: " + response);
    }
    return response.get("result");
  }

  /** Sends a transaction; returns its hash. */
  String send(Transaction transaction) throws Exception {
    return result("eth_sendRawTransaction", Accounts.raw(transaction)).asText();
  }

  static JsonNode json(String text) throws IOException {
    return JSON.readTree(text);
  }

  /** Stops a node that runs, as a supervisor does. */
  @Override
  public void close() throws Exception {
    if (process != null && process.isAlive()) {
      process.destroy();
      if (!process.waitFor(40, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    }
  }
}
