// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class PrimitivesTest {
  private static final byte[] KEY =
      HexFormat.of().parseHex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
  private static final Address SENDER =
      Address.fromHex("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");

  @Test
  void uint256AgreesWithBigInteger() {
    Random random = new Random(1);
    BigInteger modulus = BigInteger.ONE.shiftLeft(256);
    for (int i = 0; i < 20_000; i++) {
      BigInteger a = new BigInteger(random.nextInt(257), random);
      BigInteger b = new BigInteger(random.nextInt(257), random);
      UInt256 x = UInt256.of(a);
      UInt256 y = UInt256.of(b);
      assertThat(x.add(y).toBigInteger()).isEqualTo(a.add(b).mod(modulus));
      assertThat(x.subtract(y).toBigInteger()).isEqualTo(a.subtract(b).mod(modulus));
      assertThat(x.multiply(y).toBigInteger()).isEqualTo(a.multiply(b).mod(modulus));
      assertThat(Integer.signum(x.compareTo(y))).isEqualTo(a.compareTo(b));
      assertThat(UInt256.fromHex(x.toHex())).isEqualTo(x);
      assertThat(UInt256.ofBytes(x.toMinimalArray())).isEqualTo(x);
      if (b.signum() != 0) {
        assertThat(x.divide(y).toBigInteger()).isEqualTo(a.divide(b));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "0x", "12", "0xzz", "0x-1", "0x+1", "0x1-", "0x\u0661", "0x 1", "0x1_1"})
  void malformedNumbersAreRefused(String text) {
    assertThatThrownBy(() -> UInt256.fromHex(text)).isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0x1", "-1", "+1", "1 ", "1e3", "\u0661", "1_1"})
  void malformedDecimalNumbersAreRefused(String text) {
    assertThatThrownBy(() -> UInt256.fromDecimal(text))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void numbersAreReadUpTo256Bits() {
    String most = "f".repeat(64);
    assertThat(UInt256.fromHex("0X" + most.toUpperCase(Locale.ROOT))).isEqualTo(UInt256.MAX);
    assertThat(UInt256.fromHex("0x" + "0".repeat(63) + "1")).isEqualTo(UInt256.ONE);
    BigInteger limit = BigInteger.ONE.shiftLeft(256);
    assertThat(UInt256.fromDecimal(limit.subtract(BigInteger.ONE).toString()))
        .isEqualTo(UInt256.MAX);
    assertThat(UInt256.fromDecimal("0".repeat(77) + "7")).isEqualTo(UInt256.of(7));
    for (String tooLarge : List.of(limit.toString(), "9".repeat(78))) {
      assertThatThrownBy(() -> UInt256.fromDecimal(tooLarge))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  /**
   * The conversion of a text of this length to a number takes hours when its length is not checked.
   */
  @ParameterizedTest
  @ValueSource(strings = {"1", "0", "f", "z"})
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void longTextsAreRefusedByTheirLength(String digit) {
    String digits = digit.repeat(10_000_000);
    List<Consumer<String>> parsers =
        List.of(UInt256::fromHex, Hash::fromHex, Address::fromHex, UInt256::fromDecimal);
    for (Consumer<String> parser : parsers) {
      for (String text : List.of(digits, "0x" + digits)) {
        assertThatThrownBy(() -> parser.accept(text))
            .isInstanceOf(IllegalArgumentException.class)
            .satisfies(failure -> assertThat(failure.getMessage()).hasSizeLessThan(200));
      }
    }
  }

  @Test
  void checksumAddress() {
    assertThat(SENDER.toChecksumString()).isEqualTo("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
  }

  @Test
  void creationAddresses() {
    assertThat(Address.ofCreation(SENDER, 0))
        .isEqualTo(Address.fromHex("0x5fbdb2315678afecb367f032d93f642f64180aa3"));
    // first example of EIP-1014
    assertThat(Address.ofCreate2(Address.ZERO, new byte[32], Hash.keccak(new byte[1]).toArray()))
        .isEqualTo(Address.fromHex("0x4d1a2e2bb4f88f0250f26ffff098b0b30b26bf38"));
  }

  @ParameterizedTest
  @EnumSource(value = TransactionType.class, mode = EnumSource.Mode.EXCLUDE, names = "DEPOSIT")
  void transactionsOfEveryTypeSurviveEncoding(TransactionType type) {
    Transaction.Builder b =
        Transaction.builder(type)
            .chainId(UInt256.of(1337))
            .nonce(7)
            .gasPrice(UInt256.of(1_000_000_000L))
            .gasLimit(21_000)
            .to(SENDER)
            .value(UInt256.MAX)
            .data(Bytes.fromHex("0x00ff"));
    if (type != TransactionType.LEGACY) {
      b.accessList(List.of(new AccessListEntry(SENDER, List.of(Hash.ZERO))));
    }
    if (type == TransactionType.BLOB) {
      b.maxFeePerBlobGas(UInt256.ONE).blobVersionedHashes(List.of(Hash.ZERO));
    }
    if (type == TransactionType.SET_CODE) {
      b.authorizations(
          List.of(new Authorization(UInt256.ONE, SENDER, -1L, 1, UInt256.ONE, UInt256.ONE)));
    }
    Transaction signed = b.sign(KEY);
    Transaction decoded = Transaction.decode(signed.encode());
    assertThat(decoded.sender()).isEqualTo(SENDER);
    assertThat(decoded.encode()).isEqualTo(signed.encode());
    assertThat(decoded.type()).isEqualTo(type);
    assertThat(decoded.chainId()).isEqualTo(UInt256.of(1337));
    assertThat(decoded.authorizations()).isEqualTo(signed.authorizations());
    RlpWriter body = new RlpWriter();
    signed.writeInBody(body);
    assertThat(Transaction.readInBody(RlpReader.of(body.toArray()))).isEqualTo(signed);
    byte[] longer = java.util.Arrays.copyOf(signed.encode(), signed.encodedSize() + 1);
    assertThatThrownBy(() -> Transaction.decode(longer)).isInstanceOf(RlpException.class);
  }

  /** Field by field as the specification of deposits lists them. */
  @Test
  void aDepositHasASenderAndNoSignature() {
    String encoded =
        "0x7ef8"
            + "60"
            + "a0"
            + "11".repeat(32)
            + "94"
            + "22".repeat(20)
            + "94"
            + "33".repeat(20)
            + "05" // mint
            + "80" // value
            + "83015f90" // gas
            + "80" // isSystemTx
            + "8d"
            + "00".repeat(13);
    Transaction deposit = Transaction.decode(Bytes.fromHex(encoded).toArray());
    assertThat(Bytes.wrap(deposit.encode()).toString()).isEqualTo(encoded);
    assertThat(deposit.sender()).isEqualTo(Address.fromHex("0x" + "22".repeat(20)));
    assertThat(deposit.gasLimit()).isEqualTo(90_000);
    assertThat(deposit.effectiveGasPrice(UInt256.ONE)).isEqualTo(UInt256.ZERO);
    assertThat(deposit.deposit())
        .isEqualTo(
            new Transaction.Deposit(Hash.fromHex("0x" + "11".repeat(32)), UInt256.of(5), false));
    String system = encoded.replace("83015f9080", "83015f9002");
    assertThatThrownBy(() -> Transaction.decode(Bytes.fromHex(system).toArray()))
        .isInstanceOf(RlpException.class)
        .hasMessageContaining("isSystemTx");
  }

  @Test
  void theTrieMayNotHaveTheNonceOfADeposit() {
    Receipt bedrock = receipt(null, null);
    Receipt regolith = receipt(4L, null);
    Receipt canyon = receipt(4L, 1L);
    assertThat(regolith.encode()).isEqualTo(bedrock.encode());
    assertThat(canyon.encode()).endsWith(4, 1).hasSize(bedrock.encode().length + 2);
    for (Receipt receipt : List.of(bedrock, regolith, canyon)) {
      assertThat(Receipt.decode(receipt.encodeWhole())).isEqualTo(receipt);
    }
  }

  private static Receipt receipt(Long depositNonce, Long version) {
    return new Receipt(
        TransactionType.DEPOSIT, true, null, 21_000, Bloom.EMPTY, List.of(), depositNonce, version);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "8100",
        "b800",
        "b90000",
        "bf",
        "c1",
        "f800",
        "bfffffffffffffffff",
        "c482",
        "8200"
      })
  void malformedRlpIsRefused(String hex) {
    byte[] input = HexFormat.of().parseHex(hex);
    assertThatThrownBy(() -> RlpReader.of(input).raw()).isInstanceOf(RlpException.class);
  }

  @Test
  void rlpScalarsHaveNoLeadingZeros() {
    assertThatThrownBy(() -> RlpReader.of(HexFormat.of().parseHex("820001")).number())
        .isInstanceOf(RlpException.class);
    assertThatThrownBy(() -> RlpReader.of(new byte[] {0}).number())
        .isInstanceOf(RlpException.class);
    for (long n : new long[] {0, 1, 127, 128, 255, 256, Long.MAX_VALUE, -1}) {
      assertThat(RlpReader.of(new RlpWriter().number(n).toArray()).number()).isEqualTo(n);
      assertThat(new RlpWriter().number(n).toArray())
          .isEqualTo(new RlpWriter().number(UInt256.of(n)).toArray());
    }
  }

  @Test
  void sizesAreKnownBeforeRlpIsWritten() {
    for (int length : new int[] {0, 1, 2, 55, 56, 57, 255, 256, 257, 65_535, 65_536}) {
      byte[] value = new byte[length];
      Arrays.fill(value, (byte) 0x81);
      byte[] encoded = new RlpWriter().bytes(value).toArray();
      assertThat(RlpWriter.sizeOf(value)).as("%s bytes", length).isEqualTo(encoded.length);
      byte[] list =
          new RlpWriter(RlpWriter.sizeWithHeader(encoded.length))
              .beginList(encoded.length)
              .bytes(value)
              .toArray();
      assertThat(list).isEqualTo(new RlpWriter(0).list(w -> w.bytes(value)).toArray());
      assertThat(list).hasSize(RlpWriter.sizeWithHeader(encoded.length));
    }
    assertThat(RlpWriter.sizeOf(new byte[] {0x7f})).isEqualTo(1);
    assertThat(RlpWriter.sizeOf(new byte[] {(byte) 0x80})).isEqualTo(2);
  }

  @Test
  void longListsNest() {
    byte[] encoded =
        new RlpWriter().list(w -> w.list(i -> i.bytes(new byte[70_000])).number(5)).toArray();
    RlpReader r = RlpReader.of(encoded).list();
    assertThat(r.list().byteArray()).hasSize(70_000);
    assertThat(r.number()).isEqualTo(5);
    r.expectEnd();
  }

  @Test
  void slimAccountsLeaveOutWhatIsEmpty() {
    Hash root = Hash.keccak(new byte[] {1});
    Hash code = Hash.keccak(new byte[] {2});
    for (Account account :
        new Account[] {
          Account.EMPTY,
          new Account(7, UInt256.of(1L << 40), Account.EMPTY_ROOT, Account.EMPTY_CODE),
          new Account(7, UInt256.of(1), root, Account.EMPTY_CODE),
          new Account(7, UInt256.of(1), root, code),
          new Account(-1, UInt256.MAX, Account.EMPTY_ROOT, code)
        }) {
      assertThat(Account.decodeSlim(account.encodeSlim())).isEqualTo(account);
      assertThat(Account.decode(account.encode())).isEqualTo(account);
    }
    assertThat(Account.EMPTY.encodeSlim()).isEqualTo(HexFormat.of().parseHex("c480808080"));
    assertThatThrownBy(() -> Account.decodeSlim(HexFormat.of().parseHex("c480808101")))
        .isInstanceOf(RuntimeException.class);
  }

  @Test
  void receiptsAndLogs() {
    Log log =
        new Log(SENDER, List.of(Hash.ZERO, Hash.keccak(new byte[] {1})), Bytes.fromHex("0x01"));
    Receipt receipt = Receipt.of(TransactionType.FEE_MARKET, true, 21_000, List.of(log));
    assertThat(Receipt.decode(receipt.encode())).isEqualTo(receipt);
    assertThat(receipt.logsBloom().mayContain(SENDER.toArray())).isTrue();
    assertThat(receipt.logsBloom().mayContain(new byte[] {9})).isFalse();
  }
}
