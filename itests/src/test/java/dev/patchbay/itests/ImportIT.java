// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarInputStream;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Chain files: the real one of execution-apis, the benchmark's, and broken ones. */
class ImportIT {
  private static final String HEAD_54 =
      "0xd226371d0b1551adb03fb52b71f08e3e11247fe9b1af994768af8cdaa8e7dcd7";
  private static final String HEAD_500 =
      "0x1d7f87b04ded9ea04ae8e8cfe58bab1cf157ed8083408c949b0703946ae90865";

  /** Kills of an import with {@code -Psoak}. */
  private static final int KILLS = 20;

  @TempDir static Path folder;
  private static Path chain;
  private static Path genesis;

  @BeforeAll
  static void unpack() throws Exception {
    ExecutionApis.unpack(folder);
    chain = folder.resolve("chain.rlp");
    genesis = folder.resolve("genesis.json");
  }

  private static Node.Result run(String command, Path data, Object... more) throws Exception {
    return run(Map.of(), command, data, more);
  }

  private static Node.Result run(
      Map<String, String> environment, String command, Path data, Object... more) throws Exception {
    List<String> args = new ArrayList<>(List.of(command, "--datadir", data.toString()));
    Arrays.stream(more).map(Object::toString).forEach(args::add);
    return Node.launcher(environment, args);
  }

  @Test
  void aCutOffFileKeepsWhatWasGoodAndIsResumed() throws Exception {
    Path data = folder.resolve("cut");
    byte[] bytes = Files.readAllBytes(chain);
    Path cut = folder.resolve("cut.rlp");
    Files.write(cut, Arrays.copyOf(bytes, bytes.length * 2 / 3));
    Node.Result broken = run("import", data, "--genesis", genesis, cut);
    assertThat(broken.status()).isNotZero();
    assertThat(broken.output()).contains("is cut off inside of item ");
    Node.Result rest = run("import", data, chain);
    assertThat(rest.status()).isZero();
    assertThat(rest.output()).contains("head 54 " + HEAD_54).doesNotContain(" 0 blocks were known");
  }

  @Test
  void garbageAndForeignFilesAreTold() throws Exception {
    Path data = folder.resolve("garbage");
    Path text = folder.resolve("text.rlp");
    Files.writeString(text, "this is no chain file");
    assertThat(run("import", data, "--genesis", genesis, text).output())
        .contains("is not valid at item 0")
        .contains("is no block");
    byte[] bytes = Files.readAllBytes(chain);
    Path flipped = folder.resolve("flipped.rlp");
    bytes[120] ^= 1; // in the state root of block 1
    Files.write(flipped, bytes);
    Node.Result refused = run("import", data, flipped);
    assertThat(refused.status()).isNotZero();
    assertThat(refused.output()).contains("block 1 0x").contains("is refused: ");
    assertThat(run("import", data, folder.resolve("nosuch.rlp")).output())
        .contains("does not exist");
    Path other = folder.resolve("other.json");
    Files.writeString(
        other,
        Files.readString(genesis).replaceFirst("\"gasLimit\":\\s*\"0x", "\"gasLimit\": \"0x1"));
    assertThat(run("import", data, "--genesis", other, chain).output())
        .contains("field gasLimit differs");
  }

  /**
   * The directory may have any name, also under a supervisor that sets no locale. The genesis file
   * may be that of the node.
   */
  @Test
  void theRealChainGoesInAndOutAgain() throws Exception {
    Path out = folder.resolve("exported.rlp");
    String script =
        "data=$(printf '%s/my \\303\\266de' \"$1\"); shift; mkdir \"$data\"; unset LANG LC_ALL LC_CTYPE;"
            + " \"$1\" import --datadir \"$data\" --genesis \"$2\" \"$3\" &&"
            + " \"$1\" export --datadir \"$data\" \"$4\" &&"
            + " \"$1\" import --datadir \"$data\" --genesis \"$data/genesis.json\" \"$4\"";
    ProcessBuilder builder =
        new ProcessBuilder(
            "bash",
            "-c",
            script,
            "script",
            folder.toString(),
            Node.ROOT.resolve("patchbay").toString(),
            genesis.toString(),
            chain.toString(),
            out.toString());
    builder.environment().put(Node.JAVA_OPTIONS, QuickJvm.options());
    Path output = Files.createTempFile(folder, "name", ".txt");
    Process process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
    assertThat(Files.readString(output))
        .containsSubsequence(
            "imported 54 blocks",
            "head 54 " + HEAD_54,
            "exported blocks 0 to 54",
            "imported 0 blocks",
            "55 blocks were known");
    assertThat(process.exitValue()).isZero();
    byte[] whole = Files.readAllBytes(out);
    byte[] given = Files.readAllBytes(chain);
    assertThat(Arrays.copyOfRange(whole, whole.length - given.length, whole.length))
        .as("the genesis, and then the file that was imported")
        .isEqualTo(given);
  }

