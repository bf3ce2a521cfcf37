// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The tools of those who write contracts, wallets and explorers, as they are published. */
class ToolsIT {
  @TempDir static Path folder;
  private static Node node;

  @BeforeAll
  static void start() throws Exception {
    node = new Node(folder.resolve("node")).quick().start();
  }

  @AfterAll
  static void stop() throws Exception {
    node.close();
  }

  private static Map<String, String> urls() {
    Map<String, String> urls = new HashMap<>();
    urls.put("RPC_URL", "http://127.0.0.1:" + node.httpPort);
    urls.put("WS_URL", "ws://127.0.0.1:" + node.wsPort);
    urls.put("IPC_PATH", node.data.resolve("patchbay.ipc").toString());
    return urls;
  }

  @Test
  void ethersViemWeb3jsFoundryAndAnExplorer() throws Exception {
    Path tools = Npm.install("tools", Map.of());
    assertThat(Journeys.run(tools, urls(), List.of("npm", "test"))).isZero();
  }

  /** Hardhat 3 needs Node 22, which is pinned for linux-amd64 beside the other tools. */
  @Test
  void hardhat() throws Exception {
    Path pinned = Npm.node22(Npm.install("tools", Map.of()));
    Map<String, String> environment = urls();
    environment.put("PATH", pinned + File.pathSeparator + System.getenv("PATH"));
    environment.put("HARDHAT_DISABLE_TELEMETRY_PROMPT", "true");
    Path project = Npm.install("hardhat", environment);
    assertThat(Journeys.run(project, environment, List.of("npm", "test"))).isZero();
  }

  @Test
  void web3py() throws Exception {
    Path venv = folder.resolve("venv");
    assumeTrue(
        Npm.works("python3", "-m", "venv", venv.toString()),
        "SKIPPED: the test with web3.py needs Python 3.11 with venv: apt-get install python3-venv");
    Path project = Node.ROOT.resolve("itests/python");
    String python = venv.resolve("bin/python").toString();
    assertThat(
            Journeys.run(
                project,
                Map.of(),
                List.of(python, "-m", "pip", "install", "--quiet", "-r", "requirements.txt")))
        .isZero();
    assertThat(Journeys.run(project, urls(), List.of(python, "-B", "test_web3.py"))).isZero();
  }
}
