// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which bodies of new blocks are decoded; the head of the chain is block 50. */
class NewBlockTest extends EthFixture {
  private Peer peer;

  @BeforeEach
  void connect() throws PeerBreachException {
    chain.config = CLIQUE;
    peer = peer(EthVersion.ETH_68, "a");
  }

  private static BlockHeader header(long number, long gasLimit) {
    return BlockHeader.builder()
        .parentHash(hash(1))
        .number(number)
        .difficulty(UInt256.of(2))
        .gasLimit(gasLimit)
        .build();
  }

  /** Sends a block whose body is no list, which its decoder refuses. */
  private void sendMalformedBody(BlockHeader header) throws PeerBreachException {
    Bytes payload =
        RlpList.encode(w -> w.list(block -> block.raw(header.encode()).number(1)).number(200));
    peer.handler.messageReceived(MessageCode.NEW_BLOCK, payload);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 50, 51, 114, 1_000})
  void noBodyIsDecodedOnAChainThatAConsensusClientDrives(long number) throws PeerBreachException {
    chain.config = ChainConfig.of(UInt256.of(1337), Fork.PRAGUE);
    sendMalformedBody(header(number, 30_000_000));
    assertThat(events).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {179, 10_000, Long.MAX_VALUE, Long.MIN_VALUE, -1})
  void theBodyOfABlockFarFromTheHeadIsNotDecoded(long number) throws PeerBreachException {
    sendMalformedBody(header(number, 30_000_000));
    assertThat(events).isEmpty();
    pass(EthPeer.IMPORT_MILLIS);
    assertThat(peer.handler.head())
        .as("the peer has the block")
        .isEqualTo(
            new NewBlockHeader(
                    header(number, 30_000_000).computeHash(),
                    header(number, 30_000_000),
                    UInt256.of(200))
                .head());
  }

  @Test
  void theBodyOfABlockFarBelowTheHeadIsNotDecoded() throws PeerBreachException {
    for (int i = 0; i < 20; i++) {
      chain.extend();
    }
    sendMalformedBody(header(5, 30_000_000));
    assertThat(events).isEmpty();
    assertThatThrownBy(() -> sendMalformedBody(header(6, 30_000_000)))
        .isInstanceOf(RlpException.class);
  }

  @Test
  void theBodyOfABlockThatTheChainHasIsNotDecoded() throws PeerBreachException {
    sendMalformedBody(chain.side(chain.canonical.get(48)).header());
    sendMalformedBody(chain.head().header());
    assertThat(events).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 44, 50, 51, 82, 178})
  void theBodyOfANewBlockNearTheHeadIsDecoded(long number) throws PeerBreachException {
    peer.send(
        new NewBlock(
            new Block(header(number, 30_000_000), List.of(), List.of(), null), UInt256.of(200)));
    assertThat(events).hasSize(1);
    assertThatThrownBy(() -> sendMalformedBody(header(number, 30_000_000)))
        .isInstanceOf(RlpException.class);
  }

  @ParameterizedTest
  @CsvSource({"42000, 2, 0", "62999, 2, 1", "20999, 0, 1", "-1, 20, 0"})
  void aBodyHasNoMoreTransactionsThanItsGasLimitAllows(long gasLimit, int count, int more)
      throws PeerBreachException {
    peer.send(
        new NewBlock(
            new Block(header(51, gasLimit), txs(count), List.of(), null), UInt256.of(200)));
    assertThat(events).hasSize(1);
    if (more > 0) {
      NewBlock larger =
          new NewBlock(
              new Block(header(51, gasLimit), txs(count + more), List.of(), null), UInt256.of(200));
      assertThatThrownBy(() -> peer.send(larger))
          .isInstanceOf(RlpException.class)
          .hasMessageStartingWith("more than " + count);
      assertThat(events).hasSize(1);
    }
  }
}
