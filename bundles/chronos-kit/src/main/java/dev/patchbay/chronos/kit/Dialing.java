// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import static dev.patchbay.chronos.kit.Kit.check;

import java.util.List;

/**
 * The cases of a peer that dials the kit: it starts SHAKEHAND, and serves on the connection as one
 * that was dialed. The kit sends nothing beyond the seed.
 */
final class Dialing {
  private static final long MILLIS = 150_000;
  private static final int KEEP_ALIVES = 2;

  private Dialing() {}

  static List<Case> cases() {
    return List.of(
        of("client SHAKEHAND: sent first by the dialer", Dialing::first),
        of("client SHAKEHAND: repeated by the dialer every 5 s", Dialing::repeats),
        of("client SHAKEHAND: a response gets no response", Dialing::noResponse),
        of("client SHAKEHAND: closes without a response", Dialing::silentListener),
        of("client PULL_BLOCK: sent to a listener with more blocks", Dialing::pulls),
        of("server PULL_BLOCK: served on a dialed connection", Dialing::serves));
  }

  private static Case of(String name, Case.Body body) {
    return new Case("dialer " + name, MILLIS, false, body);
  }

  /** Waits for the peer, and for its SHAKEHAND. */
  private static Link accept(Kit kit) throws Exception {
    Link link = kit.accept();
    Message first =
        link.await(0, message -> true, kit.deadlines.handshake() + kit.deadlines.slack());
    check(
        first != null && first.code().equals("SHAKEHAND"),
        "the first message is not SHAKEHAND; " + link.shownSince(0));
    Kit.checkShakehand(link.since(0).get(0).data());
    return link;
  }

  /** Responds to each SHAKEHAND from a mark on until there are some more; returns their number. */
  private static int respond(Kit kit, Link link, long height, int wanted, long millis)
      throws Exception {
    long until = System.nanoTime() + millis * 1_000_000;
    int at = 0;
    int seen = 0;
    while (seen < wanted && System.nanoTime() < until && link.isOpen()) {
      List<Message> news = link.since(at);
      at += news.size();
      for (Message message : news) {
        if (message.code().equals("SHAKEHAND")) {
          seen++;
          link.send("SHAKEHAND", kit.handshake(link, height));
        }
      }
      if (news.isEmpty()) {
        link.await(at, message -> true, 100);
      }
    }
    return seen;
  }

  private static void first(Kit kit) throws Exception {
    accept(kit);
  }

  private static void repeats(Kit kit) throws Exception {
    Link link = accept(kit);
    long millis = KEEP_ALIVES * kit.deadlines.handshake() + kit.deadlines.slack();
    int seen = respond(kit, link, 0, 1 + KEEP_ALIVES, millis);
    check(
        seen > KEEP_ALIVES,
        seen
            + " of "
            + (1 + KEEP_ALIVES)
            + " SHAKEHAND in "
            + millis
            + " ms; "
            + link.shownSince(0));
    check(link.violation() == null, String.valueOf(link.violation()));
  }

  private static void noResponse(Kit kit) throws Exception {
    Link link = accept(kit);
    respond(kit, link, 0, 1, kit.deadlines.response());
    Thread.sleep(Math.min(kit.deadlines.quiet(), kit.deadlines.handshake() / 2));
    long seen = link.since(0).stream().filter(m -> m.code().equals("SHAKEHAND")).count();
    check(seen == 1, "the dialer responds to SHAKEHAND; " + link.shownSince(0));
  }

  private static void silentListener(Kit kit) throws Exception {
    Link link = accept(kit);
    kit.checkCloses(link, 0, kit.deadlines.handshake() + kit.deadlines.slack(), null);
  }

  private static void pulls(Kit kit) throws Exception {
    Link link = accept(kit);
    respond(kit, link, Kit.FAR, 1, kit.deadlines.response());
    check(
        link.await(0, m -> m.code().equals("PULL_BLOCK"), 3 * kit.deadlines.response()) != null,
        "no PULL_BLOCK; " + link.shownSince(0));
  }

  private static void serves(Kit kit) throws Exception {
    Link link = accept(kit);
    respond(kit, link, 0, 1, kit.deadlines.response());
    kit.genesis(link);
    String hash = kit.unknownHash();
    check(!kit.has(link, hash), "a block of the hash " + hash);
  }
}
