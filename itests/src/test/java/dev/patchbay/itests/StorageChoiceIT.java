// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Where the chain is, is written down once: whatever a later start is told, and whatever is missing
 * then, no second chain begins.
 */
class StorageChoiceIT {
  /** Blocks at least, whose writes the log of RocksDB holds when it is damaged. */
  private static final long LOGGED = 20;

  @TempDir Path folder;

  private static String mine(Node node, long nonce) throws Exception {
    String hash = node.send(Accounts.transfer(0, nonce));
    assertThat(Journeys.receipt(node, hash).get("status").asText()).isEqualTo("0x1");
    return hash;
  }

  private static boolean isMined(Node node, String hash) throws Exception {
    JsonNode receipt = node.result("eth_getTransactionReceipt", hash);
    return !receipt.isNull();
  }

  private static Node.Result export(Node node, Path file) throws Exception {
    return Node.launcher(
        Map.of(), List.of("export", "--datadir", node.data.toString(), file.toString()));
  }

  private static void verifyWhileBlocksAreMined(Node node) throws Exception {
    AtomicBoolean running = new AtomicBoolean(true);
    FutureTask<Long> miner =
        new FutureTask<>(
            () -> {
              long nonce = 1;
              while (running.get() || nonce <= LOGGED) {
                mine(node, nonce++);
              }
              return nonce;
            });
    new Thread(miner, "miner").start();
    Node.Result verified = node.shell("chain:verify");
    running.set(false);
    assertThat(miner.get(60, TimeUnit.SECONDS)).isPositive();
    assertThat(verified.status()).as(verified.output()).isZero();
    assertThat(verified.output()).contains("the store is whole");
  }

  @Test
  void theFirstChoiceDecides() throws Exception {
    Path file = folder.resolve("blocks.rlp");
    Node node = new Node(folder.resolve("chosen")).quick();
    assertThat(export(node, file).output()).contains("no chain");
    assertThat(node.data).doesNotExist();
    node.start("--storage", "rocksdb");
    String hash = mine(node, 0);
    node.close();
    for (String other : List.of("mapdb", "memory")) {
      assertThat(Journeys.refusal(node, "--storage", other))
          .contains("is in 'rocksdb', not in '" + other + "'")
          .contains("storage:migrate " + other);
    }
    node.start();
    Node.Result exported = export(node, file);
    assertThat(exported.status()).as(exported.output()).isZero();
    assertThat(Files.size(file)).isGreaterThan(500);
    Node.Result verified =
        Node.launcher(Map.of(), List.of("verify", "--datadir", node.data.toString()));
    assertThat(verified.status()).as(verified.output()).isZero();
    assertThat(verified.output()).contains("2 canonical blocks", "the store is whole");
    assertThat(isMined(node, hash)).isTrue();
    verifyWhileBlocksAreMined(node);
    assertThat(node.shell("storage:list").output()).contains("* rocksdb");
    aStoreThatFailsIsUnbound(node);
    node.kill();
    node.awaitEnd();
    damagedFilesAreRefused(node);

    // whatever is missing, the start names what is there, and begins nothing
    Path copy = node.copyOf("rocksdb");
    Path away = Files.move(copy, folder.resolve("away"));
    assertThat(Journeys.refusal(node)).contains(copy.toString());
    Files.deleteIfExists(copy);
    Files.move(away, copy);
    Path choice = node.data.resolve("stores/chain/choice");
    byte[] content = Files.readAllBytes(choice);
    Files.delete(choice);
    assertThat(Journeys.refusal(node))
        .contains("choice file")
        .contains(copy.getFileName().toString());
    Files.write(choice, content);
    try (node) {
      aLockThatIsReleasedIsWaitedFor(node);
      assertThat(isMined(node, hash)).isTrue();
    }
  }

