// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerBan;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Service;

/** Bans a peer. */
@Service
@Command(
    scope = "peer",
    name = "ban",
    description = "Disconnects from a peer, and refuses it for a while")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class PeerBanCommand extends NetworkCommand {
  private static final Pattern TIME = Pattern.compile("([1-9][0-9]{0,8})([smhd])");

  @Argument(
      name = "PEER",
      required = true,
      description =
          "The peer: an enode URL, or its id or the first digits of it, as peer:list shows them")
  private String peer;

  @Option(
      name = "--for",
      description = "How long: a number and s, m, h or d, such as 12h; one day by default")
  private String time = "1d";

  @Override
  String run(Network network) {
    return ban(network, peer, time);
  }

  /** Bans a peer; returns what has happened. */
  static String ban(Network network, String peer, String time) {
    String url = Networks.url(network, peer);
    network.ban(url, duration(time), PeerBan.BY_OPERATOR);
    return "banned for " + time + ": " + url;
  }

  /**
   * Reads a time such as {@code 90s}, {@code 30m}, {@code 12h} or {@code 7d}.
   *
   * @throws IllegalArgumentException when it has another form; the message names it
   */
  static Duration duration(String time) {
    Matcher form = TIME.matcher(time);
    if (!form.matches()) {
      throw new IllegalArgumentException(
          "--for is a number and s, m, h or d, such as 12h, not '" + time + "'");
    }
    long number = Long.parseLong(form.group(1));
    return switch (form.group(2)) {
      case "s" -> Duration.ofSeconds(number);
      case "m" -> Duration.ofMinutes(number);
      case "h" -> Duration.ofHours(number);
      default -> Duration.ofDays(number);
    };
  }
}
