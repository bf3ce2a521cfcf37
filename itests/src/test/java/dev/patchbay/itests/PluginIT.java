// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Follows docs/write-a-plugin.md: its commands are run as they stand, but for ports and folders.
 * Bundles of third parties beside ours.
 */
class PluginIT {
  @TempDir Path folder;

  private String run(String script) throws Exception {
    Path out = folder.resolve("out.txt");
    Process process =
        new ProcessBuilder("bash", "-ec", script)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(out.toFile())
            .start();
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).as(script).isTrue();
    assertThat(process.exitValue()).as(script + "\n" + Files.readString(out)).isZero();
    return Files.readString(out);
  }

  @Test
  void thePageLeadsToABundleThatRuns() throws Exception {
    Files.createSymbolicLink(
        folder.resolve("patchbay"), Node.ROOT.resolve("patchbay").toRealPath());
    String page = Files.readString(Node.ROOT.resolve("docs/write-a-plugin.md"));
    int port = Node.freePort();
    try (Node node = new Node(folder.resolve("node")).quick().start()) {
      page =
          page.replace("./patchbay shell", "./patchbay shell --datadir " + node.data)
              .replace(".patchbay/dev", node.data.toString())
              .replace("127.0.0.1:8545", "127.0.0.1:" + node.httpPort)
              .replace("8600", "" + port);
      Matcher blocks = Pattern.compile("(?s)```\n(.*?)```").matcher(page);
      List<String> scripts = blocks.results().map(block -> block.group(1)).toList();
      assertThat(scripts).hasSize(4);
      run(scripts.get(0));
      assertThat(run(scripts.get(1)))
          .contains("\"result\":[\"0x70997970c51812dc3a010c7d01b50e0d17dc79c8\"]");
      run(scripts.get(2));
      int line = scripts.get(3).indexOf('\n');
      run(scripts.get(3).substring(0, line));
      String question = scripts.get(3).substring(line);
      // the listener opens a moment after its file is there
      Journeys.await("\"result\":0", () -> asked(question).contains("\"result\":0"));
      assertThat(node.shell("bundle:uninstall com.example.called-accounts").status()).isZero();
      assertThat(node.shell("tracer:list").output()).doesNotContain("calledAccounts");
    }
  }

  private String asked(String script) throws Exception {
    TimeUnit.MILLISECONDS.sleep(100);
    try {
      return run(script);
    } catch (AssertionError notYet) {
      return "";
    }
  }

  /** Bundles of a third party that have the names of ours and a higher ranking. */
  @Test
  void whatHasTheNameOfOursIsUsedByCommandAlone() throws Exception {
    try (Node node = new Node(folder.resolve("choices")).quick().start()) {
      String evm = "dev.patchbay.evm.engine";
      String rules = "dev.patchbay.consensus.poa";
      pay(node);
      aBackendOfTheSameId(node);
      shell(node, "bundle:install -s " + Examples.copyOf("evm-engine", "com.example.evm", folder));
      shell(
          node, "bundle:install -s " + Examples.copyOf("consensus-poa", "com.example.poa", folder));
      shell(node, "bundle:update " + evm);
      shell(node, "bundle:update " + rules);
      assertThat(shell(node, "evm:list")).containsPattern("[*] patchbay +" + evm);
      assertThat(shell(node, "consensus:list")).containsPattern("[*] clique +" + rules);
      pay(node);
      assertThat(node.shell("evm:use patchbay").output()).contains("several bundles");
      shell(node, "bundle:stop " + evm);
      assertThat(error(node)).contains("the EVM 'patchbay' of bundle " + evm, "com.example.evm");
      assertThat(node.shell("patchbay:ready").output()).contains("of bundle " + evm);
      assertThat(shell(node, "evm:use --bundle com.example.evm patchbay"))
          .contains("'patchbay' of bundle com.example.evm; before: 'patchbay' of bundle " + evm);
      pay(node);
      shell(node, "bundle:stop " + rules);
      assertThat(error(node)).contains("the consensus rules 'clique' of bundle " + rules);
      assertThat(node.shell("consensus:use dev.patchbay.consensus.engine").output())
          .contains("the genesis decides the name");
      shell(node, "consensus:use com.example.poa");
      pay(node);
      shell(node, "bundle:start " + evm);
      shell(node, "bundle:start " + rules);
      node.close();

      assertThat(Journeys.refusal(node, "--evm", "fast"))
          .contains("the chain uses the EVM 'patchbay' of bundle com.example.evm, not 'fast'");
      node.start();
      assertThat(shell(node, "evm:list")).containsPattern("[*] patchbay +com.example.evm");
      assertThat(shell(node, "consensus:list")).containsPattern("[*] clique +com.example.poa");
      assertThat(shell(node, "storage:list")).containsPattern(inUse("com.example.mapdb"));
      pay(node);
      shell(node, "bundle:uninstall com.example.evm");
      assertThat(error(node)).contains("the EVM 'patchbay' of bundle com.example.evm", evm);
    }
  }

  private void aBackendOfTheSameId(Node node) throws Exception {
    String ours = "dev.patchbay.storage.mapdb";
    String theirs = "com.example.mapdb";
    shell(node, "bundle:install -s " + Examples.copyOf("storage-mapdb", theirs, folder));
    shell(node, "bundle:update " + ours);
    pay(node);
    assertThat(shell(node, "storage:list"))
        .containsPattern(inUse(ours))
        .containsPattern("  mapdb +durable .*" + theirs);
    shell(node, "bundle:stop " + ours);
    assertThat(error(node)).contains("'mapdb' of bundle " + ours + " is not installed", theirs);
    assertThat(node.shell("patchbay:ready").output()).contains("of bundle " + ours);
    assertThat(shell(node, "storage:use " + theirs)).contains("before: bundle " + ours);
    pay(node);
    shell(node, "bundle:start " + ours);
  }

  /** Returns the pattern of the line by which {@code storage:list} shows what is in use. */
  private static String inUse(String bundle) {
    return "[*] mapdb +durable .*" + bundle;
  }

  private static String shell(Node node, String command) throws Exception {
    Node.Result result = node.shell(command);
    assertThat(result.status()).as(command + ": " + result.output()).isZero();
    return result.output();
  }

  /** Sends a transaction, which needs the EVM and the rules, and waits for its block. */
  private static void pay(Node node) throws Exception {
    String count = node.result("eth_getTransactionCount", Accounts.FIRST, "latest").asText();
    String hash = node.send(Accounts.transfer(0, Long.decode(count)));
    assertThat(Journeys.receipt(node, hash).get("status").asText()).isEqualTo("0x1");
  }

  /** Returns the message of a call that fails. */
  private static String error(Node node) throws Exception {
    return node.call("eth_call", Map.of("to", Accounts.FIRST), "latest")
        .at("/error/message")
        .asText();
  }

  @Test
  void whatCannotBeMadeIsTold() throws Exception {
    for (List<String> wrong :
        List.of(
            List.of("new"),
            List.of("new", "tracer"),
            List.of("new", "storage", "mine"),
            List.of("new", "tracer", "../mine"),
            List.of("new", "tracer", "Mine"))) {
      Node.Result result = Node.launcher(Map.of(), wrong);
      assertThat(result.status()).as(wrong.toString()).isNotZero();
      assertThat(result.output()).startsWith("patchbay: ");
    }
  }
}
