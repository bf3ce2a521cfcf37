// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.rlp.RlpWriter;
import dev.patchbay.trie.Trie;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A block as messages carry it, and what follows from its header: the hash, the number, the seal.
 * Threading: immutable, except for the JSON object.
 */
final class BlockText {
  private static final int QUANTITY = -1;
  private static final int BYTES = -2;
  private static final int REQUIRED = 15;
  private static final int EXTRA_DATA = 12;
  private static final int SEAL = 65;
  private static final int VANITY = 32;
  private static final Pattern QUANTITY_FORM = Pattern.compile("0x(0|[1-9a-fA-F][0-9a-fA-F]*)");
  private static final Hash NO_UNCLES =
      Hash.fromHex("0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");

  /**
   * A member of the header.
   *
   * @param name its name
   * @param size its bytes; {@link #QUANTITY} or {@link #BYTES}
   * @param bits of a quantity
   */
  private record Member(String name, int size, int bits) {}

  private static final List<Member> MEMBERS =
      List.of(
          new Member("parentHash", 32, 0),
          new Member("sha3Uncles", 32, 0),
          new Member("miner", 20, 0),
          new Member("stateRoot", 32, 0),
          new Member("transactionsRoot", 32, 0),
          new Member("receiptsRoot", 32, 0),
          new Member("logsBloom", 256, 0),
          new Member("difficulty", QUANTITY, 256),
          new Member("number", QUANTITY, 63),
          new Member("gasLimit", QUANTITY, 63),
          new Member("gasUsed", QUANTITY, 63),
          new Member("timestamp", QUANTITY, 63),
          new Member("extraData", BYTES, 0),
          new Member("mixHash", 32, 0),
          new Member("nonce", 8, 0),
          new Member("baseFeePerGas", QUANTITY, 256),
          new Member("withdrawalsRoot", 32, 0),
          new Member("blobGasUsed", QUANTITY, 63),
          new Member("excessBlobGas", QUANTITY, 63),
          new Member("parentBeaconBlockRoot", 32, 0),
          new Member("requestsHash", 32, 0),
          new Member("blockAccessListHash", 32, 0),
          new Member("slotNumber", QUANTITY, 63));

  private final ObjectNode data;
  private final List<byte[]> fields;
  private final Hash hash;

  private BlockText(ObjectNode data, List<byte[]> fields) {
    this.data = data;
    this.fields = fields;
    hash = Hash.keccak(rlp(fields));
  }

  /**
   * Reads a block and checks that header and body belong together.
   *
   * @param value data of PUSH_BLOCK or NEW_BLOCK
   * @throws IllegalArgumentException when it is none, with the reason
   */
  static BlockText read(JsonNode value) {
    if (!(value instanceof ObjectNode data)) {
      throw new IllegalArgumentException("the block is no object");
    }
    BlockText block = header(data);
    List<byte[]> transactions = new ArrayList<>();
    if (!data.path("transactions").isArray()) {
      throw new IllegalArgumentException("transactions is no array");
    }
    for (JsonNode item : data.get("transactions")) {
      transactions.add(bytes(item, "a transaction"));
    }
    check("transactionsRoot", block.fields.get(4), transactions);
    JsonNode header = data.get("block_header");
    if (block.fields.size() > 16) {
      block.checkWithdrawals(header.path("withdrawals"));
    } else if (header.has("withdrawals")) {
      throw new IllegalArgumentException("withdrawals without a withdrawalsRoot");
    }
    return block;
  }

  /**
   * Reads the header only.
   *
   * @throws IllegalArgumentException when it is none, with the reason
   */
  static BlockText header(ObjectNode data) {
    if (!(data.get("block_header") instanceof ObjectNode header)) {
      throw new IllegalArgumentException("block_header is no object");
    }
    List<byte[]> fields = new ArrayList<>();
    for (Member member : MEMBERS) {
      JsonNode value = header.get(member.name);
      if (value == null && fields.size() < REQUIRED) {
        throw new IllegalArgumentException(member.name + " is missing");
      }
      if (value != null) {
        if (!member.equals(MEMBERS.get(fields.size()))) {
          throw new IllegalArgumentException(
              member.name + " without " + MEMBERS.get(fields.size()).name);
        }
        fields.add(field(member, value));
      }
    }
    if (!Arrays.equals(fields.get(1), NO_UNCLES.unsafeArray())
        || !header.path("uncles").isEmpty()) {
      throw new IllegalArgumentException("the block has uncles");
    }
    return new BlockText(data, fields);
  }

