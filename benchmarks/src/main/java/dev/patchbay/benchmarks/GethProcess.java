// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A node of geth.
 *
 * @param process where it runs
 * @param http where it answers
 */
record GethProcess(Process process, URI http) implements RpcNode {
  /**
   * Starts geth over a genesis, with the limits of our pool. It does not track the transactions of
   * its clients ({@code --txpool.nolocals}): where it does, it accepts those that its full pool
   * refuses, and adds them to the pool later.
   */
  static GethProcess start(String binary, Path genesis, Path work) throws Exception {
    List<String> begin = List.of(binary, "--datadir", work.resolve("geth").toString());
    RpcSpeed.run(begin, "init", genesis.toString());
    int http = BenchNode.freePort();
    int engine = BenchNode.freePort();
    Path log = work.resolve("geth.log");
    List<String> line = new ArrayList<>(begin);
    line.addAll(List.of("--nodiscover", "--maxpeers", "0", "--ipcdisable", "--verbosity", "2"));
    line.addAll(List.of("--authrpc.port", "" + engine, "--syncmode", "full"));
    line.addAll(List.of("--http", "--http.port", "" + http, "--http.api", "eth,txpool,testing"));
    // it holds the sum of both; what was added waits in its queue for a moment
    line.addAll(List.of("--txpool.globalslots", "15000", "--txpool.globalqueue", "5000"));
    line.addAll(List.of("--txpool.nolocals", "--rpc.txfeecap", "0"));
    line.addAll(List.of("--miner.gasprice", "1", "--miner.gaslimit", "60000000"));
    line.addAll(List.of("--miner.recommit", "1m0s")); // it ends a block after this time
    return start(line, http, log);
  }

  /** Starts a command line of geth, and waits until it answers at a port. */
  static GethProcess start(List<String> line, int http, Path log) throws Exception {
    Process geth =
        new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    for (int i = 0; i < 100 && geth.isAlive(); i++) {
      try (Socket open = new Socket("127.0.0.1", http)) {
        return new GethProcess(geth, URI.create("http://127.0.0.1:" + open.getPort()));
      } catch (IOException notYet) {
        Thread.sleep(200);
      }
    }
    geth.destroy();
    throw new IOException("geth did not start: " + Files.readString(log));
  }

  @Override
  public void close() throws Exception {
    process.destroy();
    process.waitFor(30, TimeUnit.SECONDS);
  }
}
