// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;

/** A message of the eth sub-protocol. Threading: implementations are immutable. */
interface EthMessage {
  /** Returns the number of the message, see {@link MessageCode}. */
  int code();

  /** Returns the payload, uncompressed RLP. */
  Bytes encode();
}
