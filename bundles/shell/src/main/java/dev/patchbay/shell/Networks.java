// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Finds the network and the peer that a command names. */
final class Networks {
  /** A name with fewer digits would soon fit several peers. */
  private static final int MIN_DIGITS = 4;

  /** Ids that an error names at most. */
  private static final int MAX_SHOWN = 4;

  private static final String ENODE = "enode://";
  private static final int ID_DIGITS = 128;
  private static final Pattern ID = Pattern.compile("[0-9a-f]{" + ID_DIGITS + "}");

  private Networks() {}

  /**
   * Returns a network.
   *
   * @param name its name; null for the only one
   * @throws IllegalStateException when there is none
   * @throws IllegalArgumentException when the name is missing or unknown; the message lists the
   *     names
   */
  static Network find(List<Network> all, @Nullable String name) {
    if (all.isEmpty()) {
      throw new IllegalStateException(
          "the node has no peers: start it with --p2p on, and install the feature patchbay-p2p;"
              + " patchbay:doctor says when its configuration is wrong");
    }
    String names = all.stream().map(Network::name).sorted().collect(Collectors.joining(", "));
    if (name == null) {
      if (all.size() > 1) {
        throw new IllegalArgumentException("choose a network with --network: " + names);
      }
      return all.get(0);
    }
    return all.stream()
        .filter(network -> network.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no network '" + name + "'; there are: " + names));
  }

  /**
   * Returns the URL of a peer that is connected, or being dialed.
   *
   * @param text a URL, which is returned as it is, or the id or its first digits, as {@code
   *     peer:list} shows them
   * @throws IllegalArgumentException when no peer, or several, have such an id
   */
  static String url(Network network, String text) {
    Map<String, String> urls = new LinkedHashMap<>();
    network.pending().forEach(remote -> idOf(remote).ifPresent(id -> urls.put(id, remote)));
    network.peers().forEach(peer -> urls.put(peer.id().value(), peer.url()));
    return url(text, urls, "peer:list shows the peers");
  }

  /**
   * Returns the URL of a banned peer.
   *
   * @param text as of {@link #url}, as {@code peer:bans} shows it
   * @throws IllegalArgumentException when no banned peer, or several, have such an id
   */
  static String bannedUrl(Network network, String text) {
    Map<String, String> urls = new LinkedHashMap<>();
    network.bans().forEach(ban -> urls.put(ban.peer().value(), ban.url()));
    return url(text, urls, "peer:bans shows the banned peers");
  }

  private static String url(String text, Map<String, String> urls, String where) {
    if (text.contains(":")) {
      return text;
    }
    String digits = text.toLowerCase(Locale.ROOT);
    List<String> found =
        digits.length() < MIN_DIGITS
            ? List.of()
            : urls.keySet().stream().filter(id -> id.startsWith(digits)).toList();
    if (found.size() == 1) {
      return String.valueOf(urls.get(found.get(0)));
    }
    if (ID.matcher(digits).matches()) {
      return ENODE + digits;
    }
    throw new IllegalArgumentException(
        "'"
            + text
            + "' is neither an enode URL nor the beginning of "
            + (found.isEmpty() ? "an id that is shown" : "one id only: " + shown(found))
            + "; "
            + where);
  }

  /** Returns ids that a text fits, so that more digits can be given. */
  private static String shown(List<String> ids) {
    return ids.stream().limit(MAX_SHOWN).map(Networks::shortId).collect(Collectors.joining(", "))
        + (ids.size() > MAX_SHOWN ? ", …" : "");
  }

  /** Returns the first digits of an id, as {@link PeerId#shortText} does. */
  private static String shortId(String id) {
    return new PeerId("", id).shortText();
  }

  /** Returns the id in an enode URL; empty for any other text. */
  private static Optional<String> idOf(String url) {
    return url.startsWith(ENODE) && url.length() >= ENODE.length() + ID_DIGITS
        ? Optional.of(url.substring(ENODE.length(), ENODE.length() + ID_DIGITS))
        : Optional.empty();
  }

  /** Returns a remote end as a table shows it: an enode URL by its short id and its address. */
  static String shownRemote(String remote) {
    return idOf(remote)
        .map(
            id -> {
              String rest = remote.substring(ENODE.length() + ID_DIGITS).replaceFirst("^@", "");
              return shortId(id) + (rest.isEmpty() ? "" : "  " + rest);
            })
        .orElse(remote);
  }
}
