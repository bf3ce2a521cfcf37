// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * op-geth, as it is published, is asked for the same blocks of a rollup as the node: both build the
 * same, fork by fork, and say the same of them. Run by {@code -Pop-geth}, which needs Go.
 */
class OpGethIT {
  private static final String MINTER = "0x00000000000000000000000000000000000abcde";
  private static final UInt256 ETHER = UInt256.of(1_000_000_000_000_000_000L);
  private static final int BLOCKS_A_FORK = 8;

  /** Precompiled contracts whose input is limited, and the bytes of an item of it. */
  private static final int[][] LIMITED = {{8, 192}, {0xc, 160}, {0xe, 288}, {0xf, 384}};

  /** The limits of all forks, in items. */
  private static final int[][] LIMITS = {{586, 427}, {3211, 1806}, {1696, 968}, {612, 408}};

  private static final ObjectMapper SORTED =
      JsonMapper.builder()
          .enable(
              SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS, SerializationFeature.INDENT_OUTPUT)
          .defaultPropertyInclusion(
              JsonInclude.Value.construct(JsonInclude.Include.ALWAYS, JsonInclude.Include.NON_NULL))
          .build();

  @TempDir Path folder;

  private final Random random = new Random(6);
  private long nonce;
  private long log;

  /** The node, and the other one. */
  private record Both(Node node, OpDriver ours, Geth peer, OpDriver theirs) {
    /** Has both build a block, which is the same, and makes it the head. */
    void build(ObjectNode attributes, long time) throws Exception {
      String id = ours.start(attributes);
      assertThat(theirs.start(attributes)).as("payload id at " + time).isEqualTo(id);
      ObjectNode envelope = ours.fetch(id, time);
      ObjectNode other = theirs.fetch(id, time);
      for (String member : List.of("executionPayload", "blockValue")) {
        assertThat(shown(envelope.get(member)))
            .as("at " + time)
            .isEqualTo(shown(other.get(member)));
      }
      ours.adopt(envelope);
      theirs.adopt(envelope);
    }

    void check(String method, Object... params) throws Exception {
      assertThat(shown(node.result(method, params)))
          .as(method)
          .isEqualTo(shown(peer.result(method, params)));
    }

    /**
     * What was never executed has an empty frame there; here it is a call with its error. Input
     * that is too long is named otherwise.
     */
    void checkTraces() throws Exception {
      Object[] params = {ours.head, Map.of("tracer", "callTracer")};
      JsonNode our = node.result("debug_traceBlockByHash", params);
      JsonNode their = peer.result("debug_traceBlockByHash", params);
      assertThat(our).hasSameSizeAs(their);
      for (int i = 0; i < their.size(); i++) {
        String error = our.get(i).at("/result/error").asText();
        if (their.get(i).at("/result/type").asText().equals("STOP")) {
          assertThat(error).startsWith("failed deposit: ");
        } else if (error.startsWith("input has")) {
          assertThat(their.get(i).at("/result/error").asText()).containsIgnoringCase("input");
        } else {
          assertThat(shown(our.get(i))).isEqualTo(shown(their.get(i)));
        }
      }
    }
  }

  /** With blocks at the times of the forks, and just after them. */
  @ParameterizedTest
  @ValueSource(longs = {0, 1})
  void bothBuildTheSameBlocks(long after) throws Exception {
    Path genesis = OpDriver.genesis(folder);
    try (Geth peer = Geth.start(folder, genesis, "op-geth", "--rollup.disabletxpoolgossip");
        Node node = new Node(folder.resolve("node"), "run").quick()) {
      node.start("--genesis", genesis.toString(), "--debug", "on");
      Both both = new Both(node, OpDriver.of(node), peer, OpDriver.of(peer.client));
      assertThat(both.ours.head).as("genesis").isEqualTo(both.theirs.head);
      int blocks = 0;
      long jovian = OpDriver.begin("jovian");
      for (long fork = 0; fork <= jovian; fork += OpDriver.STEP) {
        for (int i = fork == 0 ? 1 : 0; i < BLOCKS_A_FORK; i++) {
          long time = fork + after + i * OpDriver.STEP / BLOCKS_A_FORK;
          ObjectNode attributes = both.ours.attributes(time, true, deposits(i));
          if (fork < jovian || i > 0) { // the first of Jovian has deposits alone
            ArrayNode listed = attributes.withArray("transactions");
            transactions().forEach(transaction -> listed.add(Accounts.raw(transaction)));
          }
          both.build(attributes, time);
          both.check("eth_getBlockByHash", both.ours.head, true);
          both.check("eth_getBlockReceipts", both.ours.head);
          both.check("eth_getProof", MINTER, List.of(), "latest");
          both.checkTraces();
          blocks++;
        }
      }
      System.out.printf("op-geth: %d blocks, the same%n", blocks);
    }
  }

  /** Returns the members that have a value, in order of their names. */
  private static String shown(JsonNode json) throws Exception {
    return SORTED.writeValueAsString(SORTED.treeToValue(json, Object.class));
  }

  private Transaction[] deposits(int i) {
    String creation = "0x600160005360016000f3";
    return new Transaction[] {
      deposit(OpDriver.MESSAGE_PASSER, ETHER, UInt256.ONE, 100_000, "0x"),
      deposit(OpDriver.REVERTER, UInt256.ONE, UInt256.MAX, 50_000, "0x"), // more than there is
      deposit(OpDriver.REVERTER, UInt256.ZERO, UInt256.ONE, 60_000, "0x"),
      deposit(null, UInt256.ZERO, UInt256.ZERO, 80_000, creation),
      deposit(OpDriver.REVERTER, UInt256.ZERO, UInt256.ZERO, 20_999, "0x"), // less than the least
      limited(i)
    };
  }

  /** Calls one of the precompiled contracts with as much as it takes, or just more. */
  private Transaction limited(int i) {
    int which = i / 2 % LIMITED.length;
    int items = LIMITS[which][random.nextInt(2)] + i % 2;
    String to = String.format("0x%040x", LIMITED[which][0]);
    String zeros = "0x" + "00".repeat(items * LIMITED[which][1]); // points at infinity
    return deposit(to, UInt256.ZERO, UInt256.ZERO, 27_000_000, zeros);
  }

  private Transaction deposit(String to, UInt256 mint, UInt256 value, long gas, String data) {
    return OpDriver.deposit(log++, MINTER, to, mint, value, gas, data);
  }

  private List<Transaction> transactions() {
    List<Transaction> out = new ArrayList<>();
    out.add(Accounts.transfer(0, nonce++));
    for (int size : new int[] {1, 50, 700}) { // that compresses more and less
      byte[] data = new byte[size];
      for (int at = 0; at < size; at += 1 + random.nextInt(9)) {
        data[at] = (byte) random.nextInt(1 << random.nextInt(8));
      }
      out.add(
          Accounts.transaction(TransactionType.LEGACY, nonce++)
              .gasPrice(UInt256.of(10_000_000_000L))
              .to(Address.fromHex(MINTER))
              .gasLimit(100_000)
              .data(Bytes.wrap(data))
              .sign(Accounts.KEYS[0]));
    }
    out.add(Accounts.create(0, nonce++, "43600055600160015560006000f3")); // number to slot 0
    out.add(Accounts.call(0, nonce++, OpDriver.REVERTER, "0x"));
    out.add(Accounts.call(0, nonce++, "0x" + "0".repeat(37) + "100", P256));
    return out;
  }

  /** A signature that holds (RFC 6979, A.2.5, "sample" with SHA-256). */
  private static final String P256 =
      "0xaf2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf"
          + "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
          + "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
          + "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
          + "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
}
