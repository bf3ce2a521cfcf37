// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;

/** How many messages of each code have passed in one direction. Threading: any thread. */
final class MessageCounts {
  private final AtomicLongArray counts = new AtomicLongArray(MessageCode.values().length);

  void add(MessageCode code) {
    counts.incrementAndGet(code.ordinal());
  }

  /** Returns the codes that have passed, with their numbers, in the order of the codes. */
  Map<String, Long> snapshot() {
    Map<String, Long> out = new LinkedHashMap<>();
    for (MessageCode code : MessageCode.values()) {
      long count = counts.get(code.ordinal());
      if (count > 0) {
        out.put(code.name(), count);
      }
    }
    return out;
  }
}
