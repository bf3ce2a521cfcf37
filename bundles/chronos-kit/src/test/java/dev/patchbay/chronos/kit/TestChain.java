// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.trie.Trie;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/** A chain under Clique whose one signer has the key 1. */
final class TestChain {
  static final String SIGNER = "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf";
  static final byte[] TRANSACTION =
      Hex.decode(
          "0xf86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025"
              + "a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"
              + "a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83");

  private static final byte[] KEY = key();
  private static final int SEAL_DIGITS = 130;
  private static final String EMPTY_ROOT = Trie.rootOfList(List.of()).toString();

  private TestChain() {}

  private static byte[] key() {
    byte[] key = new byte[32];
    key[31] = 1;
    return key;
  }

  /** Returns block 0 and as many blocks on it as make the length. */
  static List<BlockText> of(int length) {
    List<BlockText> blocks = new ArrayList<>();
    blocks.add(BlockText.read(data(Hash.ZERO, 0, List.of(), SIGNER.substring(2))));
    while (blocks.size() < length) {
      int number = blocks.size();
      blocks.add(
          sealed(
              data(
                  blocks.get(number - 1).hash(),
                  number,
                  number % 2 == 1 ? List.of(TRANSACTION) : List.of(),
                  "")));
    }
    return blocks;
  }

  private static ObjectNode data(
      Hash parent, long number, List<byte[]> transactions, String signers) {
    ObjectNode data = Wire.NODES.objectNode();
    ObjectNode header = data.putObject("block_header");
    header.put("parentHash", parent.toString());
    header.put("sha3Uncles", "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
    header.put("miner", "0x" + "00".repeat(20));
    header.put("stateRoot", EMPTY_ROOT);
    header.put("transactionsRoot", Trie.rootOfList(transactions).toString());
    header.put("receiptsRoot", EMPTY_ROOT);
    header.put("logsBloom", "0x" + "00".repeat(256));
    header.put("difficulty", number == 0 ? "0x1" : "0x2");
    header.put("number", Hex.quantity(number));
    header.put("gasLimit", "0x1c9c380");
    header.put("gasUsed", "0x5208");
    header.put("timestamp", Hex.quantity(1_700_000_000 + number));
    header.put("extraData", "0x" + "00".repeat(32) + signers + "0".repeat(SEAL_DIGITS));
    header.put("mixHash", "0x" + "00".repeat(32));
    header.put("nonce", "0x0000000000000000");
    header.put("baseFeePerGas", "0x7");
    header.put("withdrawalsRoot", EMPTY_ROOT);
    header.putArray("uncles");
    header.putArray("withdrawals");
    ArrayNode encoded = data.putArray("transactions");
    transactions.forEach(one -> encoded.add(Hex.encode(one)));
    return data;
  }

  private static BlockText sealed(ObjectNode data) {
    ObjectNode header = (ObjectNode) data.get("block_header");
    String unsealed = header.get("extraData").asText();
    String vanity = unsealed.substring(0, unsealed.length() - SEAL_DIGITS);
    header.put("extraData", vanity);
    Secp256k1.Signature seal = Secp256k1.sign(BlockText.header(data).hash().toArray(), KEY);
    HexFormat hex = HexFormat.of();
    header.put(
        "extraData",
        vanity + hex.formatHex(seal.r()) + hex.formatHex(seal.s()) + "0" + seal.yParity());
    BlockText block = BlockText.read(data);
    header.put("hash", block.hashText());
    return block;
  }

  /** Returns blocks as frames of PUSH_BLOCK. */
  static byte[] frames(List<BlockText> blocks) {
    byte[] all = new byte[0];
    for (BlockText block : blocks) {
      byte[] frame = Wire.message("PUSH_BLOCK", block.data());
      int at = all.length;
      all = Arrays.copyOf(all, at + frame.length);
      System.arraycopy(frame, 0, all, at, frame.length);
    }
    return all;
  }
}
