// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.TransactionType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ChainServerTest extends EthFixture {
  private final ChainServer server = new ChainServer(services);

  private List<Long> numbers(GetBlockHeaders request) {
    BlockHeaders reply = server.headers(request);
    assertThat(reply.requestId()).isEqualTo(request.requestId());
    List<BlockHeader> headers = reply.decodeHeaders();
    assertThat(HeaderReplyCheck.fault(request, headers)).as("our own check").isNull();
    return headers.stream().map(BlockHeader::number).toList();
  }

  @ParameterizedTest
  @CsvSource({
    "5, 3, 0, false, '5,6,7'",
    "5, 3, 0, true, '5,4,3'",
    "5, 3, 4, false, '5,10,15'",
    "15, 9, 4, true, '15,10,5,0'",
    "2, 9, 0, true, '2,1,0'",
    "48, 9, 0, false, '48,49,50'",
    "45, 9, 3, false, '45,49'",
    "0, 1, 0, true, '0'",
    "50, 1, 0, false, '50'",
    // nothing
    "5, 0, 0, false, ''",
    "51, 1, 0, false, ''",
    "18446744073709551615, 1, 0, false, ''",
    "9223372036854775808, 5, 0, true, ''",
    // sums and differences that would wrap
    "5, 3, 18446744073709551615, false, '5'",
    "5, 3, 18446744073709551614, false, '5'",
    "5, 3, 18446744073709551610, false, '5'",
    "5, 3, 18446744073709551615, true, '5'",
    "5, 3, 18446744073709551614, true, '5'",
    "5, 3, 9223372036854775807, false, '5'",
    "5, 3, 9223372036854775807, true, '5'"
  })
  void servesHeadersByNumberAndByHash(
      String origin, long limit, String skip, boolean reverse, String expected) {
    long number = Long.parseUnsignedLong(origin);
    long distance = Long.parseUnsignedLong(skip);
    List<Long> numbers = new ArrayList<>();
    for (String one : expected.split(",")) {
      if (!one.isEmpty()) {
        numbers.add(Long.valueOf(one));
      }
    }
    assertThat(
            numbers(
                new GetBlockHeaders(
                    9, new GetBlockHeaders.ByNumber(number), limit, distance, reverse)))
        .isEqualTo(numbers);
    if (number >= 0 && number <= 50) {
      Hash hash = chain.canonicalHash(number);
      assertThat(
              numbers(
                  new GetBlockHeaders(
                      0, new GetBlockHeaders.ByHash(hash), limit, distance, reverse)))
          .isEqualTo(numbers);
    }
  }

  @Test
  void anUnknownHashHasNoHeaders() {
    assertThat(numbers(new GetBlockHeaders(1, new GetBlockHeaders.ByHash(hash(1)), 5, 0, false)))
        .isEmpty();
  }

  @Test
  void servesAtMost1024Headers() {
    while (chain.canonical.size() < 1_200) {
      chain.extend();
    }
    for (long limit : new long[] {1_025, Long.MAX_VALUE, Long.MIN_VALUE, -1}) {
      assertThat(numbers(new GetBlockHeaders(1, new GetBlockHeaders.ByNumber(1), limit, 0, false)))
          .hasSize(1_024);
    }
  }

  @Test
  void aSideBlockHasAncestorsButNoDescendants() {
    Block first = chain.side(chain.canonical.get(10));
    Block second = chain.side(first);
    GetBlockHeaders.Origin origin = new GetBlockHeaders.ByHash(second.hash());
    assertThat(server.headers(new GetBlockHeaders(1, origin, 5, 0, false)).decodeHeaders())
        .containsExactly(second.header());
    assertThat(numbers(new GetBlockHeaders(1, origin, 5, 1, false))).containsExactly(12L);
    assertThat(server.headers(new GetBlockHeaders(1, origin, 3, 0, true)).decodeHeaders())
        .containsExactly(second.header(), first.header(), chain.canonical.get(10).header());
    assertThat(numbers(new GetBlockHeaders(1, origin, 5, 2, true)))
        .containsExactly(12L, 9L, 6L, 3L, 0L);
  }

  @Test
  void aLongSideBranchIsNotWalkedForNothing() {
    Block block = chain.canonical.get(10);
    for (int i = 0; i < 150; i++) {
      block = chain.side(block);
    }
    GetBlockHeaders.Origin origin = new GetBlockHeaders.ByHash(block.hash());
    assertThat(numbers(new GetBlockHeaders(1, origin, 2, 99, true))).containsExactly(160L, 60L);
    assertThat(numbers(new GetBlockHeaders(1, origin, 2, 100, true))).containsExactly(160L);
    assertThat(numbers(new GetBlockHeaders(1, origin, 152, 0, true))).hasSize(152);
  }

  @Test
  void aReorgWhileHeadersAreReadDoesNotJoinTwoBranches() {
    chain.canonical.set(20, chain.side(chain.canonical.get(19)));
    assertThat(numbers(new GetBlockHeaders(1, new GetBlockHeaders.ByNumber(18), 9, 0, false)))
        .as("block 21 is no child of the new block 20")
        .containsExactly(18L, 19L, 20L);
  }

  @Test
  void servesBodiesUpToTheFirstUnknownBlock() {
    Block known = chain.canonical.get(3);
    Block side = chain.side(known);
    BlockBodies reply =
        server.bodies(new GetBlockBodies(5, List.of(known.hash(), side.hash(), known.hash())));
    assertThat(reply.requestId()).isEqualTo(5);
    assertThat(reply.bodies()).containsOnly(Bytes.wrap(known.encodeBody())).hasSize(3);
    assertThat(
            server
                .bodies(new GetBlockBodies(5, List.of(known.hash(), hash(1), known.hash())))
                .bodies())
        .hasSize(1);
  }

  @Test
  void servesNoBodiesAndReceiptsThatHavePruned() {
    chain.oldest = 10;
    List<Hash> hashes = List.of(chain.canonicalHash(10), chain.canonicalHash(9));
    assertThat(server.bodies(new GetBlockBodies(5, hashes)).bodies()).hasSize(1);
    assertThat(server.receipts(new GetReceipts(EthVersion.ETH_69, 5, 0, hashes)).blocks())
        .hasSize(1);
    assertThat(numbers(new GetBlockHeaders(1, new GetBlockHeaders.ByNumber(9), 1, 0, false)))
        .as("headers are not pruned")
        .hasSize(1);
  }

  @Test
  void bodiesEndAfterTwoMebibytes() {
    Block big =
        chain.append(
            new Block(
                FakeChain.child(chain.head(), "big").header(),
                List.of(tx(KEY, 0, 700_000)),
                List.of(),
                List.of()));
    List<Hash> hashes = java.util.Collections.nCopies(8, big.hash());
    assertThat(server.bodies(new GetBlockBodies(5, hashes)).bodies())
        .as("the item that crosses the limit is the last one")
        .hasSize(3);
  }

  @Test
  void aReplyIsNeverLargerThanAMessage() {
    Block big =
        chain.append(
            new Block(
                FakeChain.child(chain.head(), "big").header(),
                List.of(tx(KEY, 0, 1_900_000)),
                List.of(),
                List.of()));
    Block huge =
        chain.append(
            new Block(
                FakeChain.child(chain.head(), "huge").header(),
                List.of(tx(KEY, 0, 9_000_000)),
                List.of(),
                List.of()));
    BlockBodies reply = server.bodies(new GetBlockBodies(5, List.of(big.hash(), huge.hash())));
    assertThat(reply.bodies()).hasSize(1);
    assertThat(server.bodies(new GetBlockBodies(5, List.of(huge.hash()))).encode().size())
        .isBetween(9_000_000, 10 * 1024 * 1024);
  }

  private static List<Receipt> receipts(int count, int dataBytes) {
    List<Receipt> out = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      Log log = new Log(TO, List.of(), Bytes.wrap(new byte[dataBytes]));
      out.add(Receipt.of(TransactionType.FEE_MARKET, true, 21_000L * i, List.of(log)));
    }
    return out;
  }

  @ParameterizedTest
  @EnumSource(EthVersion.class)
  void servesReceiptsUpToTheFirstUnknownBlock(EthVersion version) {
    chain.receipts.put(chain.canonicalHash(3), receipts(2, 10));
    Receipts reply =
        server.receipts(
            new GetReceipts(
                version,
                6,
                0,
                List.of(
                    chain.canonicalHash(3),
                    chain.canonicalHash(4),
                    hash(1),
                    chain.canonicalHash(5))));
    assertThat(reply.requestId()).isEqualTo(6);
    assertThat(reply.lastBlockIncomplete()).isFalse();
    assertThat(reply.decodeBlocks()).isEqualTo(List.of(receipts(2, 10), List.of()));
  }

  @Test
  void largeReceiptsComeInParts() {
    List<Receipt> all = receipts(50, 100_000);
    Hash large = chain.canonicalHash(3);
    chain.receipts.put(large, all);
    List<Receipt> collected = new ArrayList<>();
    int replies = 0;
    boolean incomplete = true;
    while (incomplete) {
      Receipts reply =
          server.receipts(
              new GetReceipts(
                  EthVersion.ETH_70, 6, collected.size(), List.of(large, chain.canonicalHash(4))));
      assertThat(reply.encode().size()).isLessThan(2 * 1024 * 1024 + 1_024);
      incomplete = reply.lastBlockIncomplete();
      assertThat(reply.blocks()).hasSize(incomplete ? 1 : 2);
      collected.addAll(reply.decodeBlocks().get(0));
      replies++;
    }
    assertThat(collected).isEqualTo(all);
    assertThat(replies).isEqualTo(3);
  }

  @Test
  void aReceiptLargerThanAReplyShouldBeComesAlone() {
    chain.receipts.put(chain.canonicalHash(3), receipts(2, 3_000_000));
    Receipts reply =
        server.receipts(new GetReceipts(EthVersion.ETH_70, 6, 0, List.of(chain.canonicalHash(3))));
    assertThat(reply.decodeBlocks()).isEqualTo(List.of(receipts(1, 3_000_000)));
    assertThat(reply.lastBlockIncomplete()).isTrue();
  }

  @Test
  void aBlockIsLeftOutRatherThanServedWithoutReceipts() {
    chain.receipts.put(chain.canonicalHash(3), receipts(20, 100_000));
    chain.receipts.put(chain.canonicalHash(4), receipts(2, 200_000));
    Receipts reply =
        server.receipts(
            new GetReceipts(
                EthVersion.ETH_70, 6, 0, List.of(chain.canonicalHash(3), chain.canonicalHash(4))));
    assertThat(reply.decodeBlocks()).isEqualTo(List.of(receipts(20, 100_000)));
    assertThat(reply.lastBlockIncomplete()).isFalse();
  }

  @Test
  void receiptsOfABlockAreWholeBeforeVersion70() {
    List<Receipt> all = receipts(50, 100_000);
    chain.receipts.put(chain.canonicalHash(3), all);
    Receipts reply =
        server.receipts(
            new GetReceipts(
                EthVersion.ETH_69, 6, 0, List.of(chain.canonicalHash(3), chain.canonicalHash(4))));
    assertThat(reply.decodeBlocks()).isEqualTo(List.of(all));
  }

  @Test
  void anIndexBehindTheReceiptsGetsNone() {
    chain.receipts.put(chain.canonicalHash(3), receipts(2, 10));
    List<Hash> hashes = List.of(chain.canonicalHash(3));
    for (long index : new long[] {3, Long.MAX_VALUE, Long.MIN_VALUE, -1}) {
      assertThat(server.receipts(new GetReceipts(EthVersion.ETH_70, 6, index, hashes)).blocks())
          .isEmpty();
    }
    assertThat(server.receipts(new GetReceipts(EthVersion.ETH_70, 6, 2, hashes)).decodeBlocks())
        .isEqualTo(List.of(List.of()));
    assertThat(server.receipts(new GetReceipts(EthVersion.ETH_70, 6, 1, hashes)).decodeBlocks())
        .isEqualTo(List.of(receipts(2, 10).subList(1, 2)));
  }

  @Test
  void accessListsAreNotAvailable() {
    BlockAccessLists reply =
        server.accessLists(new GetBlockAccessLists(8, List.of(chain.canonicalHash(3), hash(1))));
    assertThat(reply.requestId()).isEqualTo(8);
    assertThat(reply.encode()).isEqualTo(Bytes.fromHex("0xc408c28080"));
  }

  @Test
  void repliesAreEmptyWhileThereIsNoChain() {
    List<Hash> hashes = List.of(chain.canonicalHash(3));
    GetBlockHeaders headers = new GetBlockHeaders(1, new GetBlockHeaders.ByNumber(1), 5, 0, false);
    for (boolean unbound : new boolean[] {false, true}) {
      chain.isUnavailable = true;
      if (unbound) {
        services.chain().release(chain, Duration.ZERO);
      }
      assertThat(server.headers(headers).headers()).isEmpty();
      assertThat(server.bodies(new GetBlockBodies(1, hashes)).bodies()).isEmpty();
      assertThat(server.receipts(new GetReceipts(EthVersion.ETH_70, 1, 0, hashes)).blocks())
          .isEmpty();
    }
  }
}
