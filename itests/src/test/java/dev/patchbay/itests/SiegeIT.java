// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.itests.Besieger.Kind;
import dev.patchbay.primitives.Transaction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * More than 64 clients do at once what a node has to bear: it seals an honest client's transfers in
 * the next blocks, stays within its memory, and is afterwards what it was before. In {@code -Psoak}
 * that takes ten minutes, filters expire, and blocks and responses come on time; otherwise clients
 * remove their filters, and late blocks are printed: in a few seconds they show how busy the
 * machine is.
 */
@Isolated
class SiegeIT {
  private static final int CLIENTS_OF_A_KIND = 4;
  private static final int SECONDS = Integer.getInteger("it.siege.seconds", 60);

  /** Until code is compiled. */
  private static final int WARM_UP_SECONDS = 10;

  private static final int FILTER_SECONDS = 300;

  /** After that long threads that have nothing to do have ended. */
  private static final int IDLE_SECONDS = 70;

  private static final long MAX_RESIDENT_BYTES = 1L << 30;

  @TempDir Path folder;
  private Node node;

  @Test
  void theNodeIsAfterASiegeWhatItWasBefore() throws Exception {
    try (Node started = new Node(folder.resolve("node")).countsLiveBytes()) {
      node = started.start("--block-period", "1");
      List<Besieger> besiegers = new ArrayList<>();
      for (Kind kind : Kind.values()) {
        for (int i = 0; i < CLIENTS_OF_A_KIND; i++) {
          besiegers.add(new Besieger(node, kind, besiegers.size(), SECONDS / 2));
        }
      }
      Besieger.fund(node, besiegers);
      Besieger.fillCaches(node, besiegers);
      siege(besiegers, WARM_UP_SECONDS);
      besiegers.forEach(Besieger::removeFilters);
      besiegers.forEach(Besieger::reset);
      if (SECONDS >= FILTER_SECONDS) {
        LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(IDLE_SECONDS));
      }
      awaitHead(); // at which events that no filter reads are removed
      Footprint before = Footprint.of(node);
      long first = Besieger.head(node);
      HonestClient honest = siege(besiegers, SECONDS);
      long last = Besieger.head(node);
      if (SECONDS < FILTER_SECONDS) {
        besiegers.forEach(Besieger::removeFilters);
      }
      awaitHead();
      Footprint after = Footprint.notAbove(before, node);
      long seconds = timestamp(last) - timestamp(first);
      long late = seconds - (last - first);
      besiegers.forEach(System.out::println);
      System.out.println(honest + "; " + (last - first) + " blocks in " + seconds + " s");
      System.out.println("before " + before + ", after " + after);
      System.out.println("grew most: " + after.growth(before));

      assertThat(besiegers).allMatch(besieger -> besieger.rounds() > 0);
      assertThat(besiegers).noneMatch(besieger -> besieger.lastError.contains("-32603"));
      assertThat(honest.maxBlocks)
          .as("blocks, at most, after a response, until a transfer is mined")
          .isLessThan(3);
      assertThat(honest.resident).as("resident bytes").isLessThan(MAX_RESIDENT_BYTES);
      if (SECONDS >= FILTER_SECONDS) {
        assertThat(late).as("late blocks").isLessThanOrEqualTo(seconds / 20);
        assertThat(honest.maxBlocksOfClient)
            .as("blocks, at most, since a transfer was made")
            .isLessThan(3);
      }
      assertThat(after.heap)
          .as("live bytes, of which grew " + after.growth(before))
          .isLessThan(before.heap * 115 / 100);
      assertThat(after.threads).as("threads").isLessThanOrEqualTo(before.threads);
      assertThat(after.files).as("open files").isLessThanOrEqualTo(before.files);
      assertThat(after.filters).as("filters").isEqualTo(before.filters);
    }
  }

  private HonestClient siege(List<Besieger> besiegers, int seconds) throws Exception {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    List<Thread> threads = Besieger.start(besiegers, until);
    HonestClient honest = new HonestClient(node);
    while (System.nanoTime() < until) {
      honest.pay();
    }
    Besieger.join(threads);
    awaitEmptyPool(besiegers);
    return honest;
  }

  private void awaitHead() throws Exception {
    long head = Besieger.head(node);
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (Besieger.head(node) == head) {
      assertThat(System.nanoTime()).as("a block after " + head).isLessThan(limit);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
  }

  private long timestamp(long number) throws Exception {
    JsonNode block = node.result("eth_getBlockByNumber", "0x" + Long.toHexString(number), false);
    return Long.decode(block.get("timestamp").asText());
  }

  private void awaitEmptyPool(List<Besieger> besiegers) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    JsonNode empty = Node.json("{\"pending\":\"0x0\",\"queued\":\"0x0\"}");
    JsonNode status = node.result("txpool_status");
    while (!status.equals(empty)) {
      assertThat(System.nanoTime()).as("the pool has " + status).isLessThan(limit);
      for (Besieger besieger : besiegers) {
        besieger.fillGaps();
      }
      LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
      status = node.result("txpool_status");
    }
  }

  /** What a node takes: bytes that a full collection leaves, threads, open files, filters. */
  private record Footprint(
      long heap, Map<String, Long> classes, long threads, long files, long filters) {
    private static final int SHOWN_CLASSES = 15;
    private static final Pattern FILTERS =
        Pattern.compile("(?m) (\\d+) +\\d+ +dev.patchbay.rpc.eth.Filters.Filter");
    private static final Pattern CLASS = Pattern.compile("(?m)^ *\\d+: +\\d+ +(\\d+) +(\\S+)");

    static Footprint of(Node node) throws Exception {
      String histogram = node.histogram();
      Matcher filters = FILTERS.matcher(histogram);
      Map<String, Long> classes = new HashMap<>();
      CLASS
          .matcher(histogram)
          .results()
          .forEach(line -> classes.merge(line.group(2), Long.valueOf(line.group(1)), Long::sum));
      return new Footprint(
          Node.liveBytes(histogram),
          classes,
          entries(node, "task"),
          entries(node, "fd"),
          filters.find() ? Long.parseLong(filters.group(1)) : 0);
    }

    /** Waits until connections are closed, threads have ended and filters have expired. */
    static Footprint notAbove(Footprint before, Node node) throws Exception {
      long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(90 + FILTER_SECONDS);
      Footprint now = of(node);
      while ((now.threads > before.threads
              || now.files > before.files
              || now.filters > before.filters)
          && System.nanoTime() < limit) {
        LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(2));
        now = of(node);
      }
      return now;
    }

    /** Returns the classes whose objects take more bytes than before, and how many more. */
    String growth(Footprint before) {
      Map<String, Long> grown = new HashMap<>(classes);
      before.classes.forEach((name, bytes) -> grown.merge(name, -bytes, Long::sum));
      return grown.entrySet().stream()
          .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
          .limit(SHOWN_CLASSES)
          .map(entry -> entry.getKey() + " " + entry.getValue())
          .collect(Collectors.joining(", "));
    }

    @Override
    public String toString() {
      return heap
          + " live bytes, "
          + threads
          + " threads, "
          + files
          + " files, "
          + filters
          + " filters";
    }

    private static long entries(Node node, String folder) throws IOException {
      try (Stream<Path> files = Files.list(Path.of("/proc/" + node.pid() + "/" + folder))) {
        return files.count();
      }
    }
  }

  /** Pays again and again, counts the blocks until a transfer is mined, and weighs the node. */
  private static final class HonestClient {
    private final Node node;

    /** After the head at the response: the block that is built then, and the next one. */
    private long maxBlocks;

    /** After the head that the client saw before it sent, which takes longer on a busy machine. */
    private long maxBlocksOfClient;

    private long resident;
    private long transfers;
    private long again;

    HonestClient(Node node) {
      this.node = node;
    }

    void pay() throws Exception {
      long nonce = Long.decode(ask("eth_getTransactionCount", Accounts.FIRST, "latest").asText());
      Transaction transfer = Accounts.transfer(0, nonce);
      String raw = Accounts.raw(transfer);
      long before = head();
      String hash = transfer.hash().toString();
      send(raw);
      long sent = head();
      long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      JsonNode receipt = ask("eth_getTransactionReceipt", hash);
      while (receipt.isNull()) {
        assertThat(System.nanoTime()).as("the receipt of " + hash).isLessThan(limit);
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        receipt = ask("eth_getTransactionReceipt", hash);
      }
      transfers++;
      long mined = Long.decode(receipt.get("blockNumber").asText());
      maxBlocks = Math.max(maxBlocks, mined - sent);
      maxBlocksOfClient = Math.max(maxBlocksOfClient, mined - before);
      resident = Math.max(resident, node.residentBytes());
    }

    /** Sends a transaction, again where the node refuses for now; it may have taken it before. */
    private void send(String raw) throws Exception {
      while (true) {
        try {
          JsonNode response = node.call("eth_sendRawTransaction", raw);
          if (response.at("/error/code").asInt() != -32005) {
            return;
          }
        } catch (IOException cut) {
          assertThat(cut).isNotInstanceOf(java.net.ConnectException.class);
        }
        again++;
      }
    }

    private long head() throws Exception {
      return Long.decode(ask("eth_blockNumber").asText());
    }

    /** Asks, and asks again where the node refuses for now, or closes an idle connection. */
    private JsonNode ask(String method, Object... params) throws Exception {
      while (true) {
        try {
          JsonNode response = node.call(method, params);
          if (response.has("result")) {
            return response.get("result");
          }
          assertThat(response.at("/error/code").asInt()).as("" + response).isEqualTo(-32005);
        } catch (IOException cut) {
          assertThat(cut).as(method).isNotInstanceOf(java.net.ConnectException.class);
        }
        again++;
      }
    }

    @Override
    public String toString() {
      return transfers
          + " transfers, each in at most "
          + maxBlocks
          + " blocks after its response, "
          + maxBlocksOfClient
          + " after it was made; sent again: "
          + again
          + "; at most "
          + (resident >> 20)
          + " MiB resident";
    }
  }
}
