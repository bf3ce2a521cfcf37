// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.IntrinsicGas;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import dev.patchbay.trie.Trie;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** The RLP, trie and transaction suites of ethereum/tests; small enough to run whole each time. */
class BasicTests {
  @Test
  void rlp() throws Exception {
    Tally tally = new Tally("RLPTests");
    Vectors.forEach(
        "RLPTests",
        name -> true,
        (name, content) ->
            content
                .fields()
                .forEachRemaining(
                    test -> tally.run(name + " " + test.getKey(), () -> rlpCase(test.getValue()))));
    tally.close();
  }

  private static void rlpCase(JsonNode test) {
    String out = test.get("out").asText();
    byte[] encoded = HexFormat.of().parseHex(out.startsWith("0x") ? out.substring(2) : out);
    JsonNode in = test.get("in");
    boolean invalid = in.isTextual() && in.asText().equals("INVALID");
    boolean valid = in.isTextual() && in.asText().equals("VALID");
    if (invalid) {
      assertThatThrownBy(() -> walk(encoded)).isInstanceOf(IllegalArgumentException.class);
      return;
    }
    walk(encoded);
    if (!valid) {
      RlpWriter writer = new RlpWriter();
      write(writer, in);
      assertThat(writer.toArray()).isEqualTo(encoded);
    }
  }

  private static void walk(byte[] encoded) {
    RlpReader reader = RlpReader.of(encoded);
    walk(reader);
    reader.expectEnd();
  }

  private static void walk(RlpReader reader) {
    if (reader.nextIsList()) {
      for (RlpReader items = reader.list(); items.hasNext(); ) {
        walk(items);
      }
    } else {
      reader.byteArray();
    }
  }

  private static void write(RlpWriter writer, JsonNode value) {
    if (value.isArray()) {
      writer.list(w -> value.forEach(item -> write(w, item)));
    } else if (value.isNumber()) {
      writer.number(UInt256.of(value.bigIntegerValue()));
    } else if (value.asText().startsWith("#")) {
      byte[] bytes = new BigInteger(value.asText().substring(1)).toByteArray();
      writer.bytes(bytes[0] == 0 ? java.util.Arrays.copyOfRange(bytes, 1, bytes.length) : bytes);
    } else {
      writer.bytes(value.asText().getBytes(StandardCharsets.UTF_8));
    }
  }

  @Test
  void tries() throws Exception {
    Tally tally = new Tally("TrieTests");
    Vectors.forEach(
        "TrieTests",
        // trietestnextprev asks for neighbours of keys: a trie here has roots and proofs, order is
        // the flat columns' affair
        name -> !name.contains("trietestnextprev"),
        (name, content) ->
            content
                .fields()
                .forEachRemaining(
                    test ->
                        tally.run(
                            name + " " + test.getKey(), () -> trieCase(name, test.getValue()))));
    tally.close();
  }

  private static void trieCase(String name, JsonNode test) {
    boolean secure = name.toLowerCase(java.util.Locale.ROOT).contains("secure");
    Trie trie = Trie.inMemory();
    JsonNode in = test.get("in");
    if (in.isArray()) {
      in.forEach(pair -> put(trie, secure, pair.get(0).asText(), pair.get(1)));
    } else {
      in.fields().forEachRemaining(entry -> put(trie, secure, entry.getKey(), entry.getValue()));
    }
    assertThat(trie.rootHash()).isEqualTo(Hash.fromHex(test.get("root").asText()));
  }

  private static void put(Trie trie, boolean secure, String keyText, JsonNode value) {
    byte[] key = bytes(keyText);
    byte[] path = secure ? Hash.keccak(key).toArray() : key;
    if (value.isNull()) {
      trie.remove(path);
    } else {
      trie.put(path, bytes(value.asText()));
    }
  }

  private static byte[] bytes(String text) {
    return text.startsWith("0x") ? Hex.decode(text) : text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void transactions() throws Exception {
    Tally tally = new Tally("TransactionTests");
    Vectors.forEach(
        "TransactionTests",
        name -> true,
        (name, content) ->
            content
                .fields()
                .forEachRemaining(
                    test -> {
                      for (Fork fork : Fork.values()) {
                        JsonNode expected = test.getValue().path("result").path(fork.title());
                        if (!expected.isMissingNode()) {
                          tally.run(
                              name + " " + fork.title(),
                              () ->
                                  transactionCase(
                                      test.getValue().get("txbytes").asText(), expected, fork));
                        }
                      }
                    }));
    tally.close();
  }

  private static void transactionCase(String encoded, JsonNode expected, Fork fork) {
    String refusal = null;
    Transaction transaction = null;
    try {
      transaction = Transaction.decode(Bytes.fromHex(encoded).toArray());
      refusal = refusal(transaction, fork);
    } catch (IllegalArgumentException malformed) {
      refusal = malformed.getMessage();
    }
    if (expected.has("exception")) {
      assertThat(refusal).as("must be refused: " + expected.get("exception")).isNotNull();
      return;
    }
    assertThat(refusal).isNull();
    assertThat(transaction.hash()).isEqualTo(Hash.fromHex(expected.get("hash").asText()));
    String sender =
        String.valueOf(
            fork.includes(Fork.HOMESTEAD)
                ? transaction.sender()
                : transaction.senderBeforeHomestead());
    assertThat(sender).isEqualTo(expected.get("sender").asText());
    assertThat(Hex.quantity(IntrinsicGas.of(transaction, fork)))
        .isEqualTo(UInt256.fromHex(expected.get("intrinsicGas").asText()).toHex());
  }

  /** The rules that a transaction obeys by itself, on a chain with id 1. */
  private static String refusal(Transaction t, Fork fork) {
    Fork needed =
        switch (t.type()) {
          case LEGACY -> Fork.FRONTIER;
          case ACCESS_LIST -> Fork.BERLIN;
          case FEE_MARKET -> Fork.LONDON;
          case BLOB -> Fork.CANCUN;
          case SET_CODE -> Fork.PRAGUE;
        };
    if (!fork.includes(needed)) {
      return "type";
    }
    if (t.chainId() != null
        && (!fork.includes(Fork.SPURIOUS_DRAGON) || !t.chainId().equals(UInt256.ONE))) {
      return "chain id";
    }
    if ((fork.includes(Fork.HOMESTEAD) ? t.sender() : t.senderBeforeHomestead()) == null) {
      return "signature";
    }
    if (t.nonce() == -1L) {
      return "nonce";
    }
    if (Long.compareUnsigned(
            t.gasLimit(), Math.max(IntrinsicGas.of(t, fork), IntrinsicGas.floor(t, fork)))
        < 0) {
      return "intrinsic gas";
    }
    if (t.maxPriorityFeePerGas().compareTo(t.maxFeePerGas()) > 0) {
      return "tip";
    }
    BigInteger gas =
        UInt256.of(t.gasLimit()).toBigInteger().multiply(t.maxFeePerGas().toBigInteger());
    if (gas.bitLength() > 256) {
      return "gas price times gas";
    }
    if (t.isCreation() && fork.includes(Fork.SHANGHAI) && t.data().size() > 49_152) {
      return "init code";
    }
    return null;
  }
}
