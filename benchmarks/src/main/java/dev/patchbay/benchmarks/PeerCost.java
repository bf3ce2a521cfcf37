// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.p2p.devp2p.AskingPeer;
import dev.patchbay.p2p.devp2p.AskingPeer.Plan;
import dev.patchbay.primitives.Hash;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What peers cost a node of the distribution that has imported the bench chain: an idle peer, in
 * live bytes of the heap and processor time, and a served block (header, body and receipts, each
 * asked for by itself), in processor time of the node. The peers are in this process.
 *
 * <p>Arguments: the folder of the benchmarks' input, and the file to write.
 */
public final class PeerCost {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int PEERS = 50;
  private static final int SECONDS = 30;
  private static final int WARM_UP_SECONDS = 20;

  /** Questions of eth for one block: header, body, pooled transaction, receipts. */
  private static final int QUESTIONS = 4;

  private static final Pattern TOTAL = Pattern.compile("(?m)^Total +\\d+ +(\\d+)");

  private final BenchNode node;
  private final String url;
  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);

  private PeerCost(BenchNode node) throws IOException {
    this.node = node;
    url = ask("admin_nodeInfo", "").get("enode").asText();
  }

  /** Measures and prints a table. */
  public static void main(String[] args) throws Exception {
    Path out = Path.of(args[1]);
    Path work = Files.createTempDirectory(out.getParent(), "peers");
    Path input = Path.of(args[0]);
    Map<String, Object> figures = new LinkedHashMap<>();
    try (BenchNode node = BenchNode.startWithPeers(input, work, BenchNode.chain(input))) {
      new PeerCost(node).measure(figures);
      JSON.writerWithDefaultPrettyPrinter().writeValue(out.toFile(), figures);
      figures.forEach((name, figure) -> System.out.printf("%-44s %s%n", name, figure));
    } finally {
      BenchNode.delete(work);
    }
  }

  private void measure(Map<String, Object> figures) throws Exception {
    try {
      List<Hash> blocks = blocks();
      AskingPeers warmUp = new AskingPeers(new Plan(blocks, null, 0));
      pause(WARM_UP_SECONDS);
      warmUp.close();
      awaitPeers(0);

      long heap = liveBytes();
      double none = processorSeconds(SECONDS);
      try (AskingPeers idle = new AskingPeers(new Plan(List.of(), null, 0))) {
        awaitPeers(PEERS);
        pause(WARM_UP_SECONDS);
        double all = processorSeconds(SECONDS);
        figures.put("idle peers", PEERS);
        figures.put("live bytes of an idle peer", (liveBytes() - heap) / PEERS);
        figures.put("processor time of no peer, ms/s", 1e3 * none / SECONDS);
        figures.put("processor time of an idle peer, ms/s", 1e3 * (all - none) / SECONDS / PEERS);
      }
      awaitPeers(0);
      try (AskingPeers asking = new AskingPeers(new Plan(blocks, null, 0))) {
        awaitPeers(PEERS);
        pause(WARM_UP_SECONDS);
        long before = asking.replies();
        double used = processorSeconds(SECONDS);
        double served = (asking.replies() - before) / (double) QUESTIONS;
        figures.put("blocks served to all peers, 1/s", served / SECONDS);
        figures.put("processor time of a served block, µs", 1e6 * (used - none) / served);
        figures.put("live bytes of a peer that asks", (liveBytes() - heap) / PEERS);
      }
    } finally {
      timer.shutdownNow();
    }
  }

  /** Peers that begin at once. */
  private final class AskingPeers implements AutoCloseable {
    private final List<AskingPeer> peers = new ArrayList<>();

    AskingPeers(Plan plan) {
      for (int i = 0; i < PEERS; i++) {
        peers.add(new AskingPeer(url, plan, timer));
      }
    }

    long replies() {
      return peers.stream().mapToLong(AskingPeer::ethReplies).sum();
    }

    @Override
    public void close() {
      peers.parallelStream().forEach(AskingPeer::close);
    }
  }

  private static void pause(int seconds) {
    LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(seconds));
  }

  /** Returns the processor time that the node uses in a time. */
  private double processorSeconds(int seconds) throws IOException {
    long before = node.process().info().totalCpuDuration().orElseThrow().toNanos();
    pause(seconds);
    return (node.process().info().totalCpuDuration().orElseThrow().toNanos() - before) / 1e9;
  }

  /** Returns the bytes of the heap that a full collection leaves. */
  private long liveBytes() throws IOException, InterruptedException {
    Process jcmd =
        new ProcessBuilder("jcmd", "" + node.process().pid(), "GC.class_histogram").start();
    String text = new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    Matcher total = TOTAL.matcher(text);
    if (jcmd.waitFor() != 0 || !total.find()) {
      throw new IOException("no histogram: " + text);
    }
    return Long.parseLong(total.group(1));
  }

  private List<Hash> blocks() throws IOException {
    List<Hash> out = new ArrayList<>();
    long head = Long.decode(ask("eth_blockNumber", "").asText());
    for (long number = 1; number <= head; number++) {
      JsonNode block = ask("eth_getBlockByNumber", "\"0x" + Long.toHexString(number) + "\",false");
      out.add(Hash.fromHex(block.get("hash").asText()));
    }
    return out;
  }

  private void awaitPeers(int count) throws IOException {
    while (Long.decode(ask("net_peerCount", "").asText()) != count) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
  }

  private JsonNode ask(String method, String params) throws IOException {
    try (HttpConnection connection = new HttpConnection(node.http())) {
      byte[] body = RpcSpeed.body(method, params).getBytes(StandardCharsets.UTF_8);
      byte[] reply = connection.ask(HttpConnection.request(node.http(), "", body));
      return JSON.readTree(reply).get("result");
    }
  }
}
