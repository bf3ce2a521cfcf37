// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.rlp;

import dev.patchbay.primitives.Bytes;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Reads and writes lists: byte strings that hold one list and nothing else, as the messages of
 * devp2p do, and lists of items of one kind.
 *
 * <p>Threading: any thread.
 */
public final class RlpList {
  private RlpList() {}

  /**
   * Decodes a byte string that is one list.
   *
   * @param fields reads the items of the list, all of them
   * @throws RlpException when the input is not one list of these items, or bytes follow it
   */
  public static <T> T decode(Bytes input, Function<RlpReader, T> fields) {
    RlpReader outer = RlpReader.of(input.unsafeArray());
    RlpReader reader = outer.list();
    outer.expectEnd();
    T value = fields.apply(reader);
    reader.expectEnd();
    return value;
  }

  /** Encodes one list, whose items {@code fields} writes. */
  public static Bytes encode(Consumer<RlpWriter> fields) {
    return Bytes.wrap(new RlpWriter().list(fields).toArray());
  }

  /**
   * Reads the next item, a list of items of one kind.
   *
   * @param max how many items it may have
   * @param item reads one of them
   * @return a new list
   * @throws RlpException when there are more items; they are not read
   */
  public static <T> List<T> read(RlpReader reader, int max, Function<RlpReader, T> item) {
    List<T> out = new ArrayList<>();
    for (RlpReader items = reader.list(); items.hasNext(); ) {
      if (out.size() == max) {
        throw new RlpException("more than " + max + " items in a list");
      }
      out.add(item.apply(items));
    }
    return out;
  }

  /**
   * Writes the next item, a list of items of one kind.
   *
   * @param item writes one of them
   */
  public static <T> void write(RlpWriter writer, List<T> items, BiConsumer<RlpWriter, T> item) {
    writer.list(list -> items.forEach(one -> item.accept(list, one)));
  }
}
