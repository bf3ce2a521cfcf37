// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.math.BigInteger;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Subscriptions that the request under way has made, and what is to be sent of them: their client
 * does not know their ids before it has the answer. Threading: any thread.
 */
final class Subscribing {
  private final SecureRandom random = new SecureRandom();
  private final Set<String> fresh = new HashSet<>();
  private final List<Runnable> held = new ArrayList<>();

  /** Makes an id that nobody can guess. */
  synchronized String newId() {
    String id = "0x" + new BigInteger(127, random).setBit(127).toString(16);
    fresh.add(id);
    return id;
  }

  /** Sends a notification, now or once the answer is sent. */
  void send(String id, Runnable sending) {
    synchronized (this) {
      if (fresh.contains(id)) {
        held.add(sending);
        return;
      }
    }
    sending.run();
  }

  /** Says that the answer to the request is on its way. */
  synchronized void answered() {
    held.forEach(Runnable::run);
    held.clear();
    fresh.clear();
  }
}
