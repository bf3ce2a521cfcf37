// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import dev.patchbay.api.node.Handover;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A handover whose states do not expire. */
final class KeptInMemory implements Handover {
  final Map<String, Object> kept = new HashMap<>();

  @Override
  public void put(String name, Object state) {
    kept.put(name, state);
  }

  @Override
  public @Nullable Object take(String name) {
    return kept.remove(name);
  }
}
