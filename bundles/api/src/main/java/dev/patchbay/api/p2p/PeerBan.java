// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import java.time.Instant;

/**
 * A peer that a network refuses for a while.
 *
 * @param peer which peer
 * @param url its URL, as {@link Network#unban} takes it: on devp2p {@code enode://KEY}
 * @param until when the ban ends
 * @param reason why, in one line of printable ASCII; empty when it is not known
 */
public record PeerBan(PeerId peer, String url, Instant until, String reason) {
  /** The reason of a ban that an operator has made: the peer has done nothing wrong. */
  public static final String BY_OPERATOR = "banned by the operator";
}
