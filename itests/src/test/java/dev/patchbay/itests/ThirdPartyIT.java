// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Bundles of third parties beside ours: an EVM that wraps ours ({@code examples/evm-counting}), a
 * storage backend ({@code examples/storage-journal}), a namespace ({@code examples/notes}), and
 * consensus rules, a copy of ours under another name. They are installed, chosen, updated and
 * removed under load: no request fails, and nothing changes without a command.
 */
class ThirdPartyIT {
  private static final String EVM = "com.example.evm.counting";
  private static final String RULES = "com.example.poa";
  private static final String BACKEND = "com.example.storage.journal";
  private static final String NAMESPACE = "com.example.notes";
  private static final Set<String> BUNDLES = Set.of(EVM, RULES, BACKEND, NAMESPACE);

  private static final String OUR_EVM = "dev.patchbay.evm.engine";
  private static final String OUR_RULES = "dev.patchbay.consensus.poa";

  private static final String LISTS = "evm:list; consensus:list; storage:list";
  private static final String NAMESPACES =
      "eth,net,web3,rpc,txpool,debug,trace,admin,miner,clique,notes,counting";

  /** Responses that clients get while one bundle is in the state that a step leaves. */
  private static final int REQUESTS = 40;

  @TempDir Path folder;

  /** A chain begins with what a third party provides, and a later start needs no option. */
  @Test
  void aNewChainUsesWhatTheFirstStartNames() throws Exception {
    Node node = new Node(folder.resolve("first")).quick();
    Path deploy = Files.createDirectories(node.data.resolve("karaf/deploy"));
    for (String example : List.of("evm-counting", "storage-journal")) {
      Path jar = Path.of(URI.create(Examples.build(example)));
      Files.copy(jar, deploy.resolve(jar.getFileName()));
    }
    node.start("--evm", "counting", "--storage", "journal", "--namespaces", NAMESPACES);
    for (int i = 0; i < 2; i++) {
      try (node) {
        pay(node);
        assertThat(node.result("counting_transactions").asLong()).isPositive();
        assertThat(shell(node, LISTS))
            .containsPattern("[*] counting +" + EVM)
            .containsPattern("[*] journal +durable");
      }
      if (i == 0) {
        node.start("--namespaces", NAMESPACES);
      }
    }
  }

  @Test
  void bundlesComeAndGoUnderLoad() throws Exception {
    String namespace = Examples.build("notes");
    List<String> urls =
        List.of(
            Examples.build("evm-counting"),
            Examples.copyOf("consensus-poa", RULES, folder),
            Examples.build("storage-journal"),
            namespace);
    try (Node node = new Node(folder.resolve("node")).quick()) {
      node.start("--storage", "rocksdb", "--namespaces", NAMESPACES);
      UpdateLoad load = new UpdateLoad(node, UpdateIT.requests());
      Notes notes = new Notes(node);
      load.sendTransfers().followHeads().followTransactions().awaitHead(2).start();
      load.repeat("third-party-notes", notes::put);
      try (load) {
        Journey journey = new Journey(node, load, notes);
        journey.install(urls);
        journey.choose();
        journey.update();
        journey.goBack();
        journey.remove();
      }
      load.print();
      assertThat(load.failures()).as(node.warnings()).isEmpty();
      everyTransferIsMined(node, load.transfers());
      assertThat(Files.readString(node.data.resolve("logs/karaf.log")))
          .as("requests keep no lease of a store that is closed")
          .contains("(0 leases left)")
          .doesNotContainPattern("\\([1-9]\\d* leases left\\)");
    }
  }

  /** What an operator does, one step after the other. */
  private static final class Journey {
    private final Node node;
    private final UpdateLoad load;
    private final Notes notes;
    private final Swaps swaps;
    private final Map<String, String> before;

    Journey(Node node, UpdateLoad load, Notes notes) throws Exception {
      this.node = node;
      this.load = load;
      this.notes = notes;
      this.swaps = new Swaps(node);
      this.before = swaps.states();
      load.awaitRequests(5 * REQUESTS); // code is compiled, caches are filled
    }

    /** Runs a command, and waits until clients have had responses and a block has come. */
    private String step(String command) throws Exception {
      load.during(command);
      String output = shell(node, command);
      load.awaitRequests(REQUESTS);
      long head = Long.decode(node.result("eth_blockNumber").asText());
      load.awaitHead(head + 1);
      return output;
    }

    /** Installed bundles are there and change nothing. */
    void install(List<String> urls) throws Exception {
      notes.expect(Notes.ANY);
      for (String url : urls) {
        step("bundle:install -s " + url);
      }
      notes.expect(Notes.ANSWERED);
      assertOurs(step(LISTS))
          .containsPattern("  counting +" + EVM)
          .containsPattern("  clique +" + RULES)
          .containsPattern("  journal +durable");
      assertThat(node.result("counting_transactions").asLong()).isZero();
      assertNoOtherChanged();
    }

