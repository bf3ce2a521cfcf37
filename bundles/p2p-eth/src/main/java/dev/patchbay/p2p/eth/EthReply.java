// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

/** The reply to a request. */
interface EthReply extends EthMessage {
  /** Returns the id that the request had, unsigned 64 bits. */
  long requestId();
}
