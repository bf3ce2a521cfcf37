// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.consensus.engine.Difficulty;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
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
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The RLP, trie, basic and transaction suites of ethereum/tests; small enough to run whole each
 * time.
 */
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

  /**
   * The pack "basic" of ethereum/tests: addresses of keys, transactions, the genesis of the main
   * network, the compact encoding of paths. Not read: {@code blockgenesistest}, whose header has
   * the form of a prototype of 2014 (a 32-byte nonce, an empty root as an empty string); {@code
   * crypto}, which is AES-CTR and ECIES and comes with the devp2p handshake; {@code difficulty*},
   * see the difficulty suites.
   */
  @Test
  void basic() throws Exception {
    Tally tally = new Tally("BasicTests");
    Vectors.forEach(
        "BasicTests",
        name ->
            name.matches(
                ".*(keyaddrtest|txtest|genesishashestest|hexencodetest|difficulty.*).json"),
        (name, content) -> {
          if (name.contains("difficulty")) {
            content
                .fields()
                .forEachRemaining(
                    test ->
                        tally.run(
                            name + " " + test.getKey(),
                            () -> difficultyCase(name, test.getValue())));
          } else if (name.contains("genesishashes")) {
            tally.run(name, () -> genesisCase(content));
          } else if (name.contains("hexencode")) {
            content
                .fields()
                .forEachRemaining(
                    test ->
                        tally.run(name + " " + test.getKey(), () -> compactCase(test.getValue())));
          } else if (name.contains("keyaddr")) {
            content.forEach(test -> tally.run(name, () -> keyCase(test)));
          } else {
            content.forEach(test -> tally.run(name, () -> signedCase(test)));
          }
        });
    tally.close();
  }

  /** The rules follow from the number of the block, as they do on the named network. */
  private static void difficultyCase(String name, JsonNode test) {
    long number = TestState.number(test.get("currentBlockNumber").asText()).longValue();
    long[] starts =
        name.contains("Ropsten")
            ? new long[] {0, 1_700_000, 4_230_000}
            : name.contains("Homestead")
                ? new long[] {0, Long.MAX_VALUE, Long.MAX_VALUE}
                : new long[] {1_150_000, 4_370_000, 7_280_000};
    Fork fork =
        number >= starts[2]
            ? Fork.CONSTANTINOPLE
            : number >= starts[1]
                ? Fork.BYZANTIUM
                : number >= starts[0] ? Fork.HOMESTEAD : Fork.FRONTIER;
    String ommers = test.path("parentUncles").asText(BlockHeader.EMPTY_OMMERS.toString());
    assertThat(
            Difficulty.of(
                fork,
                number,
                TestState.number(test.get("currentTimestamp").asText()).longValue(),
                TestState.number(test.get("parentDifficulty").asText()),
                TestState.number(test.get("parentTimestamp").asText()).longValue(),
                !ommers.equals(BlockHeader.EMPTY_OMMERS.toString())))
        .isEqualTo(TestState.number(test.get("currentDifficulty").asText()));
  }

  private static void genesisCase(JsonNode test) {
    byte[] encoded = HexFormat.of().parseHex(test.get("genesis_rlp_hex").asText());
    Block genesis = Block.decode(encoded);
    assertThat(genesis.hash()).isEqualTo(Hash.fromHex("0x" + test.get("genesis_hash").asText()));
    assertThat(genesis.header().stateRoot())
        .isEqualTo(Hash.fromHex("0x" + test.get("genesis_state_root").asText()));
    assertThat(genesis.encode()).isEqualTo(encoded);
  }

  private static void keyCase(JsonNode test) {
    byte[] key = Hash.keccak(test.get("seed").asText().getBytes(StandardCharsets.UTF_8)).toArray();
    assertThat(HexFormat.of().formatHex(key)).isEqualTo(test.get("key").asText());
    byte[] address = HexFormat.of().parseHex(test.get("addr").asText());
    assertThat(Secp256k1.address(Secp256k1.publicKey(key))).isEqualTo(address);
  }

  private static void signedCase(JsonNode test) {
    byte[] key = HexFormat.of().parseHex(test.get("key").asText());
    byte[] encoded = HexFormat.of().parseHex(test.get("signed").asText());
    Transaction transaction = Transaction.decode(encoded);
    assertThat(transaction.encode()).isEqualTo(encoded);
    assertThat(transaction.nonce()).isEqualTo(test.get("nonce").asLong());
    assertThat(transaction.gasLimit()).isEqualTo(test.get("startgas").asLong());
    assertThat(transaction.data().toString()).isEqualTo("0x" + test.get("data").asText());
    // s may be in the upper half: the vector is of 2014
    assertThat(transaction.senderBeforeHomestead().toArray())
        .isEqualTo(Secp256k1.address(Secp256k1.publicKey(key)));
  }

  /**
   * Puts keys into a trie so that the path in question is that of its only leaf or of its
   * extension, and reads the encoded path off the node.
   */
  private static void compactCase(JsonNode test) {
    StringBuilder digits = new StringBuilder();
    test.get("seq").forEach(digit -> digits.append(Integer.toHexString(digit.asInt())));
    boolean leaf = test.get("term").asBoolean();
    boolean odd = digits.length() % 2 == 1;
    List<String> keys =
        leaf
            ? odd ? List.of("0" + digits, "1" + digits) : List.of(digits.toString())
            : odd ? List.of(digits + "0", digits + "1") : List.of(digits + "00", digits + "10");
    Trie trie = Trie.inMemory();
    byte[] value = new byte[40]; // so long that no node is put into its parent
    value[0] = 1;
    keys.forEach(key -> trie.put(HexFormat.of().parseHex(key), value));
    List<byte[]> nodes = trie.proof(HexFormat.of().parseHex(keys.get(0)));
    byte[] node = nodes.get(leaf ? nodes.size() - 1 : 0);
    assertThat(HexFormat.of().formatHex(RlpReader.of(node).list().byteArray()))
        .isEqualTo(test.get("out").asText());
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
          case DEPOSIT -> null;
        };
    if (needed == null || !fork.includes(needed)) {
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