  private static byte[] field(Member member, JsonNode value) {
    if (member.size == QUANTITY) {
      return quantity(value, member.bits, member.name);
    }
    byte[] bytes = bytes(value, member.name);
    if (member.size != BYTES && bytes.length != member.size) {
      throw new IllegalArgumentException(member.name + " is not " + member.size + " bytes");
    }
    return bytes;
  }

  private static byte[] quantity(JsonNode value, int bits, String name) {
    String text = value.isTextual() ? value.asText() : "";
    if (!QUANTITY_FORM.matcher(text).matches()) {
      throw new IllegalArgumentException(name + " is no quantity");
    }
    BigInteger number = new BigInteger(text.substring(2), 16);
    if (number.bitLength() > bits) {
      throw new IllegalArgumentException(name + " has more than " + bits + " bits");
    }
    byte[] signed = number.toByteArray();
    return signed[0] == 0 ? Arrays.copyOfRange(signed, 1, signed.length) : signed;
  }

  private static byte[] bytes(JsonNode value, String name) {
    if (!value.isTextual() || !value.asText().startsWith("0x")) {
      throw new IllegalArgumentException(name + " is not 0x and hexadecimal digits");
    }
    try {
      return Hex.decode(value.asText());
    } catch (IllegalArgumentException malformed) {
      throw new IllegalArgumentException(name + ": " + malformed.getMessage(), malformed);
    }
  }

  private void checkWithdrawals(JsonNode items) {
    if (!items.isArray()) {
      throw new IllegalArgumentException("withdrawals is no array");
    }
    List<byte[]> encoded = new ArrayList<>();
    for (JsonNode item : items) {
      encoded.add(
          rlp(
              List.of(
                  quantity(item.path("index"), 64, "index"),
                  quantity(item.path("validatorIndex"), 64, "validatorIndex"),
                  bytes(item.path("address"), "address"),
                  quantity(item.path("amount"), 64, "amount"))));
    }
    check("withdrawalsRoot", fields.get(16), encoded);
  }

  private static void check(String name, byte[] stated, List<byte[]> values) {
    Hash root = Trie.rootOfList(values);
    if (!Arrays.equals(root.unsafeArray(), stated)) {
      throw new IllegalArgumentException(
          name + " does not belong to the body, whose root is " + root);
    }
  }

  private static byte[] rlp(List<byte[]> items) {
    return new RlpWriter().list(w -> items.forEach(w::bytes)).toArray();
  }

  /** Returns the hash that the header has. */
  Hash hash() {
    return hash;
  }

  String hashText() {
    return hash.toString();
  }

  Hash parentHash() {
    return Hash.wrap(fields.get(0));
  }

  long number() {
    return new BigInteger(1, fields.get(8)).longValueExact();
  }

  /** Returns the object as it came. */
  ObjectNode data() {
    return data;
  }

  /** Returns the number of transactions. */
  int transactions() {
    return data.path("transactions").size();
  }

  /** Returns the hash that the JSON states; null without one. */
  @Nullable String statedHash() {
    JsonNode stated = data.path("block_header").get("hash");
    return stated == null || !stated.isTextual() ? null : stated.asText();
  }

  /**
   * Returns the address that sealed the block under Clique, in hexadecimal; null without a seal.
   */
  @Nullable String signer() {
    byte[] extra = fields.get(EXTRA_DATA);
    int at = extra.length - SEAL;
    if (at < VANITY || extra[extra.length - 1] < 0 || extra[extra.length - 1] > 3) {
      return null;
    }
    List<byte[]> unsealed = new ArrayList<>(fields);
    unsealed.set(EXTRA_DATA, Arrays.copyOf(extra, at));
    byte[] key =
        Secp256k1.recover(
            Hash.keccak(rlp(unsealed)).toArray(),
            Arrays.copyOfRange(extra, at, at + 32),
            Arrays.copyOfRange(extra, at + 32, at + 64),
            extra[extra.length - 1]);
    return key == null ? null : Hex.encode(Secp256k1.address(key));
  }

  /** Returns a copy with another member of the header. */
  ObjectNode with(String member, String value) {
    ObjectNode copy = data.deepCopy();
    ((ObjectNode) copy.get("block_header")).put(member, value);
    return copy;
  }

  /** Returns a member of the header. */
  String member(String name) {
    return data.path("block_header").path(name).asText();
  }
}
