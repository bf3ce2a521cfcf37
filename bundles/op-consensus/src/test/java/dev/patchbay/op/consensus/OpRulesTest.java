// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.op.consensus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.BlockHeaderBuilder;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.TransactionRules;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OpRulesTest {
  /** Each fork begins 100 seconds after the one before. */
  private static final ChainConfig CONFIG = config();

  private static final OpRules RULES = new OpRules();

  private static ChainConfig config() {
    Map<String, Long> times = new HashMap<>();
    for (OpFork fork : OpFork.values()) {
      if (fork != OpFork.BEDROCK) {
        times.put(fork.name().toLowerCase(Locale.ROOT), at(fork));
      }
    }
    return new ChainConfig(
        UInt256.of(10),
        Map.of(Fork.LONDON, 0L, Fork.PARIS, 0L),
        Map.of(),
        UInt256.ZERO,
        new TreeMap<>(),
        null,
        null,
        null,
        null,
        false,
        new ChainConfig.Rollup(6, 50, 250, times));
  }

  private static long at(OpFork fork) {
    return 100L * fork.ordinal();
  }

  private static BlockHeaderBuilder header(long time) {
    return BlockHeader.builder()
        .number(5)
        .timestamp(time)
        .gasLimit(30_000_000)
        .baseFeePerGas(UInt256.of(1_000_000_000));
  }

  private static long next(BlockHeader parent, long time) {
    return RULES.nextBaseFee(parent, time, CONFIG).longValue();
  }

  /** A full block raises the fee by 5 times the fee over the denominator. */
  @Test
  void theBaseFeeMovesByTheParametersOfTheChain() {
    BlockHeader full = header(50).gasUsed(30_000_000).build();
    assertThat(next(full, 60)).isEqualTo(1_100_000_000);
    assertThat(next(full, at(OpFork.CANYON))).as("by the child's fork").isEqualTo(1_020_000_000);
    BlockHeader onTarget = header(50).gasUsed(5_000_000).build();
    assertThat(next(onTarget, 60)).isEqualTo(1_000_000_000);
    assertThat(next(header(50).gasUsed(0).build(), 60)).isEqualTo(980_000_000);
  }

  @Test
  void fromHoloceneOnTheParentSaysHowTheBaseFeeMoves() {
    Bytes extra = Bytes.fromHex("0x00" + "00000008" + "00000002");
    BlockHeader parent = header(at(OpFork.HOLOCENE)).gasUsed(30_000_000).extraData(extra).build();
    assertThat(next(parent, at(OpFork.HOLOCENE) + 2)).isEqualTo(1_125_000_000);
    assertThatThrownBy(() -> next(header(at(OpFork.HOLOCENE)).build(), at(OpFork.HOLOCENE) + 2))
        .hasMessageContaining("block 5: extraData has 0 bytes");
    BlockHeader before = header(at(OpFork.HOLOCENE) - 2).gasUsed(30_000_000).build();
    assertThat(next(before, at(OpFork.HOLOCENE))).isEqualTo(1_020_000_000);
  }

  @Test
  void fromJovianOnTheFeeHasAFloorAndTheFootprintCounts() {
    Bytes extra = Bytes.fromHex("0x01" + "000000fa" + "00000006" + "000000003b9aca00");
    BlockHeader empty =
        header(at(OpFork.JOVIAN)).gasUsed(0).blobGasUsed(0L).extraData(extra).build();
    assertThat(next(empty, at(OpFork.JOVIAN) + 2)).isEqualTo(1_000_000_000);
    BlockHeader heavy =
        header(at(OpFork.JOVIAN)).gasUsed(0).blobGasUsed(30_000_000L).extraData(extra).build();
    assertThat(next(heavy, at(OpFork.JOVIAN) + 2)).isEqualTo(1_020_000_000);
    assertThat(RULES.maxBlobGasPerBlock(heavy, CONFIG)).isEqualTo(30_000_000);
    assertThat(RULES.maxBlobGasPerBlock(header(at(OpFork.ISTHMUS)).build(), CONFIG)).isZero();
  }

  @Test
  void aSequencerSaysWhatItsForkKnows() {
    Bytes params = Bytes.fromHex("0x0000000800000002");
    Bytes zeros = Bytes.fromHex("0x0000000000000000");
    assertThat(RULES.extraData(at(OpFork.GRANITE), null, null, CONFIG)).isEqualTo(Bytes.EMPTY);
    assertThat(RULES.extraData(at(OpFork.HOLOCENE), params, null, CONFIG).toString())
        .isEqualTo("0x000000000800000002");
    assertThat(RULES.extraData(at(OpFork.HOLOCENE), zeros, null, CONFIG).toString())
        .as("the constants of the chain")
        .isEqualTo("0x00000000fa00000006");
    assertThat(RULES.extraData(at(OpFork.JOVIAN), params, 0L, CONFIG).toString())
        .isEqualTo("0x0100000008000000020000000000000000");
    assertRefused(at(OpFork.GRANITE), params, null, "eip1559Params is not known before HOLOCENE");
    assertRefused(at(OpFork.HOLOCENE), null, null, "eip1559Params is missing");
    assertRefused(at(OpFork.HOLOCENE), params, 1L, "minBaseFee is not known before JOVIAN");
    assertRefused(at(OpFork.JOVIAN), params, null, "minBaseFee is missing");
    assertRefused(at(OpFork.HOLOCENE), Bytes.fromHex("0x00"), null, "has 1 bytes, not 8");
    assertRefused(at(OpFork.HOLOCENE), Bytes.fromHex("0x0000000000000002"), null, "denominator 0");
    assertRefused(at(OpFork.HOLOCENE), Bytes.fromHex("0x0000000800000000"), null, "elasticity 0");
  }

  private static void assertRefused(long time, Bytes params, Long least, String reason) {
    assertThatThrownBy(() -> RULES.extraData(time, params, least, CONFIG))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0x",
        "0x0000000008000000",
        "0x01000000080000000200",
        "0x010000000800000002",
        "0x000000000000000002",
        "0x000000000800000000"
      })
  void headersOfHoloceneHaveTheirParameters(String extra) {
    BlockHeader parent = header(at(OpFork.HOLOCENE)).build();
    BlockHeader child = header(at(OpFork.HOLOCENE) + 2).extraData(Bytes.fromHex(extra)).build();
    assertThatThrownBy(() -> RULES.verifyHeader(child, parent, null, CONFIG))
        .isInstanceOf(InvalidBlockException.class)
        .hasMessageContaining("extraData");
  }

  @Test
  void headersOfHoloceneThatHaveThemAreValid() throws Exception {
    BlockHeader parent = header(at(OpFork.HOLOCENE)).build();
    BlockHeader child =
        header(at(OpFork.HOLOCENE) + 2).extraData(Bytes.fromHex("0x000000000800000002")).build();
    RULES.verifyHeader(child, parent, null, CONFIG);
    assertThatThrownBy(() -> RULES.verifyHeader(parent, child, null, CONFIG))
        .isInstanceOf(InvalidBlockException.class)
        .hasMessageContaining("timestamp");
  }

  @ParameterizedTest
  @CsvSource({
    "HOLOCENE, 112687, 0, 0, 0",
    "ISTHMUS, 112687, 513760, 488448, 235008",
    "JOVIAN, 81984, 288960, 278784, 156672",
    "KARST, 57600, 288960, 278784, 156672"
  })
  void precompiledContractsTakeSoMuch(OpFork fork, int pairing, int g1, int g2, int bls) {
    Map<Address, Integer> most = OpTransactionRules.of(fork).maxPrecompileInputBytes();
    assertThat(most.get(precompile(8))).isEqualTo(pairing);
    assertThat(most.getOrDefault(precompile(0xc), 0)).isEqualTo(g1);
    assertThat(most.getOrDefault(precompile(0xe), 0)).isEqualTo(g2);
    assertThat(most.getOrDefault(precompile(0xf), 0)).isEqualTo(bls);
  }

  private static Address precompile(int number) {
    return Address.fromHex(String.format("0x%040x", number));
  }

  /** The hash of the code is that of the specification. */
  @Test
  void theFirstBlockOfCanyonInstallsAContract() {
    long canyon = at(OpFork.CANYON);
    Map<Address, Bytes> installed = RULES.irregularCodeChanges(header(canyon).build(), CONFIG);
    assertThat(installed).containsOnlyKeys(Create2Deployer.ADDRESS);
    assertThat(Hash.keccak(Create2Deployer.CODE.toArray()).toString())
        .isEqualTo("0xb0550b5b431e30d38000efb7107aaa0ade03d48a7198a140edda9d27134468b2");
    assertThat(RULES.irregularCodeChanges(header(canyon + 2).build(), CONFIG)).isEmpty();
    assertThat(RULES.irregularCodeChanges(header(canyon - 2).build(), CONFIG)).isEmpty();
  }

  @Test
  void forksOfTransactions() {
    TransactionRules bedrock = OpTransactionRules.of(OpFork.BEDROCK);
    TransactionRules regolith = OpTransactionRules.of(OpFork.REGOLITH);
    TransactionRules fjord = OpTransactionRules.of(OpFork.FJORD);
    assertThat(bedrock.chargesDepositGasLimit()).isTrue();
    assertThat(regolith.chargesDepositGasLimit()).isFalse();
    assertThat(bedrock.hasDepositNonce()).isFalse();
    assertThat(regolith.depositReceiptVersion()).isNull();
    assertThat(fjord.depositReceiptVersion()).isEqualTo(1);
    assertThat(regolith.p256VerifyGas()).isNull();
    assertThat(fjord.p256VerifyGas()).isEqualTo(3_450);
    assertThat(fjord.maxPrecompileInputBytes()).isEmpty();
    assertThat(fjord.allows(TransactionType.BLOB)).isFalse();
    assertThat(fjord.allows(TransactionType.DEPOSIT)).isTrue();
  }
}
