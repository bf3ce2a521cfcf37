// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.primitives.Bytes;

/** A reply of the snap sub-protocol. Threading: implementations are immutable. */
interface SnapMessage {
  /** Returns the number of the message, see {@link MessageCode}. */
  int code();

  /** Returns the payload, uncompressed RLP. */
  Bytes encode();
}
