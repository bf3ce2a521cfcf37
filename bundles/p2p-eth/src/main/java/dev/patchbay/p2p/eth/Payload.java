// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.List;

/** Reads and writes what several payloads have in common. */
final class Payload {
  private Payload() {}

  /** Encodes a request: its id, and hashes. */
  static Bytes encodeRequest(long requestId, List<Hash> hashes) {
    return RlpList.encode(
        w -> {
          w.number(requestId);
          RlpList.write(w, hashes, RlpWriter::hash);
        });
  }

  /** Encodes a reply: the id of the request, and items that are RLP already. */
  static Bytes encodeReply(long requestId, List<Bytes> items) {
    return RlpList.encode(
        w -> {
          w.number(requestId);
          writeRaw(w, items);
        });
  }

  /** Reads the next item, a list of at most {@code max} hashes. */
  static List<Hash> hashes(RlpReader reader, int max) {
    return RlpList.read(reader, max, RlpReader::hash);
  }

  /** Reads the next item, a list of at most {@code max} items that are decoded later. */
  static List<Bytes> rawItems(RlpReader reader, int max) {
    return RlpList.read(reader, max, items -> Bytes.wrap(items.raw()));
  }

  /** Writes a list of items that are RLP already. */
  static void writeRaw(RlpWriter writer, List<Bytes> items) {
    int size = items.stream().mapToInt(Bytes::size).sum();
    writer.beginList(size);
    items.forEach(item -> writer.raw(item.unsafeArray()));
  }
}
