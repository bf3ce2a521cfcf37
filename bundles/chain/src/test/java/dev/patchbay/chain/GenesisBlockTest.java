// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.BlockHeader;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Genesis blocks by the fork that is active at their time. The hashes are those of geth 1.17.5 and
 * op-geth 1.101702.3 for the same files.
 */
class GenesisBlockTest {
  private static final List<String> BLOCKS =
      List.of(
          "homestead",
          "eip150",
          "eip155",
          "eip158",
          "byzantium",
          "constantinople",
          "petersburg",
          "istanbul",
          "muirGlacier",
          "berlin",
          "london",
          "arrowGlacier",
          "grayGlacier");
  private static final List<String> TIMES =
      List.of("shanghai", "cancun", "prague", "osaka", "amsterdam");
  private static final List<String> ROLLUP_TIMES =
      List.of("regolith", "canyon", "ecotone", "fjord", "granite", "holocene", "isthmus", "jovian");
  private static final String MESSAGE_PASSER = "0x4200000000000000000000000000000000000016";

  /** Root of a storage trie whose slot 1 is 1. */
  private static final String MESSAGES_ROOT =
      "0xf38f9f63c760d088d7dd04f743619b6291f63beebd8bdf530628f90e9cfa52d7";

  private static final long TIME = 1_700_000_000L;

  private final TrieWorkers workers = new TrieWorkers(1);

  @AfterEach
  void close() {
    workers.close();
  }

  private BlockHeader header(ObjectNode genesis) {
    return new ChainOpener(GenesisFile.parse(genesis), workers).genesis().header();
  }

  private void assertHash(ObjectNode genesis, String hash) {
    BlockHeader header = header(genesis);
    assertThat(header.computeHash().toString()).as("%s", header).isEqualTo(hash);
  }

