// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Malformed input, from a fixed seed: nothing but the two expected exceptions may come out. */
class EthFuzzTest extends EthFixture {
  private static final int ROUNDS = 1_000;

  private final Random fuzz = new Random(42);

  /** Returns a valid message of each kind, also replies to requests of the node. */
  private List<EthMessage> valid(Peer peer) {
    EthVersion version = peer.version;
    List<Hash> hashes = List.of(chain.canonicalHash(1), chain.canonicalHash(2));
    Bytes header = Bytes.wrap(chain.canonical.get(1).header().encode());
    Bytes body = Bytes.wrap(chain.canonical.get(1).encodeBody());
    Bytes receipts =
        RlpList.encode(
            w -> MessageTest.receipts().forEach(one -> w.raw(ReceiptCodec.encode(one, version))));
    List<EthMessage> all = new ArrayList<>();
    all.add(new GetBlockHeaders(1, new GetBlockHeaders.ByNumber(5), 3, 2, true));
    all.add(new GetBlockHeaders(1, new GetBlockHeaders.ByHash(hashes.get(0)), 3, 2, false));
    all.add(new GetBlockBodies(1, hashes));
    all.add(new GetReceipts(version, 1, 0, hashes));
    all.add(new GetPooledTransactions(1, hashes));
    all.add(new NewBlockHashes(List.of(new NewBlockHashes.Announced(hashes.get(0), 1))));
    all.add(new NewBlock(chain.canonical.get(3), UInt256.ONE));
    all.add(new Transactions(txs(2)));
    all.add(announce(txs(3)));
    all.add(new BlockHeaders(1, List.of(header)));
    all.add(new BlockBodies(2, List.of(body, body)));
    all.add(new Receipts(version, 3, false, List.of(receipts)));
    all.add(deliver(4, txs(2)));
    if (version.hasBlockRange()) {
      all.add(new BlockRangeUpdate(new BlockRange(0, 5, hash(1))));
    }
    if (version.hasAccessLists()) {
      all.add(new GetBlockAccessLists(1, hashes));
      all.add(new BlockAccessLists(1, List.of(BlockAccessLists.UNAVAILABLE)));
    }
    return all;
  }

  private byte[] mutate(byte[] input) {
    byte[] out = input.clone();
    switch (fuzz.nextInt(5)) {
      case 0 -> out = java.util.Arrays.copyOf(out, fuzz.nextInt(out.length + 1));
      case 1 -> out = java.util.Arrays.copyOf(out, out.length + 1 + fuzz.nextInt(8));
      case 2 -> {
        out = new byte[fuzz.nextInt(64)];
        fuzz.nextBytes(out);
      }
      default -> {
        for (int i = 0; i <= fuzz.nextInt(4); i++) {
          out[fuzz.nextInt(Math.min(out.length, 80))] = (byte) fuzz.nextInt();
        }
      }
    }
    return out;
  }

  private interface Call {
    void run() throws PeerBreachException;
  }

  /** Returns whether a call failed as it may. */
  private static boolean isRefused(Call call) {
    try {
      call.run();
      return false;
    } catch (PeerBreachException breach) {
      assertThat(breach.getMessage()).hasSizeLessThan(400);
      return true;
    } catch (RlpException malformed) {
      assertThat(malformed.getMessage()).hasSizeLessThan(400);
      return true;
    }
  }

  @ParameterizedTest
  @EnumSource(EthVersion.class)
  void theHandlerRefusesWhatIsMalformed(EthVersion version) throws PeerBreachException {
    pool.rejectWith(dev.patchbay.api.txpool.AddResult.Reason.INVALID);
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Peer peer = peer(version, "a");
      Requests requests = peer.handler.requests();
      requests.headers(new GetBlockHeaders.ByNumber(1), 5, 0, false);
      requests.bodies(List.of(hash(1), hash(2)));
      requests.receipts(List.of(hash(1)), 0);
      requests.transactions(List.of(tx(0).hash(), tx(1).hash()));
      List<EthMessage> all = valid(peer);
      EthMessage message = all.get(fuzz.nextInt(all.size()));
      int code = fuzz.nextInt(10) == 0 ? fuzz.nextInt(40) : message.code();
      Bytes payload = Bytes.wrap(mutate(message.encode().toArray()));
      if (isRefused(() -> peer.handler.messageReceived(code, payload))) {
        refused++;
      }
      importAll();
      service.tick();
      peer.handler.disconnected();
    }
    assertThat(refused).as("most of it is malformed").isGreaterThan(ROUNDS / 2);
  }

  @ParameterizedTest
  @EnumSource(EthVersion.class)
  void theHandshakeRefusesWhatIsMalformed(EthVersion version) throws PeerBreachException {
    int established = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Peer peer = new Peer(version, "a");
      byte[] payload = mutate(peer.status().encode().toArray());
      isRefused(() -> peer.handler.messageReceived(MessageCode.STATUS, Bytes.wrap(payload)));
      established += peer.connection.isEstablished ? 1 : 0;
      peer.handler.disconnected();
    }
    assertThat(established).as("a number of the head may change").isLessThan(ROUNDS / 4);
  }

  @ParameterizedTest
  @EnumSource(EthVersion.class)
  void contentRefusesWhatIsMalformed(EthVersion version) {
    Bytes body = Bytes.wrap(chain.canonical.get(1).encodeBody());
    Bytes withTransactions =
        RlpList.encode(
            w -> {
              w.list(list -> txs(3).forEach(tx -> tx.writeInBody(list)));
              w.list(list -> {}).list(list -> {});
            });
    Bytes receipts =
        Bytes.wrap(
            new RlpWriter()
                .list(
                    w ->
                        MessageTest.receipts()
                            .forEach(one -> w.raw(ReceiptCodec.encode(one, version))))
                .toArray());
    Bytes header = Bytes.wrap(chain.canonical.get(1).header().encode());
    BlobSidecar empty = new BlobSidecar(1, List.of(), List.of(), List.of());
    Bytes blob = PooledForm.encode(new BlobSidecar.Pooled(blobTx(0, 1), empty));
    for (int round = 0; round < ROUNDS; round++) {
      for (Bytes item : List.of(body, withTransactions, receipts, header, blob)) {
        Bytes mutated = Bytes.wrap(mutate(item.toArray()));
        isRefused(() -> new BlockBodies(1, List.of(mutated)).decodeBodies());
        isRefused(() -> new Receipts(version, 1, false, List.of(mutated)).decodeBlocks());
        isRefused(() -> new BlockHeaders(1, List.of(mutated)).decodeHeaders());
        isRefused(() -> new PooledTransactions(1, List.of(mutated)).decodeTransactions());
      }
    }
    assertThat(new BlockBodies(1, List.of(withTransactions)).decodeBodies().get(0).transactions())
        .as("what is not mutated is accepted")
        .hasSize(3);
  }
}