  /**
   * A store that fails while the node runs is unbound with its reason. Its files are incomplete, so
   * the node does not open it again, and begins no other. Once they are complete, it goes on.
   */
  private void aStoreThatFailsIsUnbound(Node node) throws Exception {
    Path current = node.copyOf("rocksdb").resolve("CURRENT");
    Path away = Files.move(current, folder.resolve("CURRENT"));
    String waiting = node.send(Accounts.transfer(1, 0)); // its block cannot be synced
    await(() -> node.shell("patchbay:ready").output(), "it has no file CURRENT");
    assertThat(node.shell("patchbay:ready", "storage.chain").status()).isNotZero();
    JsonNode error = node.call("eth_getTransactionReceipt", waiting).get("error");
    assertThat(error.get("code").asInt()).isEqualTo(-32010);
    assertThat(error.get("message").asText()).contains("storage unavailable");
    assertThat(node.warnings()).contains("store chain failed", "has failed and is closed");

    Files.move(away, current);
    assertThat(node.shell("bundle:restart", "dev.patchbay.storage.rocksdb").status()).isZero();
    await(() -> node.call("eth_getTransactionReceipt", waiting).toString(), "\"0x1\"");
    assertThat(node.shell("storage:list").output()).contains("* rocksdb");
  }

  /** Damage of a killed RocksDB store: each is named by the start and by a verification. */
  private void damagedFilesAreRefused(Node node) throws Exception {
    Path copy = node.copyOf("rocksdb");
    Path log = largest(copy, ".log");
    byte[] whole = Files.readAllBytes(log);
    assertThat(whole.length).isGreaterThan(2_000);
    byte[] flipped = whole.clone();
    flipped[whole.length / 2] ^= 4;
    Files.write(log, flipped);
    assertRefused(node, copy);
    Files.write(log, Arrays.copyOf(whole, whole.length / 2)); // less than was synced
    assertRefused(node, copy);
    Files.write(log, whole);

    Path table = largest(copy, ".sst");
    whole = Files.readAllBytes(table);
    Files.write(table, Arrays.copyOf(whole, whole.length - 100));
    assertRefused(node, copy);
    Files.write(table, whole);
  }

  private static void assertRefused(Node node, Path copy) throws Exception {
    Map<Path, Long> before = content(copy);
    assertThat(Journeys.refusal(node))
        .contains(copy.toString(), "Nothing was changed", "backup")
        .doesNotContain("begins in");
    Node.Result verified =
        Node.launcher(Map.of(), List.of("verify", "--datadir", node.data.toString()));
    assertThat(verified.status()).as(verified.output()).isNotZero();
    assertThat(verified.output())
        .contains(copy.toString(), "Nothing was changed")
        .doesNotContain("the store is whole");
    assertThat(content(copy)).isEqualTo(before);
  }

  /** Returns the checksums of the files with content of RocksDB. */
  private static Map<Path, Long> content(Path copy) throws Exception {
    Map<Path, Long> out = new TreeMap<>();
    try (Stream<Path> files = Files.list(copy)) {
      for (Path file : files.toList()) {
        if (file.getFileName().toString().matches("\\d+\\.(log|sst|blob)|CURRENT|MANIFEST-.*")) {
          CRC32 crc = new CRC32();
          crc.update(Files.readAllBytes(file));
          out.put(file, crc.getValue());
        }
      }
    }
    return out;
  }

  private static Path largest(Path copy, String end) throws Exception {
    try (Stream<Path> files = Files.list(copy)) {
      return files
          .filter(file -> file.toString().endsWith(end))
          .max(Comparator.comparingLong(file -> file.toFile().length()))
          .orElseThrow();
    }
  }

