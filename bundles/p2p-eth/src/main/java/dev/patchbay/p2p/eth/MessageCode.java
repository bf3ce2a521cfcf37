// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

/** Numbers of the messages (devp2p, "Ethereum Wire Protocol", "Protocol Messages"). */
final class MessageCode {
  static final int STATUS = 0x00;
  static final int NEW_BLOCK_HASHES = 0x01;
  static final int TRANSACTIONS = 0x02;
  static final int GET_BLOCK_HEADERS = 0x03;
  static final int BLOCK_HEADERS = 0x04;
  static final int GET_BLOCK_BODIES = 0x05;
  static final int BLOCK_BODIES = 0x06;
  static final int NEW_BLOCK = 0x07;
  static final int NEW_POOLED_TRANSACTION_HASHES = 0x08;
  static final int GET_POOLED_TRANSACTIONS = 0x09;
  static final int POOLED_TRANSACTIONS = 0x0a;
  static final int GET_RECEIPTS = 0x0f;
  static final int RECEIPTS = 0x10;

  /** From eth/69. */
  static final int BLOCK_RANGE_UPDATE = 0x11;

  /** From eth/71. */
  static final int GET_BLOCK_ACCESS_LISTS = 0x12;

  /** From eth/71. */
  static final int BLOCK_ACCESS_LISTS = 0x13;

  private MessageCode() {}
}
