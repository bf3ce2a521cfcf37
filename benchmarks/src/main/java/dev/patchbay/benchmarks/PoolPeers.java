// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;

/**
 * The transaction pools of a node of the distribution and of geth in one run, over JSON-RPC. Both
 * get the same signed transactions in the same batches, and both hold 20,000 at most. The nodes
 * begin a round in turn.
 *
 * <p>A round has four parts: additions to an empty pool until it is full; as many additions to the
 * full pool that pay more than all that it holds; additions that pay less, which are refused;
 * blocks built out of the full pool. The content of both pools is checked after each part. Then
 * both nodes commit the same blocks until their pools are empty.
 *
 * <p>Each part has two figures: by time, and by the processor time of all threads of the node.
 * Other load on the machine changes the second one less.
 *
 * <p>Arguments: the folder of the benchmarks' input, the file to write, and the path of {@code
 * geth}; without geth, only our node is measured.
 */
public final class PoolPeers {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The default of our pool. */
  private static final int CAPACITY = 20_000;

  private static final int NONCES = 4;
  private static final int SENDERS = CAPACITY / NONCES;
  private static final int BATCH = 100;
  private static final int CONNECTIONS = 4;
  private static final int WARM_UP = 3;
  private static final int ROUNDS = 7;
  private static final int BUILDS = 5;
  private static final int MAX_DRAINING_BLOCKS = 60;
  private static final String ETHER = "0x" + Long.toHexString(1L << 62) + "00000000";

  /** What is measured in each round, in this order. */
  private enum Part {
    ROOM("additions/s with room", 1_000_000_000L),
    EVICTION("additions/s with eviction", 2_000_000_000L),
    REFUSAL("refusals/s when full", 500_000_000L),
    BUILDING("blocks/s out of a full pool", 0);

    private final String text;

    /** The lowest tip of its transactions, in wei per gas; 0 for no transactions. */
    private final long tip;

    Part(String text, long tip) {
      this.text = text;
      this.tip = tip;
    }

    /** Returns the key of one of its own senders. */
    byte[] key(int sender) {
      return Hash.keccak(("pool " + name() + sender).getBytes(StandardCharsets.UTF_8)).toArray();
    }
  }

  private record Sender(byte[] key, Address address) {}

  /** What a node does in a second of time, and in a second of processor time. */
  private record Rate(double byTime, double byProcessor) {
    Rate over(Rate other) {
      return new Rate(byTime / other.byTime, byProcessor / other.byProcessor);
    }

    static Rate median(List<Rate> all) {
      return new Rate(
          PoolPeers.median(all.stream().map(Rate::byTime).toList()),
          PoolPeers.median(all.stream().map(Rate::byProcessor).toList()));
    }
  }

  private final Map<Part, List<Sender>> senders = new EnumMap<>(Part.class);
  private final Map<Part, Map<String, List<Rate>>> rates = new EnumMap<>(Part.class);
  private final List<PoolNode> nodes = new ArrayList<>();
  private long timestamp;

  private PoolPeers() {
    for (Part part : Part.values()) {
      rates.put(part, new LinkedHashMap<>());
      if (part.tip > 0) {
        senders.put(part, parallel(SENDERS, i -> new Sender(part.key(i), addressOf(part.key(i)))));
      }
    }
  }

  private static Address addressOf(byte[] key) {
    return Address.ofPublicKey(Secp256k1.publicKey(key));
  }

  private static <T> List<T> parallel(int count, IntFunction<T> each) {
    return IntStream.range(0, count).parallel().mapToObj(each).toList();
  }

