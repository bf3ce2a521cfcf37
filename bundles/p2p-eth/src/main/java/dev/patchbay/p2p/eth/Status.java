// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ForkId;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.nio.ByteBuffer;

/**
 * The first message of both sides (0x00). Its layout follows the version of the connection.
 *
 * @param version version that the sender states, unsigned 64 bits
 * @param networkId identifies the network, unsigned 64 bits
 * @param genesis hash of the genesis block
 * @param forkId identifies the rules that the sender follows (EIP-2124)
 * @param head a block range from eth/69 on, a total difficulty before
 */
record Status(long version, long networkId, Hash genesis, ForkId forkId, PeerHead head)
    implements EthMessage {
  private static final int FORK_HASH_BYTES = 4;

  @Override
  public int code() {
    return MessageCode.STATUS;
  }

  @Override
  public Bytes encode() {
    return RlpList.encode(
        w -> {
          w.number(version).number(networkId);
          if (head instanceof PeerHead.TotalDifficulty old) {
            w.number(old.totalDifficulty()).hash(old.latestHash());
          }
          w.hash(genesis);
          writeForkId(w, forkId);
          if (head instanceof BlockRange range) {
            range.write(w);
          }
        });
  }

  /** Writes a fork id as in Status and in node records: {@code [hash, next]} (EIP-2124). */
  static void writeForkId(RlpWriter writer, ForkId id) {
    byte[] hash = ByteBuffer.allocate(FORK_HASH_BYTES).putInt(id.hash()).array();
    writer.list(w -> w.bytes(hash).number(id.next()));
  }

  /**
   * Decodes a payload.
   *
   * @param negotiated version of the connection, which decides the layout
   */
  static Status decode(EthVersion negotiated, Bytes payload) {
    return RlpList.decode(
        payload, r -> negotiated.hasBlockRange() ? readWithRange(r) : readWithDifficulty(r));
  }

  private static Status readWithRange(RlpReader r) {
    return new Status(r.number(), r.number(), r.hash(), readForkId(r), BlockRange.read(r));
  }

  private static Status readWithDifficulty(RlpReader r) {
    long version = r.number();
    long networkId = r.number();
    PeerHead head = new PeerHead.TotalDifficulty(r.uint256(), r.hash());
    return new Status(version, networkId, r.hash(), readForkId(r), head);
  }

  private static ForkId readForkId(RlpReader reader) {
    RlpReader r = reader.list();
    ForkId id = readForkIdFields(r);
    r.expectEnd();
    return id;
  }

  /** Reads the fields of a fork id; further ones are left. */
  static ForkId readForkIdFields(RlpReader fields) {
    return new ForkId(ByteBuffer.wrap(fields.fixed(FORK_HASH_BYTES)).getInt(), fields.number());
  }
}