  /** A store that another process has open is opened as soon as that one closes it. */
  private static void aLockThatIsReleasedIsWaitedFor(Node node) throws Exception {
    Path lock = node.copyOf("rocksdb").resolve("PATCHBAY_SYNCED");
    String before = node.warnings();
    try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE)) {
      channel.lock();
      node.launch(Map.of());
      await(() -> node.warnings().substring(before.length()), "is in use by another process");
    }
    node.awaitStart();
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

  @Test
  void aChainThatWasMovedToMemoryIsGivenUpOnRequestOnly() throws Exception {
    Node node = new Node(folder.resolve("moved")).quick().start();
    String kept = mine(node, 0);
    assertThat(node.shell("storage:migrate", "memory").output()).contains("done");
    String lost = mine(node, 1);
    Node.Result stop = Node.launcher(Map.of(), List.of("stop", "--datadir", node.data.toString()));
    assertThat(stop.status()).isNotZero();
    assertThat(stop.output()).contains("storage:migrate").contains("--discard-chain");
    assertThat(isMined(node, lost)).as("the node goes on").isTrue();

    node.kill();
    assertThat(Journeys.refusal(node))
        .contains("moved to 'memory'")
        .contains("older copy, block 1 ")
        .contains("is in 'mapdb'")
        .contains("--discard-chain");
    node.start("--discard-chain");
    assertThat(isMined(node, kept)).isTrue();
    assertThat(isMined(node, lost)).isFalse();
    assertThat(node.shell("storage:list").output()).contains("* mapdb");

    // an update of the bundle empties it: the node does not begin again
    assertThat(node.shell("storage:migrate", "memory").output()).contains("done");
    assertThat(node.shell("bundle:update", "dev.patchbay.storage.memory").status()).isZero();
    assertThat(node.call("eth_blockNumber").at("/error/code").asInt()).isEqualTo(-32010);
    assertThat(node.shell("storage:list").output()).contains("not available in 'memory'");
    Node.Result ended = Node.launcher(Map.of(), List.of("stop", "--datadir", node.data.toString()));
    assertThat(ended.status()).as(ended.output()).isZero();
    assertThat(Journeys.refusal(node)).contains("older copy, block 1 ");
    node.close();
  }

  /** An import without a running node ends with its node: into memory it would be for nothing. */
  private static void importIntoMemoryIsRefused(Node node, Path file, String... options)
      throws Exception {
    List<String> line =
        new ArrayList<>(
            List.of(
                "import",
                "--datadir",
                node.data.toString(),
                "--genesis",
                Node.ROOT.resolve("karaf-assembly/src/main/dev/genesis.json").toString(),
                file.toString()));
    line.addAll(List.of(options));
    Node.Result refused = Node.launcher(Map.of(), line);
    assertThat(refused.status()).isNotZero();
    assertThat(refused.output())
        .contains("no node runs", "would end with this import", "--storage rocksdb")
        .doesNotContain("imported");
  }

  /** Neither an update of the bundle of the stores nor another configuration of it ends a chain. */
  private static void aChainInMemoryOutlivesTheKernel(Node node, String hash) throws Exception {
    Swaps swaps = new Swaps(node);
    List<String> commands =
        List.of(
            "bundle:update dev.patchbay.storage",
            "config:property-set -p dev.patchbay.storage discard another");
    for (int i = 0; i < commands.size(); i++) {
      swaps.shell(commands.get(i));
      int handedOver = i + 1;
      await(() -> String.valueOf(contentsHandedOver(node)), String.valueOf(handedOver));
      swaps.settle();
      assertThat(isMined(node, hash)).as(commands.get(i)).isTrue();
      mine(node, handedOver);
    }
    assertThat(node.shell("storage:list").output()).contains("* memory");
  }

  private static long contentsHandedOver(Node node) throws Exception {
    try (Stream<String> lines = Files.lines(node.data.resolve("logs/karaf.log"))) {
      return lines.filter(line -> line.contains("the content of [chain] is kept")).count();
    }
  }

  @Test
  void aChainThatWasBegunInMemoryEndsWithTheProcess() throws Exception {
    Node node = new Node(folder.resolve("begun")).quick();
    Path file = folder.resolve("imported.rlp");
    Files.write(file, new byte[] {(byte) 0xc0});
    importIntoMemoryIsRefused(node, file, "--storage", "memory");
    node.start("--storage", "memory");
    String hash = mine(node, 0);
    aChainInMemoryOutlivesTheKernel(node, hash);
    assertThat(node.shell("bundle:update", "dev.patchbay.storage.memory").status()).isZero();
    assertThat(node.call("eth_blockNumber").at("/error/code").asInt()).isEqualTo(-32010);
    Node.Result stop = Node.launcher(Map.of(), List.of("stop", "--datadir", node.data.toString()));
    assertThat(stop.status()).as(stop.output()).isZero();
    node.awaitEnd();
    importIntoMemoryIsRefused(node, file);
    try (node) {
      node.start();
      assertThat(isMined(node, hash)).isFalse();
      assertThat(node.shell("storage:list").output()).contains("* memory");
    }
  }
}
