// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** geth or op-geth as it is published, in a process of its own. */
final class Geth implements AutoCloseable {
  private static final String SECRET = "07".repeat(32);

  final EngineClient client;
  private final int port;
  private final Process process;

  private Geth(EngineClient client, int port, Process process) {
    this.client = client;
    this.port = port;
    this.process = process;
  }

  /**
   * Starts it on a genesis, without peers; skips the test where there is no Go to build it with.
   *
   * @param project the folder that says which of them, and of which version
   * @param more options that only that one has
   */
  static Geth start(Path folder, Path genesis, String project, String... more) throws Exception {
    String binary = build(project).toString();
    List<String> options =
        new ArrayList<>(List.of("--nodiscover", "--maxpeers", "0", "--port", "0"));
    options.addAll(List.of("--miner.gasprice", "1"));
    options.addAll(List.of(more));
    return launch(binary, folder, project, genesis, "eth,debug", options);
  }

  /**
   * Starts a program that was built before, as a peer: it listens on a free port, and connects to
   * this machine only.
   *
   * @param name of its data folder in {@code folder}
   * @param more options, also those of discovery
   */
  static Geth peer(String program, Path folder, String name, Path genesis, String... more)
      throws Exception {
    List<String> options = new ArrayList<>(List.of("--port", "" + Node.freePort()));
    options.addAll(List.of("--nat", "extip:127.0.0.1", "--netrestrict", "127.0.0.0/8"));
    options.addAll(List.of(more));
    return launch(program, folder, name, genesis, "eth,net,admin,txpool", options);
  }

  /**
   * Starts 1.13.15 as a validator of a Clique chain. It mines with a locked account, so it imports
   * blocks, and seals after {@link #seal} only: one that does not mine would ignore the blocks that
   * it is sent.
   *
   * @param name of its data folder in {@code folder}, which may be there
   * @param port for peers
   * @param key of the validator, which has {@code address}
   */
  static Geth validator(
      String program, Path folder, String name, Path genesis, int port, String key, String address)
      throws Exception {
    List<String> options = new ArrayList<>(List.of("--port", "" + port, "--nodiscover"));
    options.addAll(List.of("--nat", "extip:127.0.0.1", "--netrestrict", "127.0.0.0/8"));
    options.addAll(List.of("--miner.etherbase", address));
    options.addAll(List.of("--allow-insecure-unlock", "--rpc.enabledeprecatedpersonal"));
    String api = "eth,net,admin,txpool,clique,miner,personal";
    Geth out = launch(program, folder, name, genesis, api, options);
    out.call("personal_importRawKey", key, SECRET); // refused at a later start, when it is there
    out.result("miner_start");
    return out;
  }

  /** Has a validator seal, whose account is unlocked for that. */
  void seal(String address) throws Exception {
    assertThat(result("personal_unlockAccount", address, SECRET, 0).asBoolean()).isTrue();
    result("miner_stop");
    result("miner_start");
  }

  /** Kills the process as kill -9 does. */
  void kill() throws Exception {
    process.destroyForcibly().waitFor(30, TimeUnit.SECONDS);
  }

  private static Geth launch(
      String binary, Path folder, String name, Path genesis, String api, List<String> options)
      throws Exception {
    String data = folder.resolve(name).toString();
    assertThat(
            Journeys.run(
                folder, Map.of(), List.of(binary, "--datadir", data, "init", "" + genesis)))
        .isZero();
    int engine = Node.freePort();
    int port = Node.freePort();
    Path secret = Files.writeString(folder.resolve(name + ".hex"), SECRET);
    List<String> line = new ArrayList<>(List.of(binary, "--datadir", data, "--ipcdisable"));
    line.addAll(List.of("--syncmode", "full", "--gcmode", "archive", "--verbosity", "2"));
    line.addAll(options);
    line.addAll(List.of("--http", "--http.port", "" + port, "--http.api", api));
    line.addAll(List.of("--authrpc.port", "" + engine, "--authrpc.jwtsecret", "" + secret));
    Process process =
        new ProcessBuilder(line)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve(name + ".log").toFile())
            .start();
    try {
      Node.awaitPort(engine);
      Node.awaitPort(port);
      return new Geth(EngineClient.of(engine, SECRET), port, process);
    } catch (Throwable failed) {
      process.destroyForcibly();
      throw failed;
    }
  }

  /** Calls a method; returns the whole response. */
  JsonNode call(String method, Object... params) throws Exception {
    return Node.json(Node.post(port, Node.request(method, params)));
  }

  /** Calls a method that must succeed; returns its result. */
  JsonNode result(String method, Object... params) throws Exception {
    JsonNode reply = call(method, params);
    if (!reply.has("result")) {
      throw new AssertionError(method + " failed: " + reply);
    }
    return reply.get("result");
  }

  /**
   * Makes its own head, the genesis, the one of a fork choice. Until then it counts as not synced,
   * and drops the transactions of peers.
   */
  void sync() throws Exception {
    String head = result("eth_getBlockByNumber", "latest", false).get("hash").asText();
    JsonNode reply =
        client.call(
            "engine_forkchoiceUpdatedV3",
            EngineDriver.state(head, EngineDriver.ZERO, EngineDriver.ZERO),
            null);
    assertThat(EngineDriver.status(reply)).as(reply.toString()).isEqualTo("VALID");
  }

  /**
   * Returns a program of geth's module that was built before; skips the test where there is none.
   *
   * @param command its folder in {@code cmd}
   * @param version of the module
   * @param property system property that names the program
   * @param argument with which it does nothing but succeed
   */
  static String program(String command, String version, String property, String argument) {
    String program = System.getProperty(property);
    assumeTrue(
        Npm.works(program, argument),
        "SKIPPED: no program "
            + program
            + ": build cmd/"
            + command
            + " of github.com/ethereum/go-ethereum@"
            + version
            + ", and name it with -D"
            + property);
    return program;
  }

  private static Path build(String name) throws Exception {
    assumeTrue(
        Npm.works("go", "version"),
        "SKIPPED: " + name + " is built with Go 1.24: apt-get install golang");
    Path project = Node.ROOT.resolve("itests/" + name);
    Path binary = Node.ROOT.resolve("itests/target/" + name).toAbsolutePath();
    List<String> command =
        List.of("go", "build", "-o", "" + binary, "github.com/ethereum/go-ethereum/cmd/geth");
    assertThat(Journeys.run(project, Map.of(), command)).isZero();
    return binary;
  }

  @Override
  public void close() throws Exception {
    process.destroy();
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
  }
}
