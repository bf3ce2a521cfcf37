// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A contract on a development chain, and a call of it that succeeds.
 *
 * @param created hash of the transaction that made it
 * @param contract its address
 * @param called hash of the call, which logs, stores, and calls the identity contract
 * @param block the block of the call, with its transactions
 */
record Sample(String created, String contract, String called, JsonNode block) {
  /**
   * Runtime: LOG1 with topic 7, SSTORE(1, 42), CALL of the identity contract, and REVERT when there
   * is call data. The init code before it returns it.
   */
  static final String RUNTIME =
      "36156008575f5ffd" + "5b" + "60075f5fa1" + "602a600155" + "5f5f5f5f5f60045af15000";

  /** Sends the two transactions, the first ones of the first account. */
  static Sample on(Node node) throws Exception {
    int length = RUNTIME.length() / 2;
    String init = String.format("60%02x600a5f3960%02x5ff3", length, length);
    String created = node.send(Accounts.create(0, 0, init + RUNTIME));
    String contract = Journeys.receipt(node, created).get("contractAddress").asText();
    String called = node.send(Accounts.call(0, 1, contract, "0x"));
    JsonNode receipt = Journeys.receipt(node, called);
    assertThat(receipt.get("status").asText()).isEqualTo("0x1");
    assertThat(receipt.get("logs")).hasSize(1);
    JsonNode block = node.result("eth_getBlockByHash", receipt.get("blockHash").asText(), true);
    return new Sample(created, contract, called, block);
  }
}
