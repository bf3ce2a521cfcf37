// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.patchbay.chronos.kit.ScriptedPeer.Fault;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ChronosTckTest {
  static final int LENGTH = 12;
  private static final int AT_A_TIME = 16;
  static final List<BlockText> BLOCKS = TestChain.of(LENGTH + 8);

  /** The deadlines of the scripted peer, so that the test need not wait for those of the page. */
  private static final Deadlines PEER = new Deadlines(4_000, 4_000, 5_000, 5_000, 10_000, 250);

  /** Shorter waits for what does not come. */
  private static final Deadlines SHORT = new Deadlines(500, 500, 1_000, 1_000, 1_000, 250);

  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

  static Kit kit(InetSocketAddress target, Deadlines deadlines, @Nullable GenesisText genesis) {
    return new Kit(target, deadlines, genesis, BLOCKS.subList(LENGTH, BLOCKS.size()), 25);
  }

  private int run(Kit kit, List<Case> cases) {
    return ChronosTck.run(kit, cases, new PrintStream(printed, true, StandardCharsets.UTF_8));
  }

  private static ScriptedPeer peer(Set<Fault> faults) throws Exception {
    return new ScriptedPeer(BLOCKS.subList(0, LENGTH), PEER, faults);
  }

  private static List<Case> all() {
    List<Case> cases = new ArrayList<>(Conformance.cases());
    cases.addAll(Dialing.cases());
    cases.addAll(Hostile.cases());
    return cases;
  }

  /** What the kit prints of a peer with a fault, by fault and case; none for one that conforms. */
  private static final Map<String, String> OUTCOMES = new ConcurrentHashMap<>();

  /** Runs each case against a peer of its own, several at a time, since most of them wait. */
  @BeforeAll
  static void runs() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(AT_A_TIME);
    try {
      List<Future<?>> runs = new ArrayList<>();
      for (Case one : all()) {
        runs.add(pool.submit(() -> run(EnumSet.noneOf(Fault.class), one, PEER)));
      }
      for (Arguments row : faults().toList()) {
        Fault fault = (Fault) row.get()[0];
        Case one = named((String) row.get()[1]);
        runs.add(pool.submit(() -> run(EnumSet.of(fault), one, SHORT)));
      }
      for (Future<?> run : runs) {
        run.get();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  private static Void run(Set<Fault> faults, Case one, Deadlines deadlines) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ScriptedPeer peer = peer(faults);
        ServerSocket listener = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      Kit kit = kit(peer.address(), deadlines, null);
      if (one.name().startsWith("dialer ")) {
        kit.listen(listener);
        peer.dial((InetSocketAddress) listener.getLocalSocketAddress());
      }
      ChronosTck.run(kit, List.of(one), new PrintStream(out, true, StandardCharsets.UTF_8));
    }
    OUTCOMES.put(faults + one.name(), out.toString(StandardCharsets.UTF_8));
    return null;
  }

  private static Case named(String name) {
    return all().stream().filter(one -> one.name().equals(name)).findFirst().orElseThrow();
  }

  static Stream<String> names() {
    return all().stream().map(Case::name);
  }

  @ParameterizedTest
  @MethodSource("names")
  void aPeerThatConformsPasses(String name) {
    assertThat(OUTCOMES.get("[]" + name))
        .isEqualTo("pass  " + name + "\n1 passed, 0 failed, 0 skipped\n");
  }

  static Stream<Arguments> faults() {
    return Stream.of(
        arguments(Fault.TEXT_HEIGHT, "server SHAKEHAND: response in the same form"),
        arguments(Fault.HEIGHT_FALLS, "server SHAKEHAND: repeated, changes nothing"),
        arguments(Fault.WRONG_HEIGHT, "server PULL_BLOCK: PUSH_BLOCK with the block of the height"),
        arguments(Fault.NO_QUANTITY, "server PULL_BLOCK: the height as a quantity"),
        arguments(Fault.SILENT_WITHOUT_BLOCK, "server PULL_BLOCK: ERROR not_found above the head"),
        arguments(Fault.SILENT_ON_KNOWN_BLOCK, "server NEW_BLOCK: BLOCK_KNOWN for a known block"),
        arguments(Fault.IMPORTS_ANYTHING, "server NEW_BLOCK: a wrong block is not imported"),
        arguments(Fault.IMPORTS_NOTHING, "server NEW_BLOCK: a genuine block is imported"),
        arguments(
            Fault.ANNOUNCES_TO_SOURCE, "server NEW_BLOCK: relayed once to peers that lack it"),
        arguments(Fault.GETS_KNOWN, "server NEW_BLOCK_HASH: BLOCK_KNOWN for a known block"),
        arguments(Fault.KNOWS_EVERYTHING, "server NEW_BLOCK_HASH: GET_BLOCK for an unknown one"),
        arguments(
            Fault.SENDS_OTHER_BLOCK, "server GET_BLOCK: NEW_BLOCK with the block of the hash"),
        arguments(
            Fault.SILENT_WITHOUT_BLOCK, "server GET_BLOCK: ERROR not_found for an unknown one"),
        arguments(
            Fault.CLOSES_AFTER_FOUR, "client SHAKEHAND: repeated by the kit, keeps the connection"),
        arguments(Fault.NEVER_PULLS, "client PULL_BLOCK: sent to a peer with more blocks"),
        arguments(Fault.IMPORTS_NOTHING, "client PUSH_BLOCK: a genuine block is imported"),
        arguments(Fault.IMPORTS_ANYTHING, "client PUSH_BLOCK: a wrong block is not imported"),
        arguments(Fault.CLOSES_ON_KNOWN_PUSH, "client PUSH_BLOCK: a known block does no harm"),
        arguments(
            Fault.ANNOUNCES_TWICE, "client NEW_BLOCK: a new block is announced once to each peer"),
        arguments(
            Fault.ANNOUNCES_NOTHING,
            "client NEW_BLOCK: a new block is announced once to each peer"),
        arguments(Fault.SENDS_OTHER_BLOCK, "client NEW_BLOCK_HASH: its block is sent on GET_BLOCK"),
        arguments(Fault.WHOLE_TO_ALL, "client NEW_BLOCK: to the square root, the hash to others"),
        arguments(Fault.WHOLE_TO_NONE, "client NEW_BLOCK: to the square root, the hash to others"),
        arguments(Fault.IGNORES_BLOCK_KNOWN, "client BLOCK_KNOWN: the block is not announced"),
        arguments(Fault.RESPONDS_TO_BLOCK_KNOWN, "client BLOCK_KNOWN: no response"),
        arguments(Fault.RESPONDS_TO_ERROR, "client ERROR: no response"),
        arguments(Fault.REFUSES_FIRST_ERROR, "client ERROR: accepted before SHAKEHAND"),
        arguments(Fault.NO_ID, "option id: echoed in responses"),
        arguments(Fault.REFUSES_OWN_GENESIS, "option chain: the own chain is accepted"),
        arguments(Fault.ANY_GENESIS, "option chain: another genesis is refused"),
        arguments(Fault.REFUSES_UNKNOWN_MEMBERS, "option members: unknown ones are ignored"),
        arguments(Fault.SEVERAL_OF_ADDRESS, "option address: one connection for each"),
        arguments(Fault.DIALS_SILENTLY, "dialer client SHAKEHAND: sent first by the dialer"),
        arguments(Fault.NO_KEEP_ALIVE, "dialer client SHAKEHAND: repeated by the dialer every 5 s"),
        arguments(
            Fault.RESPONDS_TO_RESPONSES, "dialer client SHAKEHAND: a response gets no response"),
        arguments(Fault.NO_DEADLINES, "dialer client SHAKEHAND: closes without a response"),
        arguments(
            Fault.NEVER_PULLS, "dialer client PULL_BLOCK: sent to a listener with more blocks"),
        arguments(
            Fault.SILENT_WITHOUT_BLOCK, "dialer server PULL_BLOCK: served on a dialed connection"),
        arguments(Fault.NO_LENGTH_LIMIT, "hostile length of 8 MiB + 1, nothing follows"),
        arguments(Fault.NO_LENGTH_LIMIT, "hostile before SHAKEHAND: length of 4 KiB + 1"),
        arguments(Fault.NO_PULL_LIMIT, "hostile PULL_BLOCK of more than 64 KiB"),
        arguments(Fault.SKIPS_HANDSHAKE, "hostile before SHAKEHAND: PULL_BLOCK"),
        arguments(Fault.LENIENT_JSON, "hostile JSON: code twice"),
        arguments(Fault.LENIENT_JSON, "hostile JSON: 33 levels"),
        arguments(Fault.LENIENT_JSON, "hostile JSON: a second object behind"),
        arguments(Fault.LENIENT_JSON, "hostile JSON: UTF-16"),
        arguments(Fault.SILENT_ON_BAD_DATA, "hostile PULL_BLOCK with data -1"),
        arguments(
            Fault.UNKNOWN_CODES_STAY, "hostile unknown codes: ERROR, the tenth in 60 s closes"),
        arguments(
            Fault.TENTH_CODE_IS_RATE, "hostile unknown codes: ERROR, the tenth in 60 s closes"),
        arguments(Fault.IMPORTS_ANYTHING, "hostile blocks: corrupted in each member"),
        arguments(Fault.TRUSTS_STATED_HASH, "hostile blocks: a false hash in the JSON"),
        arguments(Fault.NO_BODY_CHECK, "hostile blocks: transactions of another block, as objects"),
        arguments(Fault.NO_DEADLINES, "hostile silent from the start"),
        arguments(Fault.NO_DEADLINES, "hostile silent after SHAKEHAND"),
        arguments(Fault.NO_DEADLINES, "hostile one byte a second after SHAKEHAND"),
        arguments(Fault.NOT_WELL_AFTER_FLOOD, "hostile flood of PULL_BLOCK, responses read"),
        arguments(Fault.NO_CONNECTION_LIMIT, "hostile 1,000 connections"));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void aPeerThatDoesNotConformFailsTheCaseOfIt(Fault fault, String name) {
    assertThat(OUTCOMES.get(EnumSet.of(fault) + name))
        .startsWith("FAIL  " + name + ": ")
        .endsWith("0 passed, 1 failed, 0 skipped\n");
  }

  @Test
  void theFaultsOfBroadcastAreNamed() {
    String root = "client NEW_BLOCK: to the square root, the hash to others";
    assertThat(OUTCOMES.get(EnumSet.of(Fault.WHOLE_TO_ALL) + root))
        .contains(": 8 of 9 connections get NEW_BLOCK instead of 1 to 3\n");
    assertThat(OUTCOMES.get(EnumSet.of(Fault.WHOLE_TO_NONE) + root))
        .contains(": 0 of 9 connections get NEW_BLOCK instead of 1 to 3\n");
    assertThat(
            OUTCOMES.get(
                EnumSet.of(Fault.IGNORES_BLOCK_KNOWN)
                    + "client BLOCK_KNOWN: the block is not announced"))
        .contains(": announced in spite of BLOCK_KNOWN; ");
  }

  /** The cases for which a peer may ban the kit run last, and name the ban. */
  @Test
  void aPeerThatBansTheKitConforms() throws Exception {
    List<Case> cases =
        List.of(
            named("hostile blocks: corrupted in each member"),
            named("server NEW_BLOCK: a wrong block is not imported"),
            named("client PUSH_BLOCK: a wrong block is not imported"),
            named("server SHAKEHAND: response in the same form"));
    try (ScriptedPeer peer = peer(EnumSet.of(Fault.BANS))) {
      Kit kit = kit(peer.address(), SHORT, null);
      kit.isLocal = false;
      assertThat(run(kit, cases.subList(1, 4))).isZero();
    }
    String refused =
        ": the peer refuses new connections after a wrong block: it may have banned the IP address"
            + " of the kit, or ended. the peer closes a new connection; ";
    assertThat(printed.toString(StandardCharsets.UTF_8).lines().toList())
        .satisfiesExactly(
            line -> assertThat(line).isEqualTo("pass  " + cases.get(3).name()),
            line -> assertThat(line).isEqualTo("pass  " + cases.get(1).name()),
            line -> assertThat(line).startsWith("skip  " + cases.get(2).name() + refused),
            line -> assertThat(line).isEqualTo("2 passed, 0 failed, 1 skipped"));
    printed.reset();
    try (ScriptedPeer peer = peer(EnumSet.of(Fault.BANS))) {
      assertThat(run(kit(peer.address(), SHORT, null), cases.subList(0, 1))).isEqualTo(1);
    }
    assertThat(printed.toString(StandardCharsets.UTF_8))
        .startsWith("FAIL  " + cases.get(0).name() + refused);
  }

  @Test
  void anotherGenesisFails(@TempDir Path folder) throws Exception {
    Path geth = folder.resolve("genesis.json");
    Files.writeString(geth, BLOCKS.get(0).data().get("block_header").toString());
    assertThat(GenesisText.read(geth).difference(BLOCKS.get(0))).isNull();
    assertThat(GenesisText.read(geth).difference(BLOCKS.get(1)))
        .isEqualTo(BLOCKS.get(1).hash() + ", not " + BLOCKS.get(0).hash());
    Files.writeString(
        geth,
        "{\"config\":{\"chainId\":1},\"gasLimit\":\"0x1c9c381\",\"difficulty\":\"1\",\"alloc\":{}}");
    List<Case> pull =
        Conformance.cases().stream().filter(one -> one.name().contains("PUSH_BLOCK with")).toList();
    try (ScriptedPeer peer = peer(EnumSet.noneOf(Fault.class))) {
      assertThat(run(kit(peer.address(), SHORT, GenesisText.read(geth)), pull)).isEqualTo(1);
      assertThat(printed.toString(StandardCharsets.UTF_8))
          .contains(
              "block 0 is not that of the genesis file: gasLimit is 0x1c9c380, not 0x1c9c381");
      printed.reset();
      Files.writeString(
          geth, "{\"gasLimit\":\"30000000\",\"difficulty\":\"0x1\",\"nonce\":\"0x0\"}");
      assertThat(run(kit(peer.address(), SHORT, GenesisText.read(geth)), pull)).isZero();
    }
  }

  @Test
  void theCommandLineIsChecked() throws Exception {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8);
    PrintStream errors = new PrintStream(err, true, StandardCharsets.UTF_8);
    assertThat(ChronosTck.run(new String[] {}, out, errors)).isEqualTo(2);
    assertThat(ChronosTck.run(new String[] {"localhost"}, out, errors)).isEqualTo(2);
    assertThat(ChronosTck.run(new String[] {"127.0.0.1:0"}, out, errors)).isEqualTo(2);
    assertThat(ChronosTck.run(new String[] {"127.0.0.1:1", "--genesis"}, out, errors)).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8))
        .contains("the address of the peer is missing")
        .contains("the address is HOST:PORT, not 'localhost'")
        .contains("the port is 1 to 65535, not '0'")
        .contains("--genesis needs a value");
    try (ScriptedPeer peer = peer(EnumSet.noneOf(Fault.class))) {
      String target = "127.0.0.1:" + peer.address().getPort();
      assertThat(
              ChronosTck.run(
                  new String[] {target, "--only", "response in the same form"}, out, errors))
          .isZero();
    }
    assertThat(printed.toString(StandardCharsets.UTF_8)).contains("1 passed, 0 failed, 0 skipped");
    assertThat(
            ChronosTck.run(new String[] {"127.0.0.1:1", "--only", "SHAKEHAND: resp"}, out, errors))
        .isEqualTo(1);
  }
}
