// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.engine;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.payload.Payload;
import dev.patchbay.api.payload.PayloadAttributes;
import dev.patchbay.api.payload.PayloadBuilder;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the payloads are that a consensus client was given ids of: when the builder is replaced, its
 * successor builds them again under the same ids. They are handed over when the namespace is
 * replaced.
 *
 * <p>Threading: any thread.
 */
final class StartedPayloads {
  private static final int KEPT = 10;

  private record Started(Hash parent, PayloadAttributes attributes, @Nullable Payload again) {}

  private final Map<Bytes, Started> byId = new LinkedHashMap<>();

  synchronized void add(Bytes id, Block parent, PayloadAttributes attributes) {
    byId.putIfAbsent(id, new Started(parent.hash(), attributes, null));
    if (byId.size() > KEPT) {
      byId.remove(byId.keySet().iterator().next());
    }
  }

  /** Returns what a successor needs, which {@link #restore} takes. */
  synchronized List<Object> handOver() {
    List<Object> out = new ArrayList<>();
    byId.forEach((id, known) -> out.add(List.of(id, known.parent, known.attributes)));
    return out;
  }

  /** Takes the payloads of a predecessor; null for none. */
  synchronized void restore(@Nullable Object handedOver) {
    if (handedOver instanceof List<?> items) {
      for (Object item : items) {
        if (item instanceof List<?> fields
            && fields.size() == 3
            && fields.get(0) instanceof Bytes id
            && fields.get(1) instanceof Hash parent
            && fields.get(2) instanceof PayloadAttributes attributes) {
          byId.put(id, new Started(parent, attributes, null));
        }
      }
    }
  }

  /** Returns a payload; null when no such payload was started lately. */
  @Nullable Payload get(Bytes id, ChainReader chain, PayloadBuilder builder) {
    Payload built = builder.get(id);
    if (built != null) {
      return built;
    }
    Started known;
    synchronized (this) {
      known = byId.get(id);
    }
    if (known == null || known.again != null) {
      return known == null ? null : known.again;
    }
    Block parent = chain.block(known.parent);
    if (parent == null) {
      return null;
    }
    Payload again = builder.build(parent, known.attributes);
    synchronized (this) {
      byId.replace(id, known, new Started(known.parent, known.attributes, again));
    }
    return again;
  }
}
