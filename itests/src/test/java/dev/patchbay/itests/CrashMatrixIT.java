// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Kills the node at each stage of a migration, between all backends, and starts it again as it was,
 * with every other {@code --storage} and with a changed genesis. The chain is where the choice
 * says, complete, or the start is refused and names where the complete chain is. With {@code
 * -Psoak} all stages between all backends, otherwise a selection, with the starts that are refused
 * after the last kill only.
 */
class CrashMatrixIT {
  private static final boolean ALL = Boolean.getBoolean("it.matrix");
  private static final List<String> BACKENDS = List.of("memory", "mapdb", "rocksdb");
  private static final List<String> STAGES =
      List.of("PREPARE", "COPY", "CATCH_UP", "FENCE", "REPLACE", "DONE");

  @TempDir Path folder;

  private Node node;
  private Walk walk;
  private int refusals;

  /** Transactions of blocks that a durable backend holds. */
  private final List<String> kept = new ArrayList<>();

  /**
   * Migrations on one data directory, each of which is killed.
   *
   * @param from the backend that the chain is in
   * @param begun whether the chain was begun there; otherwise it was moved there from {@link #home}
   * @param to the target
   * @param stages the stages at which the node is killed, in order
   */
  record Walk(String from, boolean begun, String to, List<String> stages) {
    /** Returns the durable backend in which the chain was begun. */
    String home() {
      return !from.equals("memory") ? from : to.equals("mapdb") ? "rocksdb" : "mapdb";
    }

    /** Returns the failure points of a node that is killed at a stage. */
    Map<String, String> environment(String stage) {
      String first = begun ? "" : "DONE:pass,";
      return Map.of(Node.JAVA_OPTIONS, "-Dpatchbay.migration.fail=" + first + stage + ":halt");
    }
  }

  static Stream<Walk> walks() {
    if (!ALL) {
      return Stream.of(
          new Walk("rocksdb", true, "mapdb", List.of("COPY", "REPLACE", "DONE")),
          new Walk("mapdb", true, "memory", List.of("CATCH_UP", "DONE")),
          new Walk("memory", false, "rocksdb", List.of("FENCE", "DONE")));
    }
    List<Walk> out = new ArrayList<>();
    for (String from : BACKENDS) {
      for (String to : BACKENDS) {
        if (!from.equals(to)) {
          out.add(new Walk(from, true, to, STAGES));
        }
        if (!from.equals(to) && from.equals("memory")) {
          out.add(new Walk(from, false, to, STAGES));
        }
      }
    }
    return out.stream();
  }

  @ParameterizedTest
  @MethodSource("walks")
  void theChainIsWholeOrTheStartIsRefused(Walk next) throws Exception {
    walk = next;
    node = new Node(folder.resolve("node")).quick();
    List<String> stages = walk.stages();
    node.start(
        walk.environment(stages.get(0)), "--storage", walk.begun() ? walk.from() : walk.home());
    for (int i = 0; i < stages.size(); i++) {
      String stage = stages.get(i);
      kill(stage);
      boolean last = i + 1 == stages.size();
      startAgain(stage, last || ALL, last ? Map.of() : walk.environment(stages.get(i + 1)));
      assertComplete(stage);
    }
    node.close();
    System.out.printf(
        "crash matrix: %s; %d kills, %d refused starts, %d transactions kept%n",
        walk, stages.size(), refusals, kept.size());
  }

  /** Mines, and migrates to the end of the process. */
  private void kill(String stage) throws Exception {
    String before = mine();
    if (!walk.begun()) {
      kept.add(before);
      assertThat(node.shell("storage:migrate", walk.from()).output()).contains("done");
      before = mine();
    }
    Node.Result killed = node.shell("storage:migrate", walk.to());
    assertThat(killed.status()).as(stage).isNotZero();
    assertThat(killed.output()).as(stage).doesNotContain("done");
    node.awaitEnd();
    if (!isVolatile(walk.from()) || stage.equals("DONE")) {
      kept.add(before);
    }
  }

  private static boolean isVolatile(String backend) {
    return backend.equals("memory");
  }