  /** Measures and prints a table. */
  public static void main(String[] args) throws Exception {
    Path out = Path.of(args[1]);
    Path work = Files.createTempDirectory(out.getParent(), "pool");
    PoolPeers run = new PoolPeers();
    Path genesis = run.writeGenesis(Path.of(args[0]), work.resolve("genesis.json"));
    try (BenchNode node = BenchNode.start(genesis, work.resolve("node"), List.of());
        GethProcess geth = args[2].isBlank() ? null : GethProcess.start(args[2], genesis, work)) {
      run.nodes.add(new PoolNode("patchbay", node.http(), node.process()));
      if (geth != null) {
        run.nodes.add(new PoolNode("geth", geth.http(), geth.process().toHandle()));
      }
      for (int round = -WARM_UP; round < ROUNDS; round++) {
        run.round(round);
      }
      JSON.writerWithDefaultPrettyPrinter().writeValue(out.toFile(), run.summary());
    } finally {
      BenchNode.delete(work);
    }
  }

  private Path writeGenesis(Path input, Path file) throws IOException {
    ObjectNode genesis;
    try (GZIPInputStream in =
        new GZIPInputStream(Files.newInputStream(input.resolve("genesis.json.gz")))) {
      genesis = (ObjectNode) JSON.readTree(in);
    }
    timestamp = Long.decode(genesis.get("timestamp").asText());
    ObjectNode alloc = (ObjectNode) genesis.get("alloc");
    for (List<Sender> group : senders.values()) {
      for (Sender sender : group) {
        alloc.putObject(sender.address.toString().substring(2)).put("balance", ETHER);
      }
    }
    JSON.writeValue(file.toFile(), genesis);
    return file;
  }

  // ---- a round

  private void round(int round) throws Exception {
    List<PoolNode> turns = new ArrayList<>(nodes);
    if (Math.floorMod(round, 2) == 1) {
      Collections.reverse(turns);
    }
    StringBuilder line = new StringBuilder(round < 0 ? "warm-up " : "round " + (round + 1) + "  ");
    for (Part part : Part.values()) {
      List<String> batches = part.tip > 0 ? batches(part, round) : List.of();
      Map<String, Rate> measured = new LinkedHashMap<>();
      for (PoolNode node : turns) {
        measured.put(node.name(), part.tip > 0 ? send(node, part, batches) : build(node));
      }
      line.append(String.format("; %s", part.text));
      for (PoolNode node : nodes) {
        Rate rate = Objects.requireNonNull(measured.get(node.name()));
        line.append(String.format(" %,.1f", rate.byTime));
        if (round >= 0) {
          rates(part, node.name()).add(rate);
        }
      }
      if (nodes.size() > 1) {
        Rate ratio =
            Objects.requireNonNull(measured.get("patchbay"))
                .over(Objects.requireNonNull(measured.get("geth")));
        line.append(String.format(" (%.2f, %.2f)", ratio.byTime, ratio.byProcessor));
      }
    }
    System.out.println(line);
    drain();
  }

  private List<Rate> rates(Part part, String node) {
    return Objects.requireNonNull(rates.get(part)).computeIfAbsent(node, name -> new ArrayList<>());
  }

  /** Returns the requests of a part. Each sender pays more than the one before. */
  private List<String> batches(Part part, int round) throws IOException {
    List<Sender> group = Objects.requireNonNull(senders.get(part));
    List<Long> first = nodes.get(0).nonces(group.stream().map(Sender::address).toList(), BATCH);
    List<String> all =
        parallel(
            CAPACITY,
            i -> {
              int sender = i / NONCES;
              Transaction tx =
                  Transaction.builder(TransactionType.FEE_MARKET)
                      .chainId(UInt256.of(77_777))
                      .nonce(first.get(sender) + i % NONCES)
                      .maxFeePerGas(UInt256.of(1L << 60))
                      .maxPriorityFeePerGas(UInt256.of(part.tip + sender))
                      .gasLimit(21_000)
                      .to(Address.fromHex("0x00000000000000000000000000000000000000aa"))
                      .value(UInt256.of(round + WARM_UP + 1)) // another hash in each round
                      .sign(group.get(sender).key);
              return RpcSpeed.body("eth_sendRawTransaction", "\"" + Hex.encode(tx.encode()) + "\"");
            });
    List<String> batches = new ArrayList<>();
    for (int i = 0; i < CAPACITY; i += BATCH) {
      batches.add("[" + String.join(",", all.subList(i, i + BATCH)) + "]");
    }
    return batches;
  }

