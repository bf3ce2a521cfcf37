// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Block 0 as a file describes it: its header as JSON, or a genesis file of geth's form. Such a file
 * has no state root, so the members that it has are compared.
 *
 * <p>Threading: immutable.
 */
final class GenesisText {
  /** Members of geth's form, by those of the header. */
  private static final Map<String, String> GETH =
      Map.of(
          "extraData", "extraData",
          "difficulty", "difficulty",
          "gasLimit", "gasLimit",
          "timestamp", "timestamp",
          "nonce", "nonce",
          "mixHash", "mixHash",
          "miner", "coinbase");

  private final @Nullable String hash;
  private final Map<String, String> members = new TreeMap<>();

  private GenesisText(JsonNode file) {
    if (file.has("stateRoot")) {
      ObjectNode data = Wire.NODES.objectNode();
      data.set("block_header", file);
      hash = BlockText.header(data).hashText();
      return;
    }
    hash = null;
    GETH.forEach(
        (header, name) -> {
          if (file.path(name).isValueNode()) {
            members.put(header, file.get(name).asText());
          }
        });
    if (members.isEmpty()) {
      throw new IllegalArgumentException("it is neither a header nor a genesis file");
    }
  }

  /**
   * Reads a file.
   *
   * @throws IOException when it is neither a header nor a genesis file
   */
  static GenesisText read(Path file) throws IOException {
    try {
      return new GenesisText(Wire.json(Files.readString(file)));
    } catch (IllegalArgumentException wrong) {
      throw new IOException(wrong.getMessage(), wrong);
    }
  }

  /** Returns how a block differs; null when it is the genesis block. */
  @Nullable String difference(BlockText block) {
    if (hash != null) {
      return hash.equals(block.hashText()) ? null : block.hash() + ", not " + hash;
    }
    for (Map.Entry<String, String> member : members.entrySet()) {
      String found = block.member(member.getKey());
      if (!number(found).equals(number(member.getValue()))) {
        return member.getKey() + " is " + found + ", not " + member.getValue();
      }
    }
    return null;
  }

  private static BigInteger number(String text) {
    String digits = text.startsWith("0x") ? "0" + text.substring(2) : text;
    return new BigInteger(digits.isEmpty() ? "0" : digits, text.startsWith("0x") ? 16 : 10);
  }
}
