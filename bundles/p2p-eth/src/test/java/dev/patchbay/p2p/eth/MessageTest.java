// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bloom;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ForkId;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MessageTest {
  private static final Log LOG =
      new Log(EthFixture.TO, List.of(Hash.ZERO, EthFixture.hash(1)), Bytes.fromHex("0x0102"));

  private static void roundTrip(EthMessage message, Function<Bytes, ? extends EthMessage> decoder) {
    Bytes payload = message.encode();
    EthMessage decoded = decoder.apply(payload);
    assertThat(decoded).isEqualTo(message);
    assertThat(decoded.encode()).isEqualTo(payload);
    assertThat(decoded.code()).isEqualTo(message.code());
    byte[] longer = Arrays.copyOf(payload.toArray(), payload.size() + 1);
    assertThatThrownBy(() -> decoder.apply(Bytes.wrap(longer))).isInstanceOf(RlpException.class);
  }

  static List<Receipt> receipts() {
    return List.of(
        Receipt.of(TransactionType.LEGACY, true, 21_000, List.of(LOG)),
        Receipt.of(TransactionType.FEE_MARKET, false, 42_000, List.of()),
        Receipt.of(TransactionType.SET_CODE, true, 63_000, List.of(LOG, LOG)),
        new Receipt(TransactionType.LEGACY, false, EthFixture.hash(3), 9, Bloom.EMPTY, List.of()));
  }

  /** The vectors of EIP-2124, "RLP encoding", within a Status. */
  @Test
  void forkIdsHaveTheEncodingOfTheirEip() {
    BlockRange range = new BlockRange(0, 1, EthFixture.hash(1));
    assertThat(new Status(69, 1, Hash.ZERO, new ForkId(0, 0), range).encode().toString())
        .contains("c6840000000080");
    assertThat(new Status(69, 1, Hash.ZERO, new ForkId(-1, -1), range).encode().toString())
        .contains("ce84ffffffff88ffffffffffffffff");
  }

  @ParameterizedTest
  @EnumSource(EthVersion.class)
  void statusHasTheLayoutOfItsVersion(EthVersion version) {
    ForkId forkId = new ForkId(0xfc64ec04, 1_150_000);
    PeerHead head =
        version.hasBlockRange()
            ? new BlockRange(5, -1, EthFixture.hash(9))
            : new PeerHead.TotalDifficulty(UInt256.MAX, EthFixture.hash(9));
    Status status = new Status(version.number(), -1, EthFixture.hash(1), forkId, head);
    roundTrip(status, payload -> Status.decode(version, payload));
    EthVersion otherLayout = version.hasBlockRange() ? EthVersion.ETH_68 : EthVersion.ETH_69;
    assertThatThrownBy(() -> Status.decode(otherLayout, status.encode()))
        .isInstanceOf(RlpException.class);
  }

  @Test
  void announcementsSurvive() {
    roundTrip(
        new BlockRangeUpdate(new BlockRange(1, 2, EthFixture.hash(2))), BlockRangeUpdate::decode);
    roundTrip(
        new NewBlockHashes(List.of(new NewBlockHashes.Announced(EthFixture.hash(1), -1))),
        NewBlockHashes::decode);
    roundTrip(
        new NewPooledTransactionHashes(
            List.of(
                new NewPooledTransactionHashes.Announced(EthFixture.hash(1), 0, 100),
                new NewPooledTransactionHashes.Announced(EthFixture.hash(2), 0x7f, 4_000_000_000L),
                new NewPooledTransactionHashes.Announced(EthFixture.hash(3), 0xff, 3))),
        NewPooledTransactionHashes::decode);
    roundTrip(new NewPooledTransactionHashes(List.of()), NewPooledTransactionHashes::decode);
    roundTrip(new Transactions(List.of(EthFixture.tx(0), legacy())), Transactions::decode);
  }

  private static Transaction legacy() {
    return Transaction.builder(TransactionType.LEGACY)
        .chainId(UInt256.ONE)
        .gasPrice(UInt256.ONE)
        .gasLimit(21_000)
        .sign(EthFixture.KEY);
  }

  @Test
  void newBlocksSurvive() {
    Block block =
        new Block(
            FakeChain.child(null, "x").header(),
            List.of(EthFixture.tx(0), legacy()),
            List.of(),
            List.of(new Withdrawal(1, 2, EthFixture.TO, 3)));
    NewBlock message = new NewBlock(block, UInt256.of(17));
    NewBlock decoded = NewBlock.decode(message.encode());
    assertThat(decoded.block().encode()).isEqualTo(block.encode());
    assertThat(decoded.totalDifficulty()).isEqualTo(UInt256.of(17));
  }

  @Test
  void requestsSurvive() {
    List<Hash> hashes = List.of(EthFixture.hash(1), EthFixture.hash(2));
    for (long id : new long[] {0, 1, -1}) {
      roundTrip(new GetBlockBodies(id, hashes), GetBlockBodies::decode);
      roundTrip(new GetPooledTransactions(id, hashes), GetPooledTransactions::decode);
      roundTrip(new GetBlockAccessLists(id, hashes), GetBlockAccessLists::decode);
      roundTrip(
          new GetBlockHeaders(id, new GetBlockHeaders.ByHash(hashes.get(0)), -1, -1, true),
          GetBlockHeaders::decode);
      for (long number : new long[] {0, 1, 0x80, Long.MAX_VALUE, -1}) {
        roundTrip(
            new GetBlockHeaders(id, new GetBlockHeaders.ByNumber(number), 512, 0, false),
            GetBlockHeaders::decode);
      }
    }
  }

  /** What ethereumjs sends: request 7 for 512 headers from block 1. */
  @Test
  void aRequestForHeadersHasTheEncodingOfTheSpecification() {
    GetBlockHeaders request =
        new GetBlockHeaders(7, new GetBlockHeaders.ByNumber(1), 512, 0, false);
    assertThat(request.encode()).isEqualTo(Bytes.fromHex("0xc807c6018202008080"));
  }

  @ParameterizedTest
  @EnumSource(EthVersion.class)
  void requestsForReceiptsSurvive(EthVersion version) {
    long first = version.hasPartialReceipts() ? 17 : 0;
    roundTrip(
        new GetReceipts(version, 3, first, List.of(EthFixture.hash(1))),
        payload -> GetReceipts.decode(version, payload));
  }

  @ParameterizedTest
  @EnumSource(EthVersion.class)
  void receiptsSurvive(EthVersion version) {
    RlpWriter list = new RlpWriter();
    list.list(w -> receipts().forEach(one -> w.raw(ReceiptCodec.encode(one, version))));
    Bytes block = Bytes.wrap(list.toArray());
    Bytes empty = Bytes.fromHex("0xc0");
    Receipts message =
        new Receipts(version, 5, version.hasPartialReceipts(), List.of(empty, block));
    roundTrip(message, payload -> Receipts.decode(version, payload));
    assertThat(message.decodeBlocks()).isEqualTo(List.of(List.of(), receipts()));
  }

  @Test
  void receiptsHaveTheFormOfTheirVersion() {
    Receipt legacy = Receipt.of(TransactionType.LEGACY, true, 1, List.of());
    Receipt typed = Receipt.of(TransactionType.FEE_MARKET, false, 1, List.of());
    assertThat(ReceiptCodec.encode(legacy, EthVersion.ETH_68)).isEqualTo(legacy.encode());
    assertThat(ReceiptCodec.encode(typed, EthVersion.ETH_68))
        .isEqualTo(new RlpWriter().bytes(typed.encode()).toArray());
    assertThat(Bytes.wrap(ReceiptCodec.encode(legacy, EthVersion.ETH_69)))
        .as("the type of a legacy transaction is 0x80")
        .isEqualTo(Bytes.fromHex("0xc4800101c0"));
    assertThat(Bytes.wrap(ReceiptCodec.encode(typed, EthVersion.ETH_70)))
        .isEqualTo(Bytes.fromHex("0xc4028001c0"));
  }

  @Test
  void aDepositKeepsWhatTheReceiptsTrieHolds() {
    Receipt deposit =
        new Receipt(
            TransactionType.DEPOSIT, true, null, 9, Bloom.of(List.of(LOG)), List.of(LOG), 7L, 1L);
    for (EthVersion version : EthVersion.values()) {
      Bytes block =
          Bytes.wrap(
              new RlpWriter().list(w -> w.raw(ReceiptCodec.encode(deposit, version))).toArray());
      assertThat(new Receipts(version, 0, false, List.of(block)).decodeBlocks().get(0))
          .containsExactly(deposit);
    }
  }

  @Test
  void malformedReceiptsAreRefused() {
    for (String receipt :
        List.of(
            "0xc4000101c0", // type 0x00 is no canonical number
            "0xc4050101c0", // unknown type
            "0xc4800201c0", // status 2
            "0xc58082000101", // status of two bytes
            "0xc480018000", // gas with a leading zero
            "0xc5800101c001")) { // too many fields
      assertThatThrownBy(() -> decode69(receipt)).as(receipt).isInstanceOf(RlpException.class);
    }
    byte[] wrapped =
        new RlpWriter()
            .bytes(Receipt.of(TransactionType.LEGACY, true, 1, List.of()).encode())
            .toArray();
    Bytes block = Bytes.wrap(new RlpWriter().list(w -> w.raw(wrapped)).toArray());
    assertThatThrownBy(
            () -> new Receipts(EthVersion.ETH_68, 0, false, List.of(block)).decodeBlocks())
        .isInstanceOf(RlpException.class);
  }

  private static void decode69(String receipt) {
    byte[] list = new RlpWriter().list(w -> w.raw(Bytes.fromHex(receipt).toArray())).toArray();
    new Receipts(EthVersion.ETH_69, 0, false, List.of(Bytes.wrap(list))).decodeBlocks();
  }

  @Test
  void repliesSurvive() {
    BlockHeader header = FakeChain.child(null, "x").header();
    BlockHeaders headers = new BlockHeaders(1, List.of(Bytes.wrap(header.encode())));
    roundTrip(headers, BlockHeaders::decode);
    assertThat(headers.decodeHeaders()).containsExactly(header);
    roundTrip(
        new BlockAccessLists(1, List.of(BlockAccessLists.UNAVAILABLE, Bytes.fromHex("0xc0"))),
        BlockAccessLists::decode);
  }

  @Test
  void bodiesSurviveWithAndWithoutWithdrawals() {
    for (List<Withdrawal> withdrawals :
        Arrays.asList(null, List.of(new Withdrawal(1, 2, EthFixture.TO, 3)))) {
      Block block =
          new Block(
              FakeChain.child(null, "x").header(),
              List.of(EthFixture.tx(0), legacy()),
              List.of(FakeChain.child(null, "ommer").header()),
              withdrawals);
      BlockBodies message = new BlockBodies(4, List.of(Bytes.wrap(block.encodeBody())));
      roundTrip(message, BlockBodies::decode);
      BlockBody body = message.decodeBodies().get(0);
      assertThat(body.toBlock(block.header()).encode()).isEqualTo(block.encode());
    }
  }

  @Test
  void pooledTransactionsSurviveWithAndWithoutSidecars() {
    for (var pooled :
        List.of(
            EthFixture.plain(legacy()),
            EthFixture.plain(EthFixture.tx(0)),
            new dev.patchbay.primitives.BlobSidecar.Pooled(
                EthFixture.blobTx(0, 2), EthFixture.sidecar(0, 2)),
            new dev.patchbay.primitives.BlobSidecar.Pooled(
                EthFixture.blobTx(0, 1), EthFixture.sidecar(1, 1)))) {
      PooledTransactions message = EthFixture.deliver(8, pooled);
      roundTrip(message, PooledTransactions::decode);
      assertThat(message.decodeTransactions()).containsExactly(pooled);
      assertThat(PooledForm.size(pooled.transaction(), pooled.sidecar()))
          .isEqualTo(pooled.encode().length);
    }
  }

  @Test
  void aLegacyTransactionIsNotWrapped() {
    byte[] wrapped = new RlpWriter().bytes(legacy().encode()).toArray();
    assertThatThrownBy(() -> PooledForm.decode(Bytes.wrap(wrapped)))
        .isInstanceOf(RlpException.class);
    Bytes payload = RlpList.encode(w -> w.raw(wrapped));
    assertThatThrownBy(() -> Transactions.decode(payload)).isInstanceOf(RlpException.class);
  }

  @Test
  void listsOfUnequalLengthsAreRefused() {
    assertThatThrownBy(() -> NewPooledTransactionHashes.decode(announcement(2, 1, 1)))
        .isInstanceOf(RlpException.class);
    assertThatThrownBy(() -> NewPooledTransactionHashes.decode(announcement(1, 2, 1)))
        .isInstanceOf(RlpException.class);
    assertThatThrownBy(() -> NewPooledTransactionHashes.decode(announcement(1, 1, 2)))
        .isInstanceOf(RlpException.class);
    assertThat(NewPooledTransactionHashes.decode(announcement(2, 2, 2)).announced()).hasSize(2);
  }

  private static Bytes announcement(int types, int sizes, int hashes) {
    byte[] codes = new byte[types];
    Arrays.fill(codes, (byte) 2);
    return RlpList.encode(
        w -> {
          w.bytes(codes);
          w.list(list -> Collections.nCopies(sizes, 100L).forEach(list::number));
          w.list(list -> Collections.nCopies(hashes, Hash.ZERO).forEach(list::hash));
        });
  }

  @Test
  void countsAreBounded() {
    List<Hash> blocks = Collections.nCopies(1_025, Hash.ZERO);
    List<Hash> hashes = Collections.nCopies(4_097, Hash.ZERO);
    List<Bytes> items = Collections.nCopies(1_025, Bytes.fromHex("0xc0"));
    assertBounded(new GetBlockBodies(1, blocks), GetBlockBodies::decode);
    assertBounded(new GetBlockAccessLists(1, blocks), GetBlockAccessLists::decode);
    assertBounded(
        new GetReceipts(EthVersion.ETH_70, 1, 0, blocks),
        payload -> GetReceipts.decode(EthVersion.ETH_70, payload));
    assertBounded(new GetPooledTransactions(1, hashes), GetPooledTransactions::decode);
    assertBounded(new BlockHeaders(1, items), BlockHeaders::decode);
    assertBounded(new BlockBodies(1, items), BlockBodies::decode);
    assertBounded(new BlockAccessLists(1, items), BlockAccessLists::decode);
    assertBounded(
        new Receipts(EthVersion.ETH_69, 1, false, items),
        payload -> Receipts.decode(EthVersion.ETH_69, payload));
    assertBounded(
        new PooledTransactions(1, Collections.nCopies(4_097, Bytes.fromHex("0xc0"))),
        PooledTransactions::decode);
    assertBounded(
        new NewBlockHashes(Collections.nCopies(4_097, new NewBlockHashes.Announced(Hash.ZERO, 1))),
        NewBlockHashes::decode);
    assertBounded(
        new Transactions(Collections.nCopies(5_001, EthFixture.tx(0))), Transactions::decode);
    assertThatThrownBy(() -> NewPooledTransactionHashes.decode(announcement(4_097, 4_097, 4_097)))
        .isInstanceOf(RlpException.class);
    assertThat(Transactions.decode(new Transactions(EthFixture.txs(10)).encode()).transactions())
        .hasSize(10);
  }

  private static void assertBounded(EthMessage message, Function<Bytes, ?> decoder) {
    assertThatThrownBy(() -> decoder.apply(message.encode()))
        .as(message.getClass().getSimpleName())
        .isInstanceOf(RlpException.class)
        .hasMessageStartingWith("more than");
  }

  @Test
  void receiptsOfAReplyAreBoundedTogether() {
    byte[] smallest = Bytes.fromHex("0xc4808080c0").toArray();
    RlpWriter list = new RlpWriter();
    list.list(w -> Collections.nCopies(100_000, smallest).forEach(w::raw));
    Bytes block = Bytes.wrap(list.toArray());
    Receipts message = new Receipts(EthVersion.ETH_69, 0, false, List.of(block, block));
    assertThatThrownBy(message::decodeBlocks)
        .isInstanceOf(RlpException.class)
        .hasMessageStartingWith("more than");
  }

  /** Writes the fields of a body of the smallest transactions and withdrawals that can be read. */
  private static void writeBody(RlpWriter w, int transactions, int withdrawals) {
    byte[] transaction = Bytes.fromHex("0xc98080808080801b8080").toArray();
    RlpWriter withdrawal = new RlpWriter();
    new Withdrawal(0, 0, EthFixture.TO, 0).write(withdrawal);
    byte[] encoded = withdrawal.toArray();
    w.list(list -> Collections.nCopies(transactions, transaction).forEach(list::raw));
    w.list(list -> {});
    w.list(list -> Collections.nCopies(withdrawals, encoded).forEach(list::raw));
  }

  private static Bytes body(int transactions, int withdrawals) {
    return RlpList.encode(w -> writeBody(w, transactions, withdrawals));
  }

  @Test
  void transactionsAndWithdrawalsOfAReplyAreBoundedTogether() {
    int half = EthLimits.MAX_BODY_ITEMS / 2;
    BlockBodies most = new BlockBodies(1, List.of(body(half, 0), body(half / 2, half / 2)));
    assertThat(most.decodeBodies()).hasSize(2);
    for (List<Bytes> bodies :
        List.of(
            List.of(body(half, 0), body(half + 1, 0)),
            List.of(body(half, 0), body(0, half), body(0, 1)),
            List.of(body(half, half + 1)))) {
      assertThatThrownBy(() -> new BlockBodies(1, bodies).decodeBodies())
          .isInstanceOf(RlpException.class)
          .hasMessageStartingWith("more than");
    }
  }

  /** A full reply: bodies of transfers up to 2 MiB, and one body more. */
  @Test
  void theLargestRepliesOfHonestPeersAreAccepted() {
    List<Bytes> bodies = new ArrayList<>(Collections.nCopies(1_023, body(16, 16)));
    bodies.add(body(32_768, 16));
    assertThat(new BlockBodies(1, bodies).decodeBodies()).hasSize(1_024);
  }

  @Test
  void transactionsAndWithdrawalsOfANewBlockAreBoundedTogether() {
    int half = EthLimits.MAX_BODY_ITEMS / 2;
    byte[] header = FakeChain.child(null, "x").header().encode();
    Bytes payload =
        RlpList.encode(
            w -> w.list(block -> writeBody(block.raw(header), half, half + 1)).number(1));
    assertThatThrownBy(() -> NewBlock.decode(payload))
        .isInstanceOf(RlpException.class)
        .hasMessageStartingWith("more than");
  }

  @Test
  void malformedOriginsAndFlagsAreRefused() {
    for (String payload :
        List.of(
            "0xc907c7820001820200", // truncated
            "0xcb07c9820001820200808080", // number with a leading zero, too many fields
            "0xca07c8820001820200" + "8080", // number with a leading zero
            "0xc807c6018202008002")) { // reverse is 2
      assertThatThrownBy(() -> GetBlockHeaders.decode(Bytes.fromHex(payload)))
          .as(payload)
          .isInstanceOf(RlpException.class);
    }
    Bytes nineBytes =
        RlpList.encode(
            w -> w.number(1).list(q -> q.bytes(filled(9)).number(1).number(0).number(0)));
    assertThatThrownBy(() -> GetBlockHeaders.decode(nineBytes)).isInstanceOf(RlpException.class);
    Bytes incomplete = RlpList.encode(w -> w.number(1).number(2).list(list -> {}));
    assertThatThrownBy(() -> Receipts.decode(EthVersion.ETH_70, incomplete))
        .isInstanceOf(RlpException.class);
  }

  private static byte[] filled(int length) {
    byte[] out = new byte[length];
    Arrays.fill(out, (byte) 1);
    return out;
  }
}
