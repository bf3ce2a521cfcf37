// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Checks an implementation of chronos/1 against docs/chronos.md, from outside, over TCP. */
public final class ChronosTck {
  private static final String USAGE =
      """
      usage: patchbay chronos-tck HOST:PORT [--genesis FILE] [--blocks FILE] [--listen PORT] [--hostile]
               [--only TEXT] [--max-connections N]
        --genesis FILE       header of block 0 as JSON, or a genesis file: what block 0 must be
        --blocks FILE        frames of PUSH_BLOCK with blocks that the peer may lack, ascending
        --listen PORT        also the cases of a peer that dials, on the loopback interface: have it dial this port
        --hostile            also the cases of peers that break the protocol, about three minutes
        --only TEXT          cases whose name contains the text
        --max-connections N  how many connections the peer may serve (default 25)
      """;

  private static final int DEFAULT_MAX_CONNECTIONS = 25;

  private ChronosTck() {}

  /**
   * Runs the kit. The exit status is 0 when no case has failed, 1 when one has, 2 for a wrong
   * command line.
   *
   * @param args address of the peer, and options
   */
  public static void main(String[] args) {
    System.exit(run(args, new PrintStream(System.out, true, StandardCharsets.UTF_8), System.err));
  }

  static int run(String[] args, PrintStream out, PrintStream err) {
    InetSocketAddress target = null;
    GenesisText genesis = null;
    List<BlockText> further = List.of();
    boolean hostile = false;
    String only = "";
    int maxConnections = DEFAULT_MAX_CONNECTIONS;
    int listen = -1;
    try {
      for (int i = 0; i < args.length; i++) {
        String value = i + 1 < args.length ? args[i + 1] : null;
        switch (args[i]) {
          case "--hostile" -> hostile = true;
          case "--genesis" ->
              genesis = GenesisText.read(Path.of(Addresses.given(args[i++], value)));
          case "--blocks" -> further = blocks(Path.of(Addresses.given(args[i++], value)));
          case "--listen" -> listen = Addresses.number(args[i++], value, 0, 65_535);
          case "--only" -> only = Addresses.given(args[i++], value);
          case "--max-connections" ->
              maxConnections = Addresses.number(args[i++], value, 1, 1_000_000);
          default -> {
            if (target != null || args[i].startsWith("-")) {
              throw new IllegalArgumentException("unexpected '" + args[i] + "'");
            }
            target = Addresses.parse(args[i]);
          }
        }
      }
      if (target == null) {
        throw new IllegalArgumentException("the address of the peer is missing");
      }
    } catch (IllegalArgumentException wrong) {
      err.println("patchbay: " + wrong.getMessage());
      err.print(USAGE);
      return 2;
    } catch (IOException unreadable) {
      err.println("patchbay: " + unreadable.getMessage());
      return 2;
    }
    Kit kit = new Kit(target, Deadlines.SPECIFIED, genesis, further, maxConnections);
    List<Case> cases = new ArrayList<>(Conformance.cases());
    if (listen >= 0) {
      cases.addAll(Dialing.cases());
    }
    if (hostile) {
      cases.addAll(Hostile.cases());
    }
    String text = only;
    cases.removeIf(one -> !one.name().contains(text));
    if (listen < 0) {
      return run(kit, cases, out) == 0 ? 0 : 1;
    }
    try (ServerSocket server = new ServerSocket(listen, 50, InetAddress.getLoopbackAddress())) {
      kit.listen(server);
      out.println("listening on " + server.getLocalPort() + ", for a peer that dials");
      return run(kit, cases, out) == 0 ? 0 : 1;
    } catch (IOException failed) {
      err.println("patchbay: --listen " + listen + ": " + failed.getMessage());
      return 2;
    }
  }

  private static List<BlockText> blocks(Path file) throws IOException {
    List<BlockText> blocks = new ArrayList<>();
    try (InputStream in = Files.newInputStream(file)) {
      for (byte[] text = Wire.read(in); text != null; text = Wire.read(in)) {
        blocks.add(BlockText.read(Wire.parse(text).data()));
      }
    } catch (IllegalArgumentException | IOException wrong) {
      throw new IOException(file + ": " + wrong.getMessage(), wrong);
    }
    return blocks;
  }

  /**
   * Runs cases, prints a line for each, and returns the number of those that failed. Cases for
   * which the peer may ban the kit run last.
   */
  static int run(Kit kit, List<Case> cases, PrintStream out) {
    int passed = 0;
    int failed = 0;
    int skipped = 0;
    for (Case one : cases.stream().sorted(Comparator.comparing(Case::mayBan)).toList()) {
      Throwable reason = outcome(kit, one);
      if (reason == null) {
        passed++;
        out.println("pass  " + one.name());
      } else if (reason instanceof Case.Skipped) {
        skipped++;
        out.println("skip  " + one.name() + ": " + text(reason));
      } else {
        failed++;
        out.println("FAIL  " + one.name() + ": " + text(reason));
      }
    }
    out.println(passed + " passed, " + failed + " failed, " + skipped + " skipped");
    return failed;
  }

  /** Returns the reason of an outcome in printable ASCII: it may quote the peer. */
  private static String text(Throwable reason) {
    boolean isStated = reason instanceof Case.Failed || reason instanceof Case.Skipped;
    return Message.printable(isStated ? String.valueOf(reason.getMessage()) : reason.toString());
  }

  /** Runs a case on a thread of its own, so that a peer that blocks cannot hold the kit. */
  private static @Nullable Throwable outcome(Kit kit, Case one) {
    AtomicReference<@Nullable Throwable> outcome = new AtomicReference<>();
    Thread thread = new Thread(() -> attempt(kit, one, outcome), "chronos case");
    thread.setDaemon(true);
    thread.start();
    try {
      thread.join(one.millis());
      boolean late = thread.isAlive();
      thread.interrupt();
      kit.closeLinks();
      thread.join(1_000);
      return late
          ? new Case.Failed("not ended after " + one.millis() / 1_000 + " s")
          : outcome.get();
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      return stopped;
    }
  }

  private static void attempt(Kit kit, Case one, AtomicReference<@Nullable Throwable> outcome) {
    try {
      try {
        one.body().run(kit);
      } catch (Case.Refused refused) {
        kit.closeLinks();
        throw kit.explained(one, refused);
      }
    } catch (Throwable reason) { // the outcome of the case
      outcome.set(reason);
    }
  }
}
