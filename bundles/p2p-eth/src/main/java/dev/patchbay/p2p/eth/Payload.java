// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/** Reads and writes what all payloads have in common: one RLP list with an exact end. */
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

  /** Encodes a request: its id, and hashes. */
  static Bytes encodeRequest(long requestId, List<Hash> hashes) {
    return encode(
        w -> {
          w.number(requestId);
          writeHashes(w, hashes);
        });
  }

  /** Encodes a reply: the id of the request, and items that are RLP already. */
  static Bytes encodeReply(long requestId, List<Bytes> items) {
    return encode(
        w -> {
          w.number(requestId);
          writeRaw(w, items);
        });
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

  /** Reads the next item, a list of at most {@code max} hashes. */
  static List<Hash> hashes(RlpReader reader, int max) {
    return items(reader, max, RlpReader::hash);
  }

  /** Reads the next item, a list of at most {@code max} items that are decoded later. */
  static List<Bytes> rawItems(RlpReader reader, int max) {
    return items(reader, max, items -> Bytes.wrap(items.raw()));
  }

  /** Writes a list of hashes. */
  static void writeHashes(RlpWriter writer, List<Hash> hashes) {
    writer.list(list -> hashes.forEach(list::hash));
  }

  /** Writes a list of items that are RLP already. */
  static void writeRaw(RlpWriter writer, List<Bytes> items) {
    int size = items.stream().mapToInt(Bytes::size).sum();
    writer.beginList(size);
    items.forEach(item -> writer.raw(item.unsafeArray()));
  }
}
