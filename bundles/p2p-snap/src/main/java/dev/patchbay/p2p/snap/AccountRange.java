// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.List;

/**
 * Accounts, and the nodes that prove that there are no others between the origin of the request and
 * the last of them (0x01).
 *
 * @param requestId id of the request, unsigned 64 bits
 * @param accounts accounts in ascending order of hashes
 * @param proof RLP of trie nodes; empty when the state is not available
 */
record AccountRange(long requestId, List<Entry> accounts, List<Bytes> proof)
    implements SnapMessage {
  /** Copies the lists. */
  AccountRange {
    accounts = List.copyOf(accounts);
    proof = List.copyOf(proof);
  }

  /**
   * An account.
   *
   * @param hash hash of its address
   * @param body its slim RLP
   */
  record Entry(Hash hash, Bytes body) {}

  @Override
  public int code() {
    return MessageCode.ACCOUNT_RANGE;
  }

  @Override
  public Bytes encode() {
    return RlpList.encode(
        w -> {
          w.number(requestId);
          w.list(
              list ->
                  accounts.forEach(
                      one -> list.list(item -> item.hash(one.hash).raw(one.body.unsafeArray()))));
          RlpList.write(w, proof, RlpWriter::bytes);
        });
  }
}
