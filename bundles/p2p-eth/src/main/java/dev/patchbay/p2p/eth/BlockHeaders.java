// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpReader;
import java.util.List;

/**
 * The reply to GetBlockHeaders (0x04).
 *
 * @param requestId id of the request
 * @param headers the headers in RLP, at most {@link EthLimits#MAX_HEADERS}
 */
record BlockHeaders(long requestId, List<Bytes> headers) implements EthReply {
  /** Copies the list. */
  BlockHeaders {
    headers = List.copyOf(headers);
  }

  /**
   * Decodes the headers.
   *
   * @throws dev.patchbay.primitives.rlp.RlpException when one is malformed
   */
  List<BlockHeader> decodeHeaders() {
    return headers.stream()
        .map(header -> BlockHeader.read(RlpReader.of(header.unsafeArray())))
        .toList();
  }

  @Override
  public int code() {
    return MessageCode.BLOCK_HEADERS;
  }

  @Override
  public Bytes encode() {
    return Payload.encodeReply(requestId, headers);
  }

  /** Decodes a payload. */
  static BlockHeaders decode(Bytes payload) {
    return RlpList.decode(
        payload, r -> new BlockHeaders(r.number(), Payload.rawItems(r, EthLimits.MAX_HEADERS)));
  }
}