    /** The commands choose, and blocks come. */
    void choose() throws Exception {
      step("evm:use counting");
      long counted = node.result("counting_transactions").asLong();
      assertThat(counted).isPositive();
      step("consensus:use " + RULES);
      assertThat(step("storage:migrate journal"))
          .contains("chain moved from rocksdb to journal", "notes moved from");
      assertThat(node.result("counting_transactions").asLong()).isGreaterThan(counted);
      assertTheirs();
      assertNoOtherChanged();
    }

    /** Updates of what is in use, and of the EVM that theirs has execute. */
    void update() throws Exception {
      for (int i = 0; i < Integer.getInteger("it.updates", 1); i++) {
        for (String bundle : List.of(EVM, OUR_EVM, RULES, BACKEND, NAMESPACE)) {
          step("bundle:update " + bundle);
        }
      }
      assertThat(node.result("counting_transactions").asLong()).isPositive();
      assertTheirs();
    }

    /** The commands choose what was there before. */
    void goBack() throws Exception {
      step("storage:migrate rocksdb");
      step("consensus:use " + OUR_RULES);
      step("evm:use patchbay");
      assertOurs(shell(node, LISTS));
    }

    /** Removed bundles leave nothing, and methods of theirs are not found. */
    void remove() throws Exception {
      notes.checkThatAllAreThere();
      notes.expect(Notes.ANY);
      for (String bundle : List.of(EVM, RULES, BACKEND, NAMESPACE)) {
        step("bundle:uninstall " + bundle);
      }
      notes.expect(Notes.NOT_FOUND);
      assertThat(node.call("counting_calls").at("/error/code").asInt()).isEqualTo(-32601);
      assertOurs(step(LISTS)).doesNotContain("counting", "journal", RULES);
      swaps.settle();
      assertNoOtherChanged();
    }

    private static AbstractStringAssert<?> assertOurs(String lists) {
      return assertThat(lists)
          .containsPattern("[*] patchbay +" + OUR_EVM)
          .containsPattern("[*] clique +" + OUR_RULES)
          .containsPattern("[*] rocksdb +durable")
          .doesNotContainPattern("[*] (counting|journal)");
    }

    private void assertTheirs() throws Exception {
      assertThat(shell(node, LISTS))
          .containsPattern("[*] counting +" + EVM)
          .containsPattern("[*] clique +" + RULES)
          .containsPattern("(?s)chain\n.*[*] journal.*notes\n.*[*] journal")
          .doesNotContainPattern("[*] (patchbay|rocksdb)");
    }

    /** Checks that no bundle of ours was refreshed, stopped or restarted by the container. */
    private void assertNoOtherChanged() throws Exception {
      Map<String, String> now = new TreeMap<>(swaps.states());
      now.keySet().removeAll(BUNDLES);
      assertThat(now).isEqualTo(before);
    }
  }

  /** A client of the namespace {@code notes}, which says what it expects of each response. */
  private static final class Notes {
    static final Set<String> ANSWERED = Set.of("result");
    static final Set<String> NOT_FOUND = Set.of("-32601");
    static final Set<String> ANY = Set.of("result", "-32601");

    private final Node node;
    private final AtomicLong stored = new AtomicLong();
    private volatile Set<String> expected = NOT_FOUND;

    Notes(Node node) {
      this.node = node;
    }

    void expect(Set<String> outcomes) {
      expected = outcomes;
    }

    /** Stores a note; the response must be one that was expected when the request was sent. */
    void put() throws Exception {
      Set<String> outcomes = expected;
      JsonNode response = node.call("notes_put", "note " + stored);
      boolean succeeded = response.has("result");
      String outcome = succeeded ? "result" : response.at("/error/code").asText();
      assertThat(outcomes).as(response.toString()).contains(outcome);
      if (succeeded) {
        assertThat(response.get("result").asLong()).isEqualTo(stored.incrementAndGet());
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }

    void checkThatAllAreThere() throws Exception {
      long reported = stored.get();
      long count = node.result("notes_count").asLong();
      assertThat(count).isGreaterThan(20).isGreaterThanOrEqualTo(reported);
      List<String> texts = new ArrayList<>();
      for (long number = 1; number <= count; number++) {
        texts.add(node.result("notes_get", number).asText());
      }
      assertThat(texts).doesNotHaveDuplicates().doesNotContain("null");
    }
  }

  private static String shell(Node node, String command) throws Exception {
    Node.Result result = node.shell(command);
    assertThat(result.status()).as(command + ": " + result.output()).isZero();
    return result.output();
  }

  private static void pay(Node node) throws Exception {
    String count = node.result("eth_getTransactionCount", Accounts.FIRST, "latest").asText();
    String hash = node.send(Accounts.transfer(0, Long.decode(count)));
    assertThat(Journeys.receipt(node, hash).get("status").asText()).isEqualTo("0x1");
  }

  /** Checks that each transfer whose hash was returned gets into a block. */
  private static void everyTransferIsMined(Node node, long transfers) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    long mined = 0;
    while (mined < transfers && System.nanoTime() < limit) {
      mined =
          Long.decode(node.result("eth_getTransactionCount", Accounts.FIRST, "latest").asText());
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
    assertThat(mined).isEqualTo(transfers).isGreaterThan(100);
  }
}
