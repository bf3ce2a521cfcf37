// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.List;

/**
 * Slots of accounts, and the nodes that prove those of the last account (0x03).
 *
 * @param requestId id of the request, unsigned 64 bits
 * @param slots slots of each account in ascending order of hashes
 * @param proof RLP of nodes of the storage trie of the last account; empty when all of its slots
 *     are in the reply
 */
record StorageRanges(long requestId, List<List<Slot>> slots, List<Bytes> proof)
    implements SnapMessage {
  /** Copies the lists. */
  StorageRanges {
    slots = slots.stream().map(List::copyOf).toList();
    proof = List.copyOf(proof);
  }

  /**
   * A slot.
   *
   * @param hash hash of its key
   * @param value RLP of its value
   */
  record Slot(Hash hash, Bytes value) {}

  @Override
  public int code() {
    return MessageCode.STORAGE_RANGES;
  }

  @Override
  public Bytes encode() {
    return RlpList.encode(
        w -> {
          w.number(requestId);
          w.list(
              lists ->
                  slots.forEach(
                      one ->
                          lists.list(
                              list ->
                                  one.forEach(
                                      slot ->
                                          list.list(
                                              item -> item.hash(slot.hash).bytes(slot.value))))));
          RlpList.write(w, proof, RlpWriter::bytes);
        });
  }
}