  private static ObjectNode genesis(List<String> blocks) {
    ObjectNode genesis = JsonNodeFactory.instance.objectNode();
    ObjectNode config = genesis.putObject("config").put("chainId", 424242);
    blocks.forEach(fork -> config.put(fork + "Block", 0));
    genesis
        .put("timestamp", "0x" + Long.toHexString(TIME))
        .put("gasLimit", "0x3938700")
        .put("difficulty", "0x0")
        .put("extraData", "0x")
        .putObject("alloc")
        .putObject("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
        .put("balance", "0x56bc75e2d63100000");
    return genesis;
  }

  /** Returns the genesis of a beacon chain with the first forks by time. */
  private static ObjectNode ethereum(int forks, long from) {
    ObjectNode genesis = genesis(BLOCKS);
    ObjectNode config = ((ObjectNode) genesis.get("config")).put("terminalTotalDifficulty", 0);
    TIMES.subList(0, forks).forEach(fork -> config.put(fork + "Time", from));
    return genesis;
  }

  /** Returns the genesis of a rollup with the first forks of the OP Stack. */
  private static ObjectNode rollup(int forks, long from) {
    ObjectNode genesis = genesis(BLOCKS);
    ObjectNode config = ((ObjectNode) genesis.get("config")).put("terminalTotalDifficulty", 0);
    ROLLUP_TIMES.subList(0, forks).forEach(fork -> config.put(fork + "Time", from));
    config
        .putObject("optimism")
        .put("eip1559Elasticity", 6)
        .put("eip1559Denominator", 50)
        .put("eip1559DenominatorCanyon", 250);
    genesis.put("coinbase", "0x4200000000000000000000000000000000000011");
    if (forks > ROLLUP_TIMES.indexOf("jovian")) {
      genesis.put("extraData", "0x01000000fa000000060000000000000000");
    } else if (forks > ROLLUP_TIMES.indexOf("holocene")) {
      genesis.put("extraData", "0x00000000fa00000006");
    }
    messagePasser(genesis).putObject("storage").put("0x" + "0".repeat(63) + "1", "0x01");
    return genesis;
  }

  private static ObjectNode messagePasser(ObjectNode genesis) {
    return ((ObjectNode) genesis.get("alloc"))
        .putObject(MESSAGE_PASSER)
        .put("balance", "0x0")
        .put("code", "0x43425500");
  }

  /** Returns the genesis of a chain of proof of work. */
  private static ObjectNode work(List<String> blocks) {
    ObjectNode genesis = genesis(blocks).put("difficulty", "0x20000");
    ((ObjectNode) genesis.get("config")).put("terminalTotalDifficulty", 1_000_000_000_000_000L);
    return genesis;
  }

  @Test
  void beaconChainsShowTheFieldsOfEachFork() {
    String[] hashes = {
      "0xad2a53d93dddb915fd6e0c388cb9ed425033ced3ff10505d15d4dc331d029c5f",
      "0xe05ab9fc102a79183d0470577510ba28555b45f1064bbeac63f7bf459ea2d99c",
      "0x7004696fdfa17f2922785eca1f5fee59edf5bf45fecc987dbf9e9932d843e732",
      "0xebf7a080de3a57cb8cbe1a3fd5777b3671cb8c0b68db3351f87cfeba925bad43",
      "0xebf7a080de3a57cb8cbe1a3fd5777b3671cb8c0b68db3351f87cfeba925bad43",
      "0xfc115eddadf000cbec5c176f21c4c0b56b90d49a6cd29b52094a187765a92644"
    };
    for (int forks = 0; forks < hashes.length; forks++) {
      assertHash(ethereum(forks, 0), hashes[forks]);
      assertHash(ethereum(forks, TIME), hashes[forks]);
      assertHash(ethereum(forks, TIME + 1), hashes[0]);
    }
  }

  @Test
  void givenValuesOfAForkAreThoseOfTheHeader() {
    assertHash(
        ethereum(2, 0)
            .put("excessBlobGas", "0x20000")
            .put("blobGasUsed", "0x40000")
            .put("baseFeePerGas", "0x7"),
        "0x4e08e484b2fa2d35e6d64c520db41d7112adcb575068c5d5d65a60cd250434d2");
    assertHash(
        ethereum(TIMES.size(), 0).put("slotNumber", 999),
        "0x634b3a7a934d3b8419b4882226760c1f531a51e6e2dffd13bf1fb7a230059a7a");
    assertHash(
        ethereum(1, 0).put("gasLimit", "0x0"),
        "0x5ef2f0869c6c18d34525c14770018c66f0cfaabf097a9f1487ba2c3143a8e209");
  }

  @Test
  void theBaseFeeIsInTheHeaderFromLondonOnAndWhereItIsGiven() {
    List<String> berlin = BLOCKS.subList(0, BLOCKS.indexOf("london"));
    String given = "0xd3eee5de93c1f5ce67409bf9bc62126e1a16cc432e7883f4b4b4b23a8ccbc673";
    assertHash(work(berlin), "0x4b88c35c63f0195c13317ad0a03517e75f982280cb7f77dceb9bca3de025d364");
    assertHash(work(BLOCKS), "0x08514ca2558ced9133fdf7e93b442f9729ef015f8c9599f04828cef4430e4860");
    assertHash(work(berlin).put("baseFeePerGas", "0x7"), given);
    assertHash(work(BLOCKS).put("baseFeePerGas", "0x7"), given);
    assertHash( // fields of later forks are ignored
        work(berlin).put("blobGasUsed", "0x20000").put("slotNumber", 3),
        "0x4b88c35c63f0195c13317ad0a03517e75f982280cb7f77dceb9bca3de025d364");
  }

  @Test
  void rollupsShowTheFieldsOfEachFork() {
    String[] hashes = {
      "0xfaf984bd065af8f3e13ff3bffb7eb9a7ec4f983e4520a88f893f62e1a51ee66a",
      "0xfaf984bd065af8f3e13ff3bffb7eb9a7ec4f983e4520a88f893f62e1a51ee66a",
      "0x183fc8099dda70e8f58e7ba43d0f7732b7e8e7ed04d427469d22d33d8a53f343",
      "0x45ff1cde9089d4529a61d954f358d3044c9918ee936eaffef651bf369fb8acc4",
      "0x45ff1cde9089d4529a61d954f358d3044c9918ee936eaffef651bf369fb8acc4",
      "0x45ff1cde9089d4529a61d954f358d3044c9918ee936eaffef651bf369fb8acc4",
      "0x53c86146d9e59e7c9069f8d82054f6159a99e68cf643e57c146097e144ed32ae",
      "0x7f4d64e31036de3f81c241ed044b4ca50ae5407eb9fd4ee9df7c7f70e40c506f",
      "0x1151b1dd9015ccad7f0cfb409acb92c43aacf79652bbcc45506191baaa394930"
    };
    for (int forks = 0; forks < hashes.length; forks++) {
      assertHash(rollup(forks, 0), hashes[forks]);
    }
  }

  @Test
  void theWithdrawalsRootIsThatOfTheMessagePasserFromIsthmusOn() {
    int isthmus = 1 + ROLLUP_TIMES.indexOf("isthmus");
    assertThat(String.valueOf(header(rollup(isthmus, 0)).withdrawalsRoot()))
        .isEqualTo(MESSAGES_ROOT);
    assertHash(
        rollup(isthmus, TIME),
        "0x7f4d64e31036de3f81c241ed044b4ca50ae5407eb9fd4ee9df7c7f70e40c506f");
    ObjectNode later = rollup(isthmus, 0);
    ((ObjectNode) later.get("config")).put("isthmusTime", TIME + 1);
    assertHash(later, "0x53c86146d9e59e7c9069f8d82054f6159a99e68cf643e57c146097e144ed32ae");
    ObjectNode empty = rollup(isthmus, 0);
    messagePasser(empty);
    assertHash(empty, "0xd34e5a3f2f351ef46afd64d01f15d9116d44afb358c688d744f0ab6a1cd51e83");
    ObjectNode none = rollup(isthmus, 0);
    ((ObjectNode) none.get("alloc")).remove(MESSAGE_PASSER);
    assertThat(header(none).withdrawalsRoot()).isEqualTo(Account.EMPTY_ROOT);
  }
}
