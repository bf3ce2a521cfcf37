// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.execution.BlockLimits;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CodecTest {
  private static final String RINKEBY_EXTRA =
      "0xd783010600846765746887676f312e372e33856c696e7578000000000000000042eb768f2244c8811c63729a"
          + "21a3569731535f067ffc57839b00206d1ad20c69a1981b489f772031b279182d99e65703f0076e4812653aab"
          + "85fca0f0c5bc40d0535af16266714ccb26fc49448c10bdf2969411514707d7442956b3397b09a980f4bea934"
          + "7f70eea52183326247a0239b6d01fa0b07afc44e8a05463301";

  private static final Shakehand.ChainId CHAIN =
      new Shakehand.ChainId(FakeChain.CHAIN_ID, new FakeChain(0).head().hash());

  private long now;

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static WireException refused(byte[] frame) {
    return Objects.requireNonNull(
        catchThrowableOfType(WireException.class, () -> Json.read(frame)), "it was accepted");
  }

  @Test
  void aMessageHasItsMembersInAnyOrderAndUnknownOnesAreSkipped() throws Exception {
    Message message =
        Json.read(
            utf8(
                " {\"x\":{\"deep\":[1.5e300,null]},\"data\":{\"height\":12,\"far\":1e999},\"id\":7,"
                    + "\"v\":1,\"code\":\"PULL_BLOCK\"}\n"));
    assertThat(message.code()).isEqualTo("PULL_BLOCK");
    assertThat(message.id()).isEqualTo(7);
    assertThat(message.data())
        .isEqualTo(Map.of("height", 12L, "far", new Json.OtherNumber("1e999")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]",
        "\"x\"",
        "{}",
        "{\"code\":1}",
        "{\"code\":null}",
        "{\"code\":\"X\",\"code\":\"Y\"}",
        "{\"code\":\"X\",\"data\":{\"a\":1,\"a\":2}}",
        "{\"code\":\"X\",\"other\":{\"a\":1,\"a\":2}}",
        "{\"code\":\"X\"}{}",
        "{\"code\":\"X\"} x",
        "{\"code\":\"X\",}",
        "{\"code\":\"X\",\"data\":NaN}",
        "{\"code\":\"X\",\"data\":Infinity}",
        "{\"code\":\"X\"/*c*/}",
        "{\"code\":\"X\",\"data\":01}",
        "{\"code\":\"X\",\"id\":-1}",
        "{\"code\":\"X\",\"id\":9007199254740992}",
        "{\"code\":\"X\",\"id\":1.5}",
        "{\"code\":\"X\",\"id\":\"1\"}",
        "{\"code\":\"X\"",
        "{'code':\"X\"}",
        "\u0000\u0000"
      })
  void whatIsNoMessageIsMalformed(String text) {
    WireException error = refused(utf8(text));
    assertThat(error.code()).isEqualTo("malformed");
    assertThat(error.closes()).isTrue();
  }

  @Test
  void anotherVersionIsRefused() {
    assertThat(refused(utf8("{\"code\":\"X\",\"v\":2}")).code()).isEqualTo("unsupported_version");
  }

  @Test
  void depthTokensNamesNumbersAndEncodingAreBounded() throws Exception {
    String deep = "[".repeat(31) + "]".repeat(31);
    Json.read(utf8("{\"code\":\"X\",\"data\":" + deep + "}"));
    refused(utf8("{\"code\":\"X\",\"data\":[" + deep + "]}"));
    refused(utf8("{\"code\":\"X\",\"other\":[" + deep + "]}"));
    refused(utf8("{\"code\":\"X\",\"data\":[" + "1,".repeat(Json.MAX_TOKENS) + "1]}"));
    refused(utf8("{\"code\":\"X\",\"" + "n".repeat(70_000) + "\":1}"));
    refused(utf8("{\"code\":\"X\",\"data\":" + "1".repeat(101) + "}"));
    refused(new byte[] {'{', '"', 'c', 'o', 'd', 'e', '"', ':', '"', (byte) 0xff, '"', '}'});
    refused(
        new byte[] {
          '{', '"', 'c', 'o', 'd', 'e', '"', ':', '"', (byte) 0xc0, (byte) 0x80, '"', '}'
        });
    refused("{\"code\":\"X\"}".getBytes(StandardCharsets.UTF_16LE));
    refused("{\"code\":\"X\"}".getBytes(StandardCharsets.UTF_16));
    refused(utf8("\ufeff{\"code\":\"X\"}"));
  }

  private static Transaction random(TransactionType type, Random random) {
    Transaction.Builder tx =
        Transaction.builder(type)
            .nonce(random.nextInt(200))
            .gasLimit(21_000)
            .data(Bytes.wrap(new byte[random.nextInt(8) == 0 ? random.nextInt(60) : 0]));
    if (random.nextInt(8) == 0) {
      tx.value(UInt256.of(random.nextLong(1L << 60)));
    }
    if (type == TransactionType.DEPOSIT) {
      return tx.deposit(new Transaction.Deposit(Hash.ZERO, UInt256.ZERO, false))
          .sender(Address.ZERO)
          .build();
    }
    if (random.nextBoolean() || type == TransactionType.BLOB || type == TransactionType.SET_CODE) {
      tx.to(Address.ZERO);
    }
    return tx.signature(0, UInt256.ONE, UInt256.ONE).build();
  }

  private static Block block(int extra, int withdrawals, List<Transaction> transactions) {
    BlockHeader header =
        FakeChain.child(null, "x".repeat(extra), List.of()).header().toBuilder()
            .number(Long.MAX_VALUE)
            .gasUsed(Long.MAX_VALUE)
            .baseFeePerGas(UInt256.MAX)
            .withdrawalsRoot(Hash.ZERO)
            .blobGasUsed(Long.MAX_VALUE)
            .excessBlobGas(Long.MAX_VALUE)
            .parentBeaconBlockRoot(Hash.ZERO)
            .requestsHash(Hash.ZERO)
            .build();
    Withdrawal withdrawal = new Withdrawal(-1, -1, Address.ZERO, -1);
    return new Block(header, transactions, List.of(), Collections.nCopies(withdrawals, withdrawal));
  }

  /** Blocks as long as the limit of a builder, of the shortest transactions of all types. */
  @ParameterizedTest
  @EnumSource(TransactionType.class)
  void aBlockWithinTheLimitOfABuilderFitsAFrame(TransactionType type) {
    Random random = new Random(20_261_203);
    for (int mixed = 0; mixed <= 1; mixed++) {
      int withdrawals = 256 * mixed;
      int extra = 1_000 * mixed;
      List<Transaction> all = new ArrayList<>();
      TransactionType[] types = TransactionType.values();
      long left = Limits.MAX_BLOCK_BYTES - block(extra, withdrawals, List.of()).encode().length - 6;
      while (true) {
        TransactionType next = mixed == 0 ? type : types[random.nextInt(types.length)];
        Transaction tx =
            mixed == 0 && next == TransactionType.LEGACY ? shortest() : random(next, random);
        left -= BlockLimits.bytesInBody(tx);
        if (left < 0) {
          break;
        }
        all.add(tx);
      }
      Block block = block(extra, withdrawals, all);
      assertThat(block.encode())
          .hasSizeBetween(Limits.MAX_BLOCK_BYTES - 500, Limits.MAX_BLOCK_BYTES);
      assertThat(BlockJson.message(MessageCode.PUSH_BLOCK, block, Json.MAX_ID)).isNotNull();
    }
  }

  /** Nine fields of a byte each. */
  private static Transaction shortest() {
    Transaction tx =
        Transaction.builder(TransactionType.LEGACY).signature(0, UInt256.ONE, UInt256.ONE).build();
    assertThat(tx.encodedSize()).isEqualTo(10);
    return tx;
  }

  /** 25 transactions of 128 KiB, the most that a pool takes. */
  @Test
  void theLimitOfABuilderLeavesRoomForLongTransactions() {
    assertThat(Limits.MAX_BLOCK_BYTES).isBetween(25 * 131_072, Limits.MAX_BLOCK_FRAME / 2);
  }

  @Test
  void aBlockComesBackAsItWas() throws Exception {
    Block block = new FakeChain(3).at(3);
    byte[] frame =
        Json.write(MessageCode.PUSH_BLOCK, Objects.requireNonNull(BlockJson.write(block)), 5L);
    Message message = Json.read(frame);
    assertThat(message.id()).isEqualTo(5);
    Block read = BlockJson.read(false, message.data());
    assertThat(read.hash()).isEqualTo(block.hash());
    assertThat(read.encode()).isEqualTo(block.encode());
    assertThat(new String(frame, StandardCharsets.UTF_8))
        .startsWith("{\"code\":\"PUSH_BLOCK\",\"data\":{\"block_header\":{\"hash\":\"0x")
        .doesNotContain("totalDifficulty", "\"size\"");
  }

  /** Block 30,000 of Rinkeby: 15 fields. The hash in the object is wrong, and is not read. */
  @Test
  void theHashIsComputedFromTheHeader() throws Exception {
    Block read = BlockJson.read(false, rinkeby());
    assertThat(read.hash())
        .isEqualTo(
            Hash.fromHex("0x8b27a29300811af926039b90288d3d384dcb55931049c17c4f762e45c116776e"));
  }

  /** From Isthmus on the root is that of a storage trie, and there are no withdrawals. */
  @Test
  void theWithdrawalsRootOfARollupIsNotThatOfTheBody() throws Exception {
    Map<String, Object> block = rinkeby();
    @SuppressWarnings("unchecked")
    Map<String, Object> header =
        Objects.requireNonNull((Map<String, Object>) block.get("block_header"));
    header.put("baseFeePerGas", "0x1");
    header.put("withdrawalsRoot", "0x" + "77".repeat(32));
    header.put("withdrawals", List.of());
    Block read = BlockJson.read(true, block);
    assertThat(read.header().withdrawalsRoot()).hasToString("0x" + "77".repeat(32));
    assertThat(read.withdrawals()).isEmpty();
    assertThatThrownBy(() -> BlockJson.read(false, block)).hasMessageContaining("withdrawalsRoot");
    header.put(
        "withdrawals",
        List.of(
            Map.of(
                "index", "0x0",
                "validatorIndex", "0x0",
                "address", Address.ZERO.toString(),
                "amount", "0x1")));
    assertThatThrownBy(() -> BlockJson.read(true, block)).hasMessageContaining("no withdrawals");
  }

  private static Map<String, Object> rinkeby() {
    String empty = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";
    Map<String, Object> header = new LinkedHashMap<>();
    header.put("hash", Hash.ZERO.toString());
    header.put("parentHash", "0xff570bb9893cb9bac64e346419fb9ad51e203c1cf6da5cfcc0c0dff3351b454b");
    header.put("sha3Uncles", "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
    header.put("miner", Address.ZERO.toString());
    header.put("stateRoot", "0x829b58faacea7b0aa625617ba90c93e08150bed160364a7a96505e8205043d34");
    header.put("transactionsRoot", empty);
    header.put("receiptsRoot", empty);
    header.put("logsBloom", "0x" + "00".repeat(256));
    header.put("difficulty", "0x2");
    header.put("number", "0x7530");
    header.put("gasLimit", "0x47e7c4");
    header.put("gasUsed", "0x0");
    header.put("timestamp", "0x58f5239c");
    header.put("extraData", RINKEBY_EXTRA);
    header.put("mixHash", Hash.ZERO.toString());
    header.put("nonce", "0x0000000000000000");
    Map<String, Object> block = new LinkedHashMap<>();
    block.put("block_header", header);
    block.put("transactions", List.of());
    return block;
  }

  private static WireException badBlock(String member, Object value) {
    Map<String, Object> block = rinkeby();
    @SuppressWarnings("unchecked")
    Map<String, Object> header = (Map<String, Object>) block.get("block_header");
    if (block.containsKey(member)) {
      block.put(member, value);
    } else {
      Objects.requireNonNull(header).put(member, value);
    }
    WireException error =
        Objects.requireNonNull(
            catchThrowableOfType(WireException.class, () -> BlockJson.read(false, block)), member);
    assertThat(error.closes()).isEqualTo(error.code().equals("invalid_block"));
    return error;
  }

  @Test
  void aBlockOfTheWrongFormIsBadData() {
    badBlock("number", 30_000L);
    badBlock("number", "0x07530");
    badBlock("number", "0x");
    badBlock("number", "0x8000000000000000");
    badBlock("number", "0x10000000000000000");
    badBlock("difficulty", "0x" + "f".repeat(65));
    badBlock("parentHash", "0x00");
    badBlock("miner", "0x00");
    badBlock("logsBloom", "0x00");
    badBlock("nonce", "0x0");
    badBlock("extraData", "0x0");
    assertThat(badBlock("uncles", List.of(Hash.ZERO.toString())).code()).isEqualTo("invalid_block");
    assertThat(badBlock("sha3Uncles", Hash.ZERO.toString()).code()).isEqualTo("invalid_block");
    badBlock("withdrawals", List.of());
    badBlock("withdrawalsRoot", Hash.ZERO.toString());
    badBlock("blobGasUsed", "0x0");
    badBlock("transactions", List.of(Map.of("hash", "0x0")));
    badBlock("transactions", List.of("0x"));
    badBlock("transactions", List.of("0x05c0"));
    assertThat(badBlock("transactions", List.of(FakeChain.transaction(0).encoding().toString())))
        .hasMessageContaining("transactionsRoot");
    badBlock("block_header", "x");
  }

  @Test
  void theThreeMembersOfTheSeedAreEnoughUnlessStrict() throws Exception {
    Map<String, Object> three =
        Map.of("timestamp", 5L, "height", "0x7", "address", Address.ZERO.toString());
    Shakehand read = Shakehand.read(three, CHAIN, false);
    assertThat(read.height()).isEqualTo(7);
    assertThat(read.chain()).isNull();
    assertThat(shakehandError(three, true).code()).isEqualTo("incomplete_shakehand");
    Shakehand whole = new Shakehand(5, 7, Address.ZERO, CHAIN, Hash.ZERO);
    assertThat(
            Shakehand.read(
                Json.read(Json.write(MessageCode.SHAKEHAND, whole.write(), null)).data(),
                CHAIN,
                true))
        .isEqualTo(whole);
    Map<String, Object> other = new LinkedHashMap<>(whole.write());
    other.put("chainId", 1L);
    assertThat(shakehandError(other, false).code()).isEqualTo("wrong_chain");
    other.put("chainId", "0x539");
    Shakehand.read(other, CHAIN, true);
    other.put("genesis", Hash.ZERO.toString());
    assertThat(shakehandError(other, false).code()).isEqualTo("wrong_chain");
    other.put("version", 2L);
    assertThat(shakehandError(other, false).code()).isEqualTo("unsupported_version");
    assertThat(shakehandError(Map.of("timestamp", -1L), false).code()).isEqualTo("bad_data");
    assertThat(shakehandError("x", false).code()).isEqualTo("bad_data");
  }

  private static WireException shakehandError(Object data, boolean strict) {
    return Objects.requireNonNull(
        catchThrowableOfType(WireException.class, () -> Shakehand.read(data, CHAIN, strict)));
  }

  // ---- frames

  private static ByteBuf frame(byte[] content) {
    return Unpooled.buffer().writeInt(content.length).writeBytes(content);
  }

  private EmbeddedChannel channel(boolean lines, ByteBudget budget) {
    return new EmbeddedChannel(new FrameDecoder(lines, () -> now, budget.share(() -> {})));
  }

  @Test
  void framesAreFoundWhereverTheInputIsCut() {
    ByteBudget budget = new ByteBudget(1_000);
    EmbeddedChannel channel = channel(false, budget);
    ByteBuf all = Unpooled.wrappedBuffer(frame(utf8("ab")), frame(utf8("cde")));
    while (all.isReadable()) {
      channel.writeInbound(all.readRetainedSlice(1));
    }
    assertThat(channel.<byte[]>readInbound()).isEqualTo(utf8("ab"));
    assertThat(channel.<byte[]>readInbound()).isEqualTo(utf8("cde"));
    assertThat(budget.held()).as("until they are handled").isEqualTo(5);
    channel.pipeline().get(FrameDecoder.class).handled(utf8("cde"));
    channel.pipeline().get(FrameDecoder.class).handled(utf8("ab"));
    assertThat(budget.held()).isZero();
    EmbeddedChannel lines = channel(true, budget);
    lines.writeInbound(Unpooled.wrappedBuffer(utf8("{}\n{\"a")));
    lines.writeInbound(Unpooled.wrappedBuffer(utf8("\":1}\n")));
    assertThat(lines.<byte[]>readInbound()).isEqualTo(utf8("{}"));
    assertThat(lines.<byte[]>readInbound()).isEqualTo(utf8("{\"a\":1}"));
  }

  @Test
  void aFrameIsRefusedByItsLengthAndNothingIsReadAfterwards() {
    ByteBudget budget = new ByteBudget(100_000);
    for (int length : new int[] {-1, 0, 1, Limits.MAX_FIRST_FRAME + 1, 50_000}) {
      EmbeddedChannel channel = channel(false, budget);
      channel.writeInbound(Unpooled.buffer().writeInt(length));
      WireException error = channel.readInbound();
      assertThat(error.code()).isEqualTo(length == 0 || length == 1 ? "malformed" : "too_large");
      channel.writeInbound(frame(utf8("ab")));
      assertThat(channel.<Object>readInbound()).isNull();
    }
    EmbeddedChannel lines = channel(true, budget);
    lines.writeInbound(Unpooled.wrappedBuffer(new byte[Limits.MAX_FIRST_FRAME + 1]));
    assertThat(lines.<WireException>readInbound().code()).isEqualTo("too_large");
    assertThat(budget.held()).isZero();
  }

  @Test
  void anIncompleteFrameHoldsItsBytesAndItsTimeCounts() {
    ByteBudget budget = new ByteBudget(100);
    FrameDecoder frames = new FrameDecoder(false, () -> now, budget.share(() -> {}));
    EmbeddedChannel channel = new EmbeddedChannel(frames);
    assertThat(frames.millisOfFrame()).isZero();
    now = 1_000;
    channel.writeInbound(Unpooled.buffer().writeInt(90).writeBytes(new byte[50]));
    now = 9_000;
    channel.writeInbound(Unpooled.wrappedBuffer(new byte[10]));
    assertThat(frames.millisOfFrame()).isEqualTo(8_000);
    assertThat(budget.held()).isEqualTo(64);
    EmbeddedChannel other = channel(false, budget);
    other.writeInbound(Unpooled.buffer().writeInt(90).writeBytes(new byte[70]));
    assertThat(other.<WireException>readInbound().code()).isEqualTo("busy");
    channel.close();
    assertThat(budget.held()).isZero();
  }

  /** Two that hold much do not end the connection of a third one that needs little. */
  @Test
  void theLargestShareOfABudgetIsRevoked() {
    ByteBudget budget = new ByteBudget(100);
    List<String> revoked = new ArrayList<>();
    ByteBudget.Share first = budget.share(() -> revoked.add("first"));
    ByteBudget.Share second = budget.share(() -> revoked.add("second"));
    ByteBudget.Share honest = budget.share(() -> revoked.add("honest"));
    assertThat(first.reserve(50)).isTrue();
    assertThat(second.reserve(45)).isTrue();
    assertThat(honest.reserve(10)).isTrue();
    assertThat(revoked).containsExactly("first");
    assertThat(first.reserve(1)).as("it is revoked").isFalse();
    assertThat(second.reserve(60)).as("it is the largest").isFalse();
    assertThat(revoked).containsExactly("first");
    first.release(50);
    second.release(45);
    assertThat(budget.held()).isEqualTo(10);
    honest.release(10);
    assertThat(budget.held()).isZero();
  }

  @Test
  void aBucketLetsItsRateThrough() {
    TokenBucket bucket = new TokenBucket(50, 1, 0);
    bucket.take(49, 0);
    assertThat(bucket.waitMillis(0)).isZero();
    bucket.take(101, 0);
    assertThat(bucket.waitMillis(0)).isBetween(2_020L, 2_021L);
    assertThat(bucket.waitMillis(2_020_000_001L)).isZero();
  }

  /** Frames that differ from good ones in some bytes, and others of random ones: no other error. */
  @Test
  void anyFrameIsReadOrRefused() {
    Random random = new Random(20_261_201);
    FakeChain chain = new FakeChain(1);
    List<byte[]> good =
        List.of(
            Json.write(
                MessageCode.NEW_BLOCK, Objects.requireNonNull(BlockJson.write(chain.at(1))), 1L),
            Json.write(
                MessageCode.SHAKEHAND,
                new Shakehand(1, 2, Address.ZERO, CHAIN, Hash.ZERO).write(),
                null),
            utf8("{\"code\":\"PULL_BLOCK\",\"data\":12,\"id\":3,\"v\":1}"));
    int read = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] frame = good.get(i % good.size()).clone();
      if (i % 10 == 9) {
        random.nextBytes(frame);
      } else {
        for (int changes = random.nextInt(4); changes >= 0; changes--) {
          frame[random.nextInt(frame.length)] =
              random.nextBoolean()
                  ? (byte) random.nextInt()
                  : (byte) "{}[]\",:0123456789abcdefx".charAt(random.nextInt(24));
        }
      }
      try {
        Message message = Json.read(frame);
        read++;
        switch (message.code()) {
          case "NEW_BLOCK" -> BlockJson.read(false, message.data());
          case "SHAKEHAND" -> Shakehand.read(message.data(), CHAIN, i % 2 == 0);
          default -> Fields.number(message.data(), "the height");
        }
      } catch (WireException refused) {
        assertThat(refused.code())
            .isIn(
                "malformed",
                "bad_data",
                "invalid_block",
                "wrong_chain",
                "unsupported_version",
                "incomplete_shakehand");
      }
    }
    assertThat(read).isBetween(100, 19_900);
  }
}
