// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A hostile peer beside an honest one, which does not notice it. */
class EthAttacksTest extends EthFixture {
  /** About the largest payload that a peer can send. */
  private static final int LARGE = 10 << 20;

  private static byte[] wrap(byte[] content) {
    return new RlpWriter().list(w -> w.raw(content)).toArray();
  }

  /** Returns lists within lists, 20,000 deep. */
  private static byte[] deep() {
    int depth = 20_000;
    int[] sizes = new int[depth + 1];
    sizes[0] = 1;
    for (int i = 1; i <= depth; i++) {
      int content = sizes[i - 1];
      sizes[i] = content + (content < 56 ? 1 : content < 256 ? 2 : content < 65_536 ? 3 : 4);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int i = depth; i > 0; i--) {
      int content = sizes[i - 1];
      if (content < 56) {
        out.write(0xc0 + content);
      } else {
        int bytes = content < 256 ? 1 : content < 65_536 ? 2 : 3;
        out.write(0xf7 + bytes);
        for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
          out.write(content >>> shift);
        }
      }
    }
    out.write(0xc0);
    return out.toByteArray();
  }

  private static byte[] filled(int size, int value) {
    byte[] out = new byte[size];
    Arrays.fill(out, (byte) value);
    return out;
  }

  /** Payloads that no message has, each of another kind. */
  private static List<byte[]> hostile() {
    byte[] many = filled(LARGE - 16, 0x80);
    byte[] lists = filled(LARGE - 16, 0xc0);
    return List.of(
        new byte[0],
        deep(),
        wrap(deep()),
        wrap(many), // ten million empty strings
        wrap(lists), // ten million empty lists
        wrap(wrap(many)),
        wrap(wrap(lists)),
        wrap(filled(LARGE - 16, 0x01)),
        Bytes.fromHex("0xfbffffffff").toArray(), // a list of 4 GiB
        Bytes.fromHex("0xffffffffffffffffff").toArray(), // of 2^64 - 1 bytes
        Bytes.fromHex("0xf800").toArray(), // a length that is not minimal
        Bytes.fromHex("0xc3820001").toArray(), // a number with a leading zero
        Bytes.fromHex("0xc28100").toArray(), // a byte that is a string
        Bytes.fromHex("0x80").toArray());
  }

  @ParameterizedTest
  @EnumSource(EthVersion.class)
  void deepLongAndNonCanonicalPayloadsAreRefused(EthVersion version) throws PeerBreachException {
    Peer honest = peer(version, "honest");
    List<byte[]> payloads = hostile();
    for (int code = 1; code < version.messageCount(); code++) {
      int message = code;
      for (byte[] payload : payloads) {
        Peer attacker = peer(version, "attacker");
        assertThatThrownBy(() -> attacker.handler.messageReceived(message, Bytes.wrap(payload)))
            .isInstanceOfAny(RlpException.class, PeerBreachException.class)
            .satisfies(refusal -> assertThat(refusal.getMessage()).hasSizeLessThan(400));
        attacker.handler.disconnected();
      }
    }
    assertThat(events).isEmpty();
    assertServed(honest);
  }

  private void assertServed(Peer peer) throws PeerBreachException {
    peer.connection.sent.clear();
    peer.send(new GetBlockHeaders(1, new GetBlockHeaders.ByNumber(1), 3, 0, false));
    assertThat(peer.connection.takeOne(MessageCode.BLOCK_HEADERS, BlockHeaders::decode).headers())
        .hasSize(3);
  }

  /** Numbers that overflow when they are added, as CVE-2018-12018 and CVE-2024-32972. */
  @ParameterizedTest
  @CsvSource({
    "1, -1, 0, false, 50",
    "1, 0, 0, false, 0",
    "1, 5, -1, false, 1",
    "1, 5, -2, false, 1",
    "1, 5, 9223372036854775807, false, 1",
    "0, -1, 0, true, 1",
    "0, 5, -1, true, 1",
    "50, -1, -1, true, 1",
    "50, -1, 0, true, 51",
    "50, 3, 9223372036854775807, true, 1",
    "-1, 5, 0, false, 0",
    "-1, -1, -1, true, 0",
    "9223372036854775807, 5, 9223372036854775807, false, 0"
  })
  void skipAndCountDoNotOverflow(long start, long limit, long skip, boolean reverse, int count)
      throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(new GetBlockHeaders(1, new GetBlockHeaders.ByNumber(start), limit, skip, reverse));
    assertThat(peer.connection.takeOne(MessageCode.BLOCK_HEADERS, BlockHeaders::decode).headers())
        .hasSize(count);
  }

  @Test
  void aFloodOfTransactionsLeavesRoomForOtherPeers() throws PeerBreachException {
    Peer attacker = peer("attacker");
    Peer honest = peer("honest");
    List<Transaction> spam = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      spam.add(tx(OTHER, i, 0));
    }
    for (int i = 0; i < 20; i++) {
      attacker.send(new Transactions(spam));
    }
    Transaction wanted = tx(0);
    honest.send(new Transactions(List.of(wanted)));
    importAll();
    assertThat(pool.get(wanted.hash())).isNotNull();
    assertServed(honest);
  }

  @Test
  void aTransactionWithAnInvalidSignatureEndsTheConnection() throws PeerBreachException {
    Peer attacker = peer("attacker");
    byte[] forged = tx(0).encode();
    Arrays.fill(forged, forged.length - 32, forged.length, (byte) 0xff); // s above the order
    try {
      Transaction transaction = Transaction.decode(forged);
      attacker.sendBreach(new Transactions(List.of(transaction)), DisconnectReason.PROTOCOL_BREACH);
    } catch (RlpException malformed) {
      assertThat(malformed).hasMessageNotContaining("\n"); // refused even earlier
    }
    assertThat(pool.get(Hash.keccak(forged))).isNull();
  }

  @Test
  void aFloodOfAnnouncementsTakesBoundedMemory() throws PeerBreachException {
    Peer attacker = peer("attacker");
    for (int round = 0; round < 20; round++) {
      List<NewBlockHashes.Announced> blocks = new ArrayList<>();
      List<NewPooledTransactionHashes.Announced> transactions = new ArrayList<>();
      for (int i = 0; i < EthLimits.MAX_HASHES; i++) {
        byte[] number = {(byte) round, (byte) (i >> 8), (byte) i};
        blocks.add(new NewBlockHashes.Announced(Hash.keccak(number), i));
        transactions.add(new NewPooledTransactionHashes.Announced(Hash.keccak(number), 2, 100));
      }
      attacker.send(new NewBlockHashes(blocks));
      attacker.send(new NewPooledTransactionHashes(transactions));
    }
    pass(500);
    assertThat(attacker.requests()).hasSize(1); // of 256 hashes; the rest of 4,096 waits
    assertServed(peer("honest"));
  }

  @Test
  void aFloodOfRequestsForNothingIsServedOneByOne() throws PeerBreachException {
    Peer attacker = peer("attacker");
    for (int i = 0; i < 2_000; i++) {
      attacker.send(new GetBlockBodies(i, List.of(hash(i))));
      attacker.send(new GetPooledTransactions(i, List.of(hash(i))));
      assertThat(attacker.connection.sent).hasSize(2);
      attacker.connection.sent.clear();
    }
    assertServed(peer("honest"));
  }
}
