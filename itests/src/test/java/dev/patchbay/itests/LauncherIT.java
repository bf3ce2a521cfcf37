// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The launcher: what it requires of a start, how it reports the end, and the terminal. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class LauncherIT {
  private static final String BROKEN =
      "throw new IllegalStateException(\"a third party is broken\");";
  private static final String EXIT = "new Thread(() -> System.exit(0), \"exit\").start();";

  @TempDir Path folder;
  private Node node;

  @BeforeEach
  void create() {
    node = new Node(folder.resolve("node")).quick();
  }

  @AfterEach
  void close() throws Exception {
    node.close();
  }

  /**
   * A node starts with only some namespaces, in spite of a listener whose port is taken and of
   * third parties that are broken. When it is killed, the launcher reports that. The next start
   * finds the old log, and no configuration whose file was deleted.
   */
  @Test
  void startsWithoutOptionalPartsAndReportsADeath() throws Exception {
    Path mine = node.data.resolve("etc/dev.patchbay.rpc.listener-mine.cfg");
    Path other = node.data.resolve("etc/dev.patchbay.rpc.ipc-other.cfg");
    Path deploy = node.data.resolve("karaf/deploy");
    int port;
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = taken.getLocalPort();
      Files.createDirectories(mine.getParent());
      Files.writeString(mine, "port = " + port + "\n");
      Files.writeString(other, "path = " + folder.resolve("other.ipc") + "\n");
      Files.createDirectories(deploy);
      node.start("--namespaces", "net,web3");
      // the first start copies the configuration of the distribution over an empty cache
      Files.copy(bundle("Broken", BROKEN, ""), deploy.resolve("broken.jar"));
      Files.copy(
          bundle("Alone", "", "Import-Package: no.such.thing\n"), deploy.resolve("alone.jar"));
      node.close();
      node.start("--namespaces", "net,web3");
      assertThat(node.output())
          .contains("warning: rpc.listener~mine is FAILED: cannot listen on 127.0.0.1:" + port);
      assertThat(node.result("net_version").asText()).isEqualTo("1337");
      assertThat(node.call("eth_chainId").has("error")).isTrue();
      assertThat(Files.exists(folder.resolve("other.ipc"))).isTrue();
      // Karaf looks into its deploy folder some time after the start
      await(() -> node.shell("patchbay:ready").output(), "com.example.Broken: a third party");
      await(() -> node.shell("patchbay:ready").output(), "com.example.Alone");
      // on the console as an error of the start, or of the running node
      await(node::output, "bundle com.example.Broken:1.0.0");
      Node.Result ready = node.launcherShell("patchbay:ready");
      assertThat(ready.status()).isZero();
      assertThat(ready.output())
          .contains("chain: head is block 0", "execution: the EVM of the chain is installed")
          .contains(
              "rpc.listener~mine: cannot listen", "com.example.Alone: the bundle is not active");
      assertThat(node.launcherShell("patchbay:ready", "no.such.part").status()).isNotZero();
      Node.Result doctor = node.launcherShell("patchbay:doctor");
      assertThat(doctor.status()).isEqualTo(1);
      assertThat(doctor.output())
          .contains("rpc.listener~mine: cannot listen", "next: correct " + mine)
          .contains("com.example.Broken: a third party is broken")
          .contains(
              "bundle com.example.Alone: the bundle is not active",
              "no installed bundle provides the package no.such.thing");
      assertThat(doctor.output().lines()).as(doctor.output()).hasSizeLessThan(12);
      brokenFilesAreWarnedOf(deploy);
      terminal();
    }
    String before = log();
    node.kill();
    assertThat(node.exitStatus()).isEqualTo(137);
    assertThat(node.output())
        .contains("the node died", "signal 9", "logs/karaf.log")
        .doesNotContain("Stopped.");

    Files.delete(mine);
    Files.delete(other);
    node.start();
    assertThat(log()).as("the log of the start before").startsWith(before);
    assertThat(since(before)).doesNotContain("listening on 127.0.0.1:" + port);
    assertThat(node.shell("patchbay:ready").output())
        .as("a configuration without a file")
        .doesNotContain("~mine", "~other");
    Node.Result exits =
        node.launcherShell("bundle:install", "-s", bundle("Exit", EXIT, "").toUri().toString());
    assertThat(node.exitStatus()).as(exits.output()).isNotZero();
    assertThat(node.output()).contains("the node died").doesNotContain("Stopped.");
  }

  /**
   * A stop from the shell is a stop that was asked for. Import and export of a stopped node open no
   * listener, whatever is configured, and change no configuration. Keys of the operator in files
   * that the launcher writes stay. A start without an EVM ends, and names it.
   */
  @Test
  void opensNoListenerForAnExportAndRequiresAnEvm() throws Exception {
    Files.createDirectories(node.data.resolve("etc"));
    Path mine = node.data.resolve("etc/dev.patchbay.rpc.listener-mine.cfg");
    Path deployed = node.data.resolve("karaf/deploy/dev.patchbay.rpc.ipc-deployed.cfg");
    Path sealed = node.data.resolve("etc/dev.patchbay.consensus.poa.cfg");
    String sealedFile = "sealed.file = " + folder.resolve("sealed");
    Files.writeString(sealed, sealedFile + "\n");
    Path http = node.data.resolve("etc/dev.patchbay.rpc.listener-http.cfg");
    Files.writeString(
        http, "# mine\ncors = https://one.example,\\\n  https://two.example\nport = 1\n");
    node.start();
    Files.writeString(mine, "port = 0\nnamespaces = debug\n");
    Path chronos = node.data.resolve("etc/dev.patchbay.p2p.chronos.cfg");
    Files.writeString(chronos, "port = 0\n");
    Files.writeString(deployed, "path = " + folder.resolve("deployed.ipc") + "\n");
    node.shell(
        "config:edit dev.patchbay.rpc.server; config:property-set expensive.waiting 31; config:update");
    node.launcherShell("patchbay:stop");
    assertThat(node.exitStatus()).as(node.output()).isZero();
    assertThat(node.output()).contains("Stopped.").doesNotContain("died", "not installed");

    String before = log();
    Path file = folder.resolve("chain.rlp");
    Node.Result exported =
        Node.launcher(
            Map.of(), List.of("export", "--datadir", node.data.toString(), file.toString()));
    assertThat(exported.status()).as(exported.output()).isZero();
    Node.Result imported =
        Node.launcher(
            Map.of(), List.of("import", "--datadir", node.data.toString(), file.toString()));
    assertThat(imported.output()).contains("1 blocks were known");
    assertThat(since(before)).contains("head is block 0").doesNotContain("listening on");
    assertThat(since(before)).doesNotContain("chronos listens on");
    assertThat(mine).exists();

    String stopped = log();
    node.start();
    assertThat(since(stopped)).contains("chronos listens on");
    assertThat(Files.readString(sealed)).contains("key.file = ", sealedFile);
    assertThat(Files.readString(http))
        .contains("# mine\n", "cors = https://one.example,\\\n  https://two.example\n")
        .contains("port = " + node.httpPort + "\n")
        .doesNotContain("port = 1\n");
    assertThat(since(stopped)).containsPattern("listening on 127.0.0.1:\\d+ for \\[debug]");
    await(() -> since(stopped), "listening on " + folder.resolve("deployed.ipc"));
    assertThat(node.shell("config:list '(service.pid=dev.patchbay.rpc.server)'").output())
        .as("what the shell has configured")
        .contains("expensive.waiting = 31");
    assertThat(node.shell("feature:uninstall", "patchbay-evm-engine").status()).isZero();
    theLockIsTheNodes();
    node.launch(Map.of());
    assertThat(node.exitStatus()).isNotZero();
    assertThat(node.output()).contains("execution is UNAVAILABLE: the EVM 'patchbay'");
  }

  /** What an operator pipes the output into may end first: the node does not go on unseen. */
  @Test
  void endsWithTheReaderOfItsOutput() throws Exception {
    String command =
        String.format(
            "'%s' dev --datadir '%s' --http-port %d --ws-port %d | head -n 1",
            Node.ROOT.resolve("patchbay"), node.data, node.httpPort, node.wsPort);
    ProcessBuilder builder = new ProcessBuilder("bash", "-c", command).redirectErrorStream(true);
    builder.environment().putAll(QuickJvm.environment());
    Process process = builder.start();
    try (InputStream output = process.getInputStream()) {
      output.readAllBytes();
    }
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    Node.Result stop = Node.launcher(Map.of(), List.of("stop", "--datadir", "" + node.data));
    assertThat(stop.output()).contains("no node runs in");
  }

  /** Broken files in the deploy folder: a warning each, on the console, too. */
  private void brokenFilesAreWarnedOf(Path deploy) throws Exception {
    byte[] jar = Files.readAllBytes(bundle("Cut", "", ""));
    Files.write(deploy.resolve("cut.jar"), java.util.Arrays.copyOf(jar, jar.length - 30));
    Files.writeString(deploy.resolve("cut.xml"), "<features><feature");
    await(node::output, "warning: " + deploy.resolve("cut.jar") + " is not deployed");
    await(node::output, "warning: " + deploy.resolve("cut.xml") + " is not deployed");
    assertThat(log().split("cut.jar is not deployed", -1)).as("warned once").hasSize(2);
    assertThat(node.result("net_version").asText()).isEqualTo("1337");
    Files.delete(deploy.resolve("cut.jar"));
    Files.delete(deploy.resolve("cut.xml"));
  }

  /** The node goes on without its launcher: its directory stays locked, and it can be stopped. */
  private void theLockIsTheNodes() throws Exception {
    long pid = node.pid();
    node.killLauncher();
    Node other = new Node(node.data).quick();
    other.launch(Map.of());
    assertThat(other.exitStatus()).isNotZero();
    assertThat(other.output())
        .contains("in use by another node (process " + pid + ")")
        .contains("patchbay stop --datadir " + node.data);
    assertThat(node.result("net_version").asText()).as("the node goes on").isEqualTo("1337");
    Node.Result stopped =
        Node.launcher(Map.of(), List.of("stop", "--datadir", node.data.toString()));
    assertThat(stopped.output()).contains("Stopped.");
    assertThat(stopped.status()).isZero();
    assertThat(ProcessHandle.of(pid)).isEmpty();

    // the number in the file of a killed node may be that of any process
    Files.writeString(node.data.resolve("pid"), ProcessHandle.current().pid() + "\n");
    Node.Result none = Node.launcher(Map.of(), List.of("stop", "--datadir", node.data.toString()));
    assertThat(none.status()).isNotZero();
    assertThat(none.output()).contains("no node runs in");
  }

  /** Asks again until a text contains another one, or 60 seconds have passed. */
  private static void await(Callable<String> text, String part) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    String latest = text.call();
    while (!latest.contains(part) && System.nanoTime() < limit) {
      LockSupport.parkNanos(50_000_000);
      latest = text.call();
    }
    assertThat(latest).contains(part);
  }

  private String log() throws IOException {
    return Files.readString(node.data.resolve("logs/karaf.log"));
  }

  private String since(String before) throws IOException {
    return log().substring(before.length());
  }

  /** A dialogue in a pseudo-terminal: several commands, output that comes late, and Ctrl-D. */
  private void terminal() throws Exception {
    String script = "/usr/bin/script";
    assumeTrue(
        Files.isExecutable(Path.of(script)),
        "SKIPPED: a pseudo-terminal for this test comes by script of util-linux");
    String command = Node.ROOT.resolve("patchbay") + " shell --datadir " + node.data;
    Process terminal =
        new ProcessBuilder(script, "-qefc", command, "/dev/null").redirectErrorStream(true).start();
    try {
      InputStream screen = terminal.getInputStream();
      OutputStream keyboard = terminal.getOutputStream();
      await(screen, "patchbay> ");
      type(keyboard, "patchbay:status\n");
      assertThat(await(screen, "patchbay> ")).contains("head       0");
      type(keyboard, "chain:head\nrpc:list\n");
      assertThat(await(screen, "patchbay> ")).contains("0x");
      assertThat(await(screen, "patchbay> ")).contains("dev.patchbay.rpc.net");
      type(keyboard, "\u0004"); // Ctrl-D
      assertThat(terminal.waitFor(60, TimeUnit.SECONDS)).as("Ctrl-D ends the dialogue").isTrue();
      assertThat(terminal.exitValue()).isZero();
    } finally {
      terminal.descendants().forEach(ProcessHandle::destroyForcibly);
      terminal.destroyForcibly();
    }
  }

  private static void type(OutputStream keyboard, String text) throws IOException {
    keyboard.write(text.getBytes(StandardCharsets.UTF_8));
    keyboard.flush();
  }

  /** Reads the screen up to a text. */
  private static String await(InputStream screen, String end) throws Exception {
    StringBuilder out = new StringBuilder();
    CompletableFuture<Void> reading =
        CompletableFuture.runAsync(
            () -> {
              try {
                for (int b = screen.read(); b >= 0; b = screen.read()) {
                  out.append((char) b);
                  if (out.indexOf(end) >= 0) {
                    return;
                  }
                }
              } catch (IOException closed) {
                throw new java.io.UncheckedIOException(closed);
              }
            });
    reading.get(60, TimeUnit.SECONDS);
    return out.toString();
  }

  /** Compiles a bundle with one component, whose constructor does something. */
  private Path bundle(String name, String constructor, String headers) throws Exception {
    Path work = Files.createDirectories(folder.resolve(name));
    Path source = work.resolve(name + ".java");
    Files.writeString(
        source,
        "public class "
            + name
            + " { public "
            + name
            + "() { if (true) { "
            + constructor
            + " } } }");
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    assertThat(compiler.run(null, null, null, "--release", "17", source.toString())).isZero();
    String manifest =
        "Manifest-Version: 1.0\nBundle-ManifestVersion: 2\nBundle-SymbolicName: com.example."
            + name
            + "\nBundle-Version: 1.0.0\nService-Component: OSGI-INF/c.xml\n"
            + headers;
    String component =
        "<scr:component xmlns:scr='http://www.osgi.org/xmlns/scr/v1.3.0' immediate='true' name='com.example."
            + name
            + "'><implementation class='"
            + name
            + "'/></scr:component>";
    Path jar = work.resolve(name + ".jar");
    Manifest parsed =
        new Manifest(new java.io.ByteArrayInputStream(manifest.getBytes(StandardCharsets.UTF_8)));
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar), parsed)) {
      out.putNextEntry(new JarEntry("OSGI-INF/c.xml"));
      out.write(component.getBytes(StandardCharsets.UTF_8));
      out.putNextEntry(new JarEntry(name + ".class"));
      Files.copy(work.resolve(name + ".class"), out);
    }
    return jar;
  }
}
