// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.op.consensus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.TransactionRules;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Fees of op-geth's tests of rollup costs: one transaction, and what L1Block knows there. */
class FeesTest {
  /** A legacy transaction without a signature. */
  private static final byte[] EMPTY =
      HexFormat.of().parseHex("dd80808094095e7baea6a6c7c4c2dfeb977efac326af552d878080808080");

  private static final L1Block L1 = l1(1_000_000_000, 10_000_000, 50, 7_000_000, 2, 3);

  private static L1Block l1(
      long baseFee,
      long blobBaseFee,
      long overhead,
      long scalar,
      long baseFeeScalar,
      long blobBaseFeeScalar) {
    return new L1Block(
        BigInteger.valueOf(baseFee),
        BigInteger.valueOf(blobBaseFee),
        BigInteger.valueOf(overhead),
        BigInteger.valueOf(scalar),
        BigInteger.valueOf(baseFeeScalar),
        BigInteger.valueOf(blobBaseFeeScalar),
        BigInteger.valueOf(1_439_103_868),
        BigInteger.valueOf(1_256_417_826_609_331_460L));
  }

  /** As op-geth, {@code txpool.EffectiveGasLimit}. */
  @Test
  void theL1AttributesTakeGasOfTheBlock() {
    TransactionRules rules = OpTransactionRules.of(OpFork.BEDROCK);
    assertThat(rules.maxPoolGas(30_000_000)).isEqualTo(29_930_000);
    assertThat(rules.maxPoolGas(70_000)).isZero();
    assertThat(rules.maxPoolGas(69_999)).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "BEDROCK, 11326000000000, 1618",
    "REGOLITH, 3710000000000, 530",
    "CANYON, 3710000000000, 530",
    "ECOTONE, 960900, 480",
    "FJORD, 3203000, 1600",
    "JOVIAN, 3203000, 1600"
  })
  void theL1FeeOfEveryFork(OpFork fork, BigInteger fee, BigInteger gas) {
    L1Fee.Data data = L1Fee.Data.of(EMPTY);
    assertThat(L1Fee.of(data, L1, fork)).isEqualTo(fee);
    assertThat(L1Fee.gasUsed(data, L1, fork)).isEqualTo(gas);
  }

  /** Its block still has the old attributes of L1. */
  @Test
  void theFirstBlockOfEcotoneChargesAsBefore() {
    L1Block old = l1(1_000_000_000, 0, 50, 7_000_000, 0, 0);
    assertThat(L1Fee.of(L1Fee.Data.of(EMPTY), old, OpFork.ECOTONE))
        .isEqualTo(L1Fee.of(L1Fee.Data.of(EMPTY), L1, OpFork.REGOLITH));
  }

  @ParameterizedTest
  @ValueSource(ints = {100, 150, 170})
  void smallTransactionsCountAsAHundredBytes(int fastLzLength) {
    assertThat(L1Fee.estimatedSize(fastLzLength)).isEqualTo(100_000_000);
  }

  @Test
  void largerOnesAreEstimated() {
    assertThat(L1Fee.estimatedSize(171)).isEqualTo(100_455_900);
    assertThat(new L1Fee.Data(0, L1Fee.estimatedSize(1_000)).bytes()).isEqualTo(793);
  }

  @Test
  void theOperatorFee() {
    assertThat(L1Fee.operator(21_000, L1, OpFork.HOLOCENE)).isZero();
    // 21,000 * 1,439,103,868 / 1,000,000 + 1,256,417,826,609,331,460
    assertThat(L1Fee.operator(21_000, L1, OpFork.ISTHMUS))
        .isEqualTo(new BigInteger("1256417826639552641"));
    // 21,000 * 1,439,103,868 * 100 + 1,256,417,826,609,331,460
    assertThat(L1Fee.operator(21_000, L1, OpFork.JOVIAN))
        .isEqualTo(new BigInteger("1259439944732131460"));
  }

  /** As FastLZ at level 1 packs them: 21 bytes for a thousand that are the same. */
  @Test
  void whatFastLzMakesOfBytes() {
    assertThat(FastLz.length(new byte[0])).isZero();
    assertThat(FastLz.length(new byte[1])).isEqualTo(2);
    assertThat(FastLz.length(EMPTY)).as("31 bytes, no match").isEqualTo(EMPTY.length + 1);
    assertThat(FastLz.length(new byte[1_000])).isEqualTo(21);
    byte[] ones = new byte[1_000];
    Arrays.fill(ones, (byte) 1);
    assertThat(FastLz.length(ones)).isEqualTo(21);
  }

  /** The length is that of what a compressor writes that does what FastLZ does, and unpacks. */
  @Test
  void theLengthIsOfSomethingThatUnpacks() {
    Random random = new Random(3);
    for (int i = 0; i < 500; i++) {
      byte[] bytes = new byte[random.nextInt(2_000)];
      int letters = 1 + random.nextInt(40);
      for (int at = 0; at < bytes.length; at++) {
        boolean repeats = at > 40 && random.nextInt(3) > 0;
        bytes[at] = repeats ? bytes[at - 37] : (byte) random.nextInt(letters);
      }
      byte[] packed = FastLzPacker.pack(bytes);
      assertThat(FastLzPacker.unpack(packed)).isEqualTo(bytes);
      assertThat(FastLz.length(bytes)).as("round " + i).isEqualTo(packed.length);
    }
  }

  @Test
  void l1BlockPacksItsSlots() {
    Map<Integer, String> slots =
        Map.of(
            1, "0x7",
            3, "0x" + "00".repeat(16) + "00000002" + "00000003" + "0000000000000009",
            5, "0x5",
            6, "0x6",
            7, "0x8",
            8, "0x" + "00".repeat(18) + "0190" + "0000000a" + "000000000000000b");
    L1Block read =
        L1Block.read(
            (address, key) -> {
              assertThat(address).isEqualTo(L1Block.ADDRESS);
              return UInt256.ofBytes(
                  new BigInteger(slots.get((int) key.longValue()).substring(2), 16).toByteArray());
            });
    assertThat(read)
        .isEqualTo(
            new L1Block(
                BigInteger.valueOf(7),
                BigInteger.valueOf(8),
                BigInteger.valueOf(5),
                BigInteger.valueOf(6),
                BigInteger.valueOf(2),
                BigInteger.valueOf(3),
                BigInteger.valueOf(10),
                BigInteger.valueOf(11)));
  }

  /** A transaction as small as they count has a footprint of 100 times the scalar. */
  @Test
  void theFootprintIsByTheAttributesOfTheBlock() throws Exception {
    Transaction small =
        Transaction.builder(TransactionType.LEGACY)
            .gasPrice(UInt256.ONE)
            .gasLimit(21_000)
            .to(L1Block.ADDRESS)
            .sign(HexFormat.of().parseHex("11".repeat(32)));
    TransactionRules jovian = OpTransactionRules.of(OpFork.JOVIAN);
    assertThat(jovian.blobGas(small, attributes("3db6be2b", "0005"))).isEqualTo(500);
    assertThat(jovian.blobGas(small, attributes("3db6be2b", "0000"))).isEqualTo(40_000);
    assertThat(jovian.blobGas(small, null)).as("a simulation").isZero();
    Transaction isthmus = attributes("098999be", "");
    assertThat(jovian.blobGas(isthmus, isthmus)).isZero();
    for (Transaction first : List.of(isthmus, small)) {
      assertThatThrownBy(() -> jovian.blobGas(small, first))
          .isInstanceOf(InvalidTransactionException.class)
          .hasMessageContaining("deposits alone");
    }
    assertThat(OpTransactionRules.of(OpFork.ISTHMUS).blobGas(small, isthmus)).isZero();
  }

  private static Transaction attributes(String selector, String footprint) {
    return Transaction.builder(TransactionType.DEPOSIT)
        .sender(L1Block.ADDRESS)
        .to(L1Block.ADDRESS)
        .deposit(new Transaction.Deposit(Hash.ZERO, UInt256.ZERO, false))
        .data(Bytes.fromHex("0x" + selector + "00".repeat(172) + footprint))
        .build();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "setL1BlockValues(uint64,uint64,uint256,bytes32,uint64,bytes32,uint256,uint256);260",
        "setL1BlockValuesEcotone();164",
        "setL1BlockValuesIsthmus();176",
        "setL1BlockValuesJovian();178"
      })
  void attributesOfL1AreKnownByTheirSelector(String signature, int length) {
    byte[] call = new byte[length];
    byte[] hash = Hash.keccak(signature.getBytes(StandardCharsets.US_ASCII)).toArray();
    System.arraycopy(hash, 0, call, 0, 4);
    int baseFee = length == 260 ? 99 : 67;
    call[baseFee] = 7;
    L1Block read = L1Block.ofAttributes(Bytes.wrap(call));
    assertThat(read).isNotNull();
    assertThat(read.baseFee()).isEqualTo(7);
    assertThat(L1Block.ofAttributes(Bytes.wrap(Arrays.copyOf(call, length - 1)))).isNull();
    call[0] ^= 1;
    assertThat(L1Block.ofAttributes(Bytes.wrap(call))).isNull();
  }
}
