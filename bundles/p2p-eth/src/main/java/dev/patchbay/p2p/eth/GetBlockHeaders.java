// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpReader;
import java.math.BigInteger;

/**
 * Asks for headers (0x03).
 *
 * @param requestId id that the reply repeats, unsigned 64 bits
 * @param origin the first header
 * @param limit how many headers at most, unsigned 64 bits
 * @param skip how many blocks lie between two headers, unsigned 64 bits
 * @param reverse whether numbers fall
 */
record GetBlockHeaders(long requestId, Origin origin, long limit, long skip, boolean reverse)
    implements EthMessage {
  /** Which header is the first one. */
  sealed interface Origin {}

  /** The header with a hash, canonical or not. */
  record ByHash(Hash hash) implements Origin {}

  /** The canonical header with a number, unsigned 64 bits. */
  record ByNumber(long number) implements Origin {}

  @Override
  public int code() {
    return MessageCode.GET_BLOCK_HEADERS;
  }

  @Override
  public Bytes encode() {
    return RlpList.encode(
        w ->
            w.number(requestId)
                .list(
                    q -> {
                      if (origin instanceof ByHash start) {
                        q.hash(start.hash());
                      } else if (origin instanceof ByNumber start) {
                        q.number(start.number());
                      }
                      q.number(limit).number(skip).number(reverse ? 1 : 0);
                    }));
  }

  /** Decodes a payload. */
  static GetBlockHeaders decode(Bytes payload) {
    return RlpList.decode(
        payload,
        r -> {
          long requestId = r.number();
          RlpReader q = r.list();
          Origin origin = origin(q.byteArray());
          long limit = q.number();
          long skip = q.number();
          long reverse = q.number();
          q.expectEnd();
          if (reverse != 0 && reverse != 1) {
            throw new RlpException("reverse is " + Long.toUnsignedString(reverse));
          }
          return new GetBlockHeaders(requestId, origin, limit, skip, reverse == 1);
        });
  }

  private static Origin origin(byte[] start) {
    if (start.length == Hash.SIZE) {
      return new ByHash(Hash.wrap(start));
    }
    if (start.length > Long.BYTES) {
      throw new RlpException("a block is named by " + start.length + " bytes");
    }
    if (start.length > 0 && start[0] == 0) {
      throw new RlpException("a block number has a leading zero");
    }
    return new ByNumber(new BigInteger(1, start).longValue());
  }
}
