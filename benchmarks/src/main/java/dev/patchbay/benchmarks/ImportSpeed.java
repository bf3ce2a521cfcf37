// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.chain.Chains;
import dev.patchbay.chain.Columns;
import dev.patchbay.consensus.engine.EngineRules;
import dev.patchbay.evm.engine.DefaultEvmEngine;
import dev.patchbay.primitives.Block;
import dev.patchbay.shell.Imports;
import dev.patchbay.storage.mapdb.MapDbBackend;
import dev.patchbay.storage.rocksdb.RocksDbBackend;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordingFile;

/**
 * Imports the benchmark chain into each store, first in a virtual machine that has done nothing yet
 * for that store's part, then again, and prints Mgas/s and what the time went to: a sample of the
 * importing thread counts for the first of EVM, trie, storage and signatures that its stack names
 * from the top.
 *
 * <p>Arguments: the folder of the benchmarks' input, the file to write, and optionally the path of
 * {@code geth}, which then imports the chain too, with both of its state schemes. {@code
 * -Dstores=rocksdb} leaves out the other stores.
 */
public final class ImportSpeed {
  /** How long RocksDB may take to sync a batch: the default of the node. */
  static final long SYNC_MILLIS = 100;

  private static final String HEAD =
      "0x1d7f87b04ded9ea04ae8e8cfe58bab1cf157ed8083408c949b0703946ae90865";

  private static final Pattern DONE = Pattern.compile("Import done in ([0-9a-zµ.]+[a-z])");
  private static final double MEGA_GAS = 4_823.952180;

  private enum Part {
    EVM("dev.patchbay.evm."),
    TRIE("dev.patchbay.trie."),
    STORAGE("dev.patchbay.storage.", "org.mapdb.", "org.rocksdb."),
    SIGNATURES("dev.patchbay.crypto.Secp256k1", "fr.acinq."),
    REST;

    private final String[] packages;

    Part(String... packages) {
      this.packages = packages;
    }

    boolean has(String type) {
      for (String prefix : packages) {
        if (type.startsWith(prefix)) {
          return true;
        }
      }
      return false;
    }
  }

  private ImportSpeed() {}

  /** Imports all. */
  public static void main(String[] args) throws Exception {
    Path input = Path.of(args[0]);
    Path folder =
        Files.createTempDirectory(Path.of(args[1]).toAbsolutePath().getParent(), "import");
    try {
      Path chain = folder.resolve("chain.rlp");
      try (InputStream in =
          new GZIPInputStream(Files.newInputStream(input.resolve("chain.rlp.gz")), 1 << 16)) {
        Files.copy(in, chain);
      }
      JsonNode genesis;
      try (InputStream in =
          new GZIPInputStream(Files.newInputStream(input.resolve("genesis.json.gz")))) {
        genesis = new ObjectMapper().readTree(in);
      }
      List<Map<String, Object>> json = new ArrayList<>();
      for (String store : System.getProperty("stores", "memory,rocksdb,mapdb").split(",", -1)) {
        for (String run : List.of("first", "again")) {
          json.add(measure(store, run, genesis, chain, folder.resolve(store + "-" + run)));
        }
      }
      if (args.length > 2 && !args[2].isEmpty()) {
        Path plain = folder.resolve("genesis.json");
        new ObjectMapper().writeValue(plain.toFile(), genesis);
        for (String scheme : List.of("hash", "path")) {
          json.add(geth(args[2], scheme, plain, chain, folder.resolve("geth-" + scheme)));
        }
      } else {
        System.out.println("geth 1.17.5 on another day and machine: 163 Mgas/s (hash scheme)");
      }
      new ObjectMapper()
          .writerWithDefaultPrettyPrinter()
          .writeValue(Path.of(args[1]).toFile(), json);
    } finally {
      delete(folder);
    }
  }