  private String mine() throws Exception {
    long nonce =
        Long.decode(node.result("eth_getTransactionCount", Accounts.FIRST, "pending").asText());
    String hash = node.send(Accounts.transfer(0, nonce));
    assertThat(Journeys.receipt(node, hash).get("status").asText()).isEqualTo("0x1");
    return hash;
  }

  /** Starts the node as it was, before that with each choice that is refused, if asked for. */
  private void startAgain(String stage, boolean refused, Map<String, String> environment)
      throws Exception {
    String chosen = chosen(stage);
    boolean moved = isVolatile(chosen) && !(walk.begun() && isVolatile(walk.from()));
    if (refused && moved) {
      refusesWhatWasMovedToMemory(stage);
    } else if (refused && !isVolatile(chosen)) {
      refusesOtherChoices(stage, chosen);
    } // what was begun in memory ends with the process, which was agreed to
    if (moved) {
      node.start(environment, "--discard-chain");
    } else {
      node.start(environment);
    }
  }

  private void refusesOtherChoices(String stage, String chosen) throws Exception {
    for (String other : BACKENDS) {
      if (!other.equals(chosen)) {
        assertThat(refusal("--storage", other))
            .as(stage)
            .contains("is in '" + chosen + "', not in '" + other + "'")
            .contains("storage:migrate " + other);
      }
    }
    assertThat(refusal("--genesis", changedGenesis().toString()))
        .as(stage)
        .contains("the genesis does not fit the data directory");
  }

  private void refusesWhatWasMovedToMemory(String stage) throws Exception {
    List<String[]> starts =
        List.of(
            new String[] {},
            new String[] {"--storage", walk.home()},
            new String[] {"--storage", walk.to()},
            new String[] {"--genesis", changedGenesis().toString()});
    for (String[] options : starts) {
      assertThat(refusal(options))
          .as(stage)
          .contains("moved to 'memory'")
          .contains("older copy, block " + kept.size() + " ")
          .contains("is in '" + walk.home() + "'")
          .contains("--discard-chain");
    }
  }

  /** Returns the backend that is chosen after a kill. */
  private String chosen(String stage) {
    return stage.equals("DONE") ? walk.to() : walk.from();
  }

  private String refusal(String... options) throws Exception {
    refusals++;
    return Journeys.refusal(node, options);
  }

  private Path changedGenesis() throws Exception {
    Path file = folder.resolve("changed.json");
    String text = Files.readString(Node.ROOT.resolve("karaf-assembly/src/main/dev/genesis.json"));
    String changed = text.replaceFirst("\"chainId\": *1337", "\"chainId\": 1338");
    assertThat(changed).isNotEqualTo(text);
    Files.writeString(file, changed);
    return file;
  }

  /** Checks that the chain holds what it must, and that no incomplete copy is left. */
  private void assertComplete(String stage) throws Exception {
    String backend =
        isVolatile(chosen(stage)) && !endsInMemory(stage) ? walk.home() : chosen(stage);
    assertThat(node.shell("storage:list").output()).as(stage).contains("* " + backend);
    for (String hash : kept) {
      JsonNode receipt = node.result("eth_getTransactionReceipt", hash);
      assertThat(receipt.path("status").asText()).as("%s: %s", stage, hash).isEqualTo("0x1");
    }
    assertThat(Long.decode(node.result("eth_blockNumber").asText()))
        .as(stage)
        .isEqualTo(kept.size());
    Path store = node.data.resolve("stores/chain");
    String choice =
        Files.readAllLines(store.resolve("choice")).stream()
            .filter(line -> line.startsWith("copy=") || line.startsWith("previous="))
            .collect(Collectors.joining("\n"));
    assertThat(store.resolve("incomplete")).doesNotExist();
    try (Stream<Path> copies = Files.list(store).filter(Files::isDirectory)) {
      assertThat(copies.map(copy -> copy.getFileName().toString()).collect(Collectors.toList()))
          .as(stage)
          .allMatch(choice::contains);
    }
  }

  private boolean endsInMemory(String stage) {
    return walk.begun() && isVolatile(walk.from()) && !stage.equals("DONE");
  }
}
