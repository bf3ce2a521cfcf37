// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/** Reads and writes payloads: one RLP list with an exact end. */
final class Payload {
  private Payload() {}

  /**
   * Decodes a payload.
   *
   * @param fields reads the items of the list, all of them
   * @throws RlpException when the payload is not one list of these items
   */
  static <T> T decode(Bytes payload, Function<RlpReader, T> fields) {
    RlpReader outer = RlpReader.of(payload.unsafeArray());
    RlpReader reader = outer.list();
    outer.expectEnd();
    T message = fields.apply(reader);
    reader.expectEnd();
    return message;
  }

  /** Encodes a payload: a list whose items {@code fields} writes. */
  static Bytes encode(Consumer<RlpWriter> fields) {
    return Bytes.wrap(new RlpWriter().list(fields).toArray());
  }

  /**
   * Reads the next item, a list.
   *
   * @param max how many items it may have
   * @param item reads one of them
   * @throws RlpException when there are more items
   */
  static <T> List<T> items(RlpReader reader, int max, Function<RlpReader, T> item) {
    List<T> out = new ArrayList<>();
    for (RlpReader items = reader.list(); items.hasNext(); ) {
      if (out.size() == max) {
        throw new RlpException("more than " + max + " items in a list");
      }
      out.add(item.apply(items));
    }
    return out;
  }

  /** Writes a list of byte strings. */
  static void writeAll(RlpWriter writer, List<Bytes> items) {
    writer.list(list -> items.forEach(list::bytes));
  }
}