  /** A supervisor stops a node that imports a file first. */
  @Test
  void aStopEndsAnImport() throws Exception {
    Path bench = ExecutionApis.shared().resolve("bench");
    assumeTrue(Files.exists(bench), "SKIPPED: " + bench + " is absent");
    Path output = Files.createTempFile(folder, "stopped", ".txt");
    List<String> command =
        List.of(
            Node.ROOT.resolve("patchbay").toString(),
            "run",
            "--datadir",
            folder.resolve("stopped").toString(),
            "--genesis",
            benchGenesis(bench).toString(),
            "--http-port",
            "" + Node.freePort(),
            "--ws-port",
            "" + Node.freePort(),
            "--engine-port",
            "" + Node.freePort(),
            "--p2p",
            "off",
            "--import",
            bench.resolve("chain.rlp.gz").toString());
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(QuickJvm.environment());
    Process launcher = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
    try {
      awaitProgress(launcher, output);
      launcher.destroy();
      assertThat(launcher.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(output).content().contains("Stopped.\n").doesNotContain("head 500", "is running");
      assertThat(launcher.exitValue()).isZero();
    } finally {
      launcher.descendants().forEach(ProcessHandle::destroyForcibly);
      launcher.destroyForcibly();
    }
  }

  /** Each backend, with many kills: -Psoak. */
  @EnabledIfSystemProperty(
      named = "it.matrix",
      matches = "true",
      disabledReason = "SKIPPED: -Psoak")
  @ParameterizedTest
  @ValueSource(strings = {"memory", "mapdb", "rocksdb"})
  void theBenchmarkChainReachesItsHead(String storage) throws Exception {
    Path bench = ExecutionApis.shared().resolve("bench");
    assumeTrue(Files.exists(bench), "SKIPPED: " + bench + " is absent");
    Path allocation = benchGenesis(bench);
    Path data = folder.resolve("bench-" + storage);
    Path file = bench.resolve("chain.rlp.gz");
    if (storage.equals("memory")) { // it ends with its process
      importInMemory(data, allocation, file);
      return;
    }
    Random random = new Random(7);
    for (int i = 0; i < KILLS; i++) {
      kill(data, allocation, file, storage, random.nextInt(4_000));
    }
    Map<String, String> optimising = Map.of(Node.JAVA_OPTIONS, "");
    Node.Result imported =
        run(optimising, "import", data, "--genesis", allocation, "--storage", storage, file);
    assertThat(imported.output()).contains("head 500 " + HEAD_500);
    assertThat(imported.status()).isZero();
    List<String> lines = imported.output().lines().toList();
    System.out.println(storage + ", after " + KILLS + " kills: " + lines.get(lines.size() - 2));
  }

  private static void importInMemory(Path data, Path genesis, Path file) throws Exception {
    try (Node node = new Node(data, "run")) {
      node.start(
          "--storage", "memory", "--genesis", genesis.toString(), "--import", file.toString());
      assertThat(node.result("eth_getBlockByNumber", "latest", false).get("hash").asText())
          .isEqualTo(HEAD_500);
    }
  }

  /**
   * A killed import is begun again. The bundles that it needs are exchanged under it, the EVM for
   * another build of itself: blocks wait for what is away, and the result is the same.
   */
  @Test
  void bundlesAreExchangedDuringAnImportThatWasKilled() throws Exception {
    Path bench = ExecutionApis.shared().resolve("bench");
    assumeTrue(Files.exists(bench), "SKIPPED: " + bench + " is absent");
    Path data = folder.resolve("swapped");
    Path allocation = benchGenesis(bench);
    Path file = bench.resolve("chain.rlp.gz");
    kill(data, allocation, file, "rocksdb", new Random(7).nextInt(4_000));
    Path output = Files.createTempFile(folder, "swapped", ".txt");
    Process launcher = startImport(Map.of(), data, allocation, file, "rocksdb", output);
    try {
      awaitProgress(launcher, output);
      Path build = anotherBuild();
      String evm = "dev.patchbay.evm.engine";
      List<String> swaps =
          List.of(
              "bundle:update " + evm + " " + build.toUri(),
              "bundle:restart dev.patchbay.storage.rocksdb",
              "bundle:update dev.patchbay.consensus.engine",
              "bundle:restart dev.patchbay.execution",
              "bundle:stop " + evm,
              "bundle:start " + evm);
      int done = 0;
      while (launcher.isAlive() && done < 3 * swaps.size()) {
        Node.Result result =
            Node.launcher(
                Map.of(),
                List.of("shell", "--datadir", data.toString(), swaps.get(done % swaps.size())));
        if (launcher.isAlive()) {
          assertThat(result.status()).as(result.output()).isZero();
          done++;
        }
      }
      assertThat(launcher.waitFor(300, TimeUnit.SECONDS)).isTrue();
      String text = Files.readString(output);
      assertThat(text).contains("head 500 " + HEAD_500);
      assertThat(launcher.exitValue()).isZero();
      assertThat(done).as("swaps while the import ran").isGreaterThanOrEqualTo(swaps.size());
      System.out.println(
          done
              + " swaps during an import, "
              + text.lines().filter(line -> line.contains(" waits: ")).count()
              + " blocks waited");
    } finally {
      launcher.descendants().forEach(ProcessHandle::destroyForcibly);
      launcher.destroyForcibly();
    }
  }

  /** Returns a copy of the EVM's bundle with another version. */
  private static Path anotherBuild() throws Exception {
    Path original;
    try (Stream<Path> files = Files.walk(Node.ROOT.resolve("karaf-assembly/target/assembly"))) {
      original =
          files
              .filter(file -> file.getFileName().toString().matches("evm-engine-.*\\.jar"))
              .findFirst()
              .orElseThrow();
    }
    Path copy = folder.resolve("evm-engine-other.jar");
    try (JarInputStream in = new JarInputStream(Files.newInputStream(original))) {
      Manifest manifest = in.getManifest();
      manifest.getMainAttributes().putValue("Bundle-Version", "0.1.0.other");
      try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(copy), manifest)) {
        for (JarEntry entry = in.getNextJarEntry(); entry != null; entry = in.getNextJarEntry()) {
          out.putNextEntry(new JarEntry(entry.getName()));
          in.transferTo(out);
        }
      }
    }
    return copy;
  }

  private static Path benchGenesis(Path bench) throws Exception {
    Path allocation = folder.resolve("bench-genesis.json");
    try (var in =
        new java.util.zip.GZIPInputStream(Files.newInputStream(bench.resolve("genesis.json.gz")))) {
      Files.write(allocation, in.readAllBytes());
    }
    return allocation;
  }

  private static Process startImport(
      Map<String, String> environment,
      Path data,
      Path allocation,
      Path file,
      String storage,
      Path output)
      throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(
            Node.ROOT.resolve("patchbay").toString(),
            "import",
            "--datadir",
            data.toString(),
            "--genesis",
            allocation.toString(),
            "--storage",
            storage,
            file.toString());
    builder.environment().putAll(environment);
    return builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
  }

  /** Waits until an import has shown progress. */
  private static void awaitProgress(Process launcher, Path output) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (!Files.readString(output).contains(" blocks/s") && launcher.isAlive()) {
      assertThat(System.nanoTime()).as("progress within 120 s").isLessThan(limit);
      launcher.waitFor(50, TimeUnit.MILLISECONDS);
    }
  }

  /** Kills the node some time after its import has shown progress. */
  private static void kill(Path data, Path allocation, Path file, String storage, int millis)
      throws Exception {
    Path output = Files.createTempFile(folder, "killed", ".txt");
    Process launcher = startImport(QuickJvm.environment(), data, allocation, file, storage, output);
    awaitProgress(launcher, output);
    launcher.waitFor(millis, TimeUnit.MILLISECONDS);
    if (!launcher.isAlive()) { // so many kills let it come to its end
      assertThat(launcher.exitValue()).as(Files.readString(output)).isZero();
      return;
    }
    long pid = Long.parseLong(Files.readString(data.resolve("pid")).strip());
    ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
    assertThat(launcher.waitFor(60, TimeUnit.SECONDS)).isTrue();
  }
}