  private static Map<String, Object> measure(
      String name, String run, JsonNode genesis, Path file, Path folder) throws Exception {
    KeyValueStore store =
        switch (name) {
          case "memory" -> Chains.memory();
          case "rocksdb" -> new RocksDbBackend(SYNC_MILLIS).open(folder, Columns.ALL, true);
          case "mapdb" -> new MapDbBackend().open(folder, Columns.ALL, true);
          default -> throw new IllegalArgumentException("no store " + name);
        };
    Path samples = Files.createTempFile("patchbay", ".jfr");
    try (Recording recording = new Recording()) {
      Chains.Wired chain = Chains.of(genesis, store, new DefaultEvmEngine(), new EngineRules());
      recording.enable("jdk.ExecutionSample").withPeriod(Duration.ofMillis(10));
      recording.enable("jdk.NativeMethodSample").withPeriod(Duration.ofMillis(10));
      recording.start();
      long start = System.nanoTime();
      Imports.run(
          chain.reader(),
          chain.importer(),
          file,
          new PrintStream(OutputStream.nullOutputStream(), false));
      double seconds = (System.nanoTime() - start) / 1e9;
      recording.dump(samples);
      Block head = chain.reader().head();
      if (!head.hash().toString().equals(HEAD)) {
        throw new IllegalStateException("the head is " + head.hash() + ", it should be " + HEAD);
      }
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("store", name);
      row.put("run", run);
      row.put("mgasPerSecond", MEGA_GAS / seconds);
      row.put("bytes", store.sizeInBytes());
      StringBuilder shares = new StringBuilder();
      shares(samples)
          .forEach(
              (part, share) -> {
                row.put(part.toString().toLowerCase(java.util.Locale.ROOT), share);
                shares.append(String.format("  %s %.0f %%", part, 100 * share));
              });
      System.out.printf(
          "%-8s %-6s %6.1f Mgas/s %6.1f s %,14d bytes %s%n",
          name, run, MEGA_GAS / seconds, seconds, store.sizeInBytes(), shares);
      return row;
    } finally {
      store.close();
      Files.delete(samples);
    }
  }

  private static Map<String, Object> geth(
      String binary, String scheme, Path genesis, Path chain, Path folder) throws Exception {
    List<String> begin = List.of(binary, "--datadir", "" + folder, "--state.scheme", scheme);
    run(begin, "init", genesis);
    Matcher done = DONE.matcher(run(begin, "import", chain));
    if (!done.find()) {
      throw new IOException(binary + " has not imported " + chain);
    }
    double seconds = GethEvm.seconds(done.group(1));
    long bytes;
    try (Stream<Path> files = Files.walk(folder)) {
      bytes = files.mapToLong(file -> file.toFile().isFile() ? file.toFile().length() : 0).sum();
    }
    System.out.printf(
        "geth %-10s %6.1f Mgas/s %6.1f s %,14d bytes%n",
        scheme, MEGA_GAS / seconds, seconds, bytes);
    return Map.of("geth", scheme, "mgasPerSecond", MEGA_GAS / seconds, "bytes", bytes);
  }

  private static String run(List<String> begin, String command, Path file) throws Exception {
    List<String> line = new ArrayList<>(begin);
    line.add(command);
    line.add(file.toString());
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(line + " ended with " + process.exitValue() + ": " + text);
    }
    return text;
  }

  private static Map<Part, Double> shares(Path samples) throws IOException {
    Map<Part, Double> counts = new EnumMap<>(Part.class);
    double total = 0;
    try (RecordingFile file = new RecordingFile(samples)) {
      while (file.hasMoreEvents()) {
        RecordedEvent event = file.readEvent();
        if (event.getStackTrace() != null && isImport(event)) {
          counts.merge(part(event), 1.0, Double::sum);
          total++;
        }
      }
    }
    double all = Math.max(1, total);
    counts.replaceAll((part, count) -> count / all);
    return counts;
  }

  private static boolean isImport(RecordedEvent event) {
    for (RecordedFrame frame : event.getStackTrace().getFrames()) {
      if (frame.getMethod().getType().getName().equals("dev.patchbay.chain.BlockInserter")) {
        return true;
      }
    }
    return false;
  }

  private static Part part(RecordedEvent event) {
    for (RecordedFrame frame : event.getStackTrace().getFrames()) {
      String type = frame.getMethod().getType().getName();
      for (Part part : Part.values()) {
        if (part.has(type)) {
          return part;
        }
      }
    }
    return Part.REST;
  }

  static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
