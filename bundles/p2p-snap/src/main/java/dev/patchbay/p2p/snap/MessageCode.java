// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

/** The numbers of the messages of snap/1. */
final class MessageCode {
  static final int GET_ACCOUNT_RANGE = 0x00;
  static final int ACCOUNT_RANGE = 0x01;
  static final int GET_STORAGE_RANGES = 0x02;
  static final int STORAGE_RANGES = 0x03;
  static final int GET_BYTE_CODES = 0x04;
  static final int BYTE_CODES = 0x05;
  static final int GET_TRIE_NODES = 0x06;
  static final int TRIE_NODES = 0x07;

  /** How many numbers there are. */
  static final int COUNT = 8;

  private MessageCode() {}
}