  /**
   * Sends all batches; returns transactions a second, until all are pending. geth responds before
   * it has moved a transaction from its queue.
   */
  private static Rate send(PoolNode node, Part part, List<String> batches) throws Exception {
    double before = node.processorSeconds();
    long start = System.nanoTime();
    long accepted = node.send(batches, CONNECTIONS);
    PoolNode.Held held = node.settled();
    double seconds = (System.nanoTime() - start) / 1e9;
    PoolNode.Held full = new PoolNode.Held(CAPACITY, 0);
    if (accepted != (part == Part.REFUSAL ? 0 : CAPACITY) || !held.equals(full)) {
      System.out.printf("%s, %s: %d accepted, holds %s%n", node.name(), part.text, accepted, held);
    }
    return new Rate(CAPACITY / seconds, CAPACITY / (node.processorSeconds() - before));
  }

  /** Returns how many blocks a second are built of the pool, by the median. */
  private Rate build(PoolNode node) throws IOException {
    List<Double> all = new ArrayList<>();
    double before = node.processorSeconds();
    for (int i = 0; i < BUILDS; i++) {
      String head = node.head();
      long start = System.nanoTime();
      String reply = node.build(head, timestamp + 12 + i);
      all.add(1e9 / (System.nanoTime() - start));
      int count = PoolNode.transactions(reply).size();
      if (count != 60_000_000 / 21_000) {
        System.out.printf("%s: a block of %d transactions%n", node.name(), count);
      }
    }
    return new Rate(median(all), BUILDS / (node.processorSeconds() - before));
  }

  /** Commits the same blocks to all nodes until their pools are empty. */
  private void drain() throws Exception {
    for (int i = 0; i < MAX_DRAINING_BLOCKS; i++) {
      PoolNode fullest = nodes.get(0);
      long most = 0;
      for (PoolNode node : nodes) {
        PoolNode.Held held = node.settled();
        if (held.all() > most) {
          most = held.all();
          fullest = node;
        }
      }
      if (most == 0) {
        return;
      }
      timestamp += 12;
      JsonNode transactions = PoolNode.transactions(fullest.build(fullest.head(), timestamp));
      String head = "";
      for (PoolNode node : nodes) {
        String committed = node.commit(timestamp, transactions);
        if (!head.isEmpty() && !head.equals(committed)) {
          throw new IOException("the nodes have different blocks");
        }
        head = committed;
      }
    }
    throw new IOException("a pool does not become empty: " + nodes.get(0).settled());
  }

  // ---- the result

  private List<Map<String, Object>> summary() {
    List<Map<String, Object>> rows = new ArrayList<>();
    System.out.printf(
        "median of %d rounds, by time and by processor time%n%-28s %19s %19s %11s   %s%n",
        ROUNDS, "", "patchbay", "geth", "ratio", "ratios");
    for (Part part : Part.values()) {
      List<Rate> own = rates(part, "patchbay");
      List<Rate> geths = rates(part, "geth");
      List<Rate> ratios =
          IntStream.range(0, geths.size()).mapToObj(i -> own.get(i).over(geths.get(i))).toList();
      System.out.printf(
          "%-28s %19s %19s %11s   %s%n",
          part.text,
          text("%,.1f", Rate.median(own)),
          text("%,.1f", Rate.median(geths)),
          text("%.2f", Rate.median(ratios)),
          String.join("  ", ratios.stream().map(ratio -> text("%.2f", ratio)).toList()));
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("part", part.text);
      row.put("patchbay", own);
      row.put("geth", geths);
      row.put("ratios", ratios);
      row.put("medianRatio", Rate.median(ratios));
      rows.add(row);
    }
    return rows;
  }

  private static String text(String format, Rate rate) {
    return String.format(format, rate.byTime) + " " + String.format(format, rate.byProcessor);
  }

  private static double median(List<Double> values) {
    return values.isEmpty() ? Double.NaN : values.stream().sorted().toList().get(values.size() / 2);
  }
}
