// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.rpc.RpcError;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Bounds what each client holds, and what all clients hold together. Threading: any thread.
 *
 * <p>A client is any object; equal ones are the same client.
 */
final class ClientQuota {
  static final int MAX_CONDITIONS_PER_CLIENT = 25_000;
  static final int MAX_CONDITIONS = 200_000;

  private final String what;
  private final String owner;
  private final int perClient;
  private final int total;
  private final Map<Object, Integer> held = new HashMap<>();
  private int all;

  /**
   * Creates a quota of which nothing is held.
   *
   * @param what names what is held, in the plural
   * @param owner names a client, with an article
   */
  ClientQuota(String what, String owner, int perClient, int total) {
    this.what = what;
    this.owner = owner;
    this.perClient = perClient;
    this.total = total;
  }

  /** Creates the quota of addresses, topics and transactions of filters and subscriptions. */
  static ClientQuota ofConditions() {
    return new ClientQuota(
        "addresses, topics and transactions of filters and subscriptions",
        "a client",
        MAX_CONDITIONS_PER_CLIENT,
        MAX_CONDITIONS);
  }

  /** A part of a quota that a client wants to hold, or holds. */
  record Share(ClientQuota quota, Object client, int amount) {}

  /**
   * Takes shares, all of them or none.
   *
   * @throws RpcError of the kind {@code LIMIT} when a quota does not have so much
   */
  static List<Share> reserve(Share... wanted) throws RpcError {
    List<Share> reserved = new ArrayList<>();
    try {
      for (Share share : wanted) {
        share.quota.reserve(share);
        reserved.add(share);
      }
    } catch (RpcError full) {
      release(reserved);
      throw full;
    }
    return reserved;
  }

  /** Gives shares back; once for each {@link #reserve}. */
  static void release(List<Share> shares) {
    shares.forEach(share -> share.quota.release(share));
  }

  private synchronized void reserve(Share share) throws RpcError {
    int own = held.getOrDefault(share.client, 0);
    if (share.amount > perClient - own) {
      throw full(perClient, owner);
    }
    if (share.amount > total - all) {
      throw full(total, "all clients");
    }
    if (share.amount > 0) {
      held.put(share.client, own + share.amount);
      all += share.amount;
    }
  }

  private RpcError full(int limit, String whose) {
    return new RpcError(
        RpcError.Kind.LIMIT, "too many " + what + ", at most " + limit + " for " + whose);
  }

  private synchronized void release(Share share) {
    all -= share.amount;
    held.computeIfPresent(
        share.client, (client, own) -> own == share.amount ? null : own - share.amount);
  }

  /** Returns how much all clients hold. */
  synchronized int held() {
    return all;
  }

  /** Returns how many clients hold something. */
  synchronized int clients() {
    return held.size();
  }
}
