// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.txpool.AddResult.Reason;
import dev.patchbay.api.txpool.PoolListener;
import dev.patchbay.api.txpool.TransactionPool.Origin;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which transactions a full pool gives up. */
class PoolEvictionTest extends PoolFixture {
  private byte[] key(int number) {
    byte[] key = filled((byte) 3);
    key[0] = (byte) (number >> 8);
    key[1] = (byte) number;
    accounts.putIfAbsent(sender(key), account(0));
    return key;
  }

  @Test
  void theCheapestLeavesNotTheNewest() {
    pool = newPool(settings(3, 3, 10, 0, 1 << 30), null);
    Transaction cheap = tx(key(0), 0, 10);
    pool.add(cheap);
    pool.add(tx(key(1), 0, 20));
    pool.add(tx(key(2), 0, 30));
    assertThat(refusal(tx(key(3), 0, 10))).as("no dearer").isEqualTo("transaction underpriced");
    assertThat(pool.get(cheap.hash())).isNotNull();
    Transaction newest = tx(key(3), 0, 11);
    assertThat(refusal(newest)).isEmpty();
    assertThat(pool.get(cheap.hash())).isNull();
    assertThat(pool.get(newest.hash())).isNotNull();
    assertThat(pool.status().pending()).isEqualTo(3);
  }

  @Test
  void theTipOfTheNextBlockCounts() {
    pool = newPool(settings(2, 2, 10, 0, 1 << 30), null);
    baseFee = UInt256.of(1_000);
    Transaction tipless = builder(0, 1).maxFeePerGas(UInt256.of(5_000)).sign(key(0));
    Transaction below = tx(key(1), 0, 900);
    pool.add(tipless);
    pool.add(below);
    assertThat(refusal(tx(key(2), 0, 1_010))).isEmpty();
    assertThat(pool.get(below.hash())).as("the next block cannot hold it").isNull();
    assertThat(refusal(tx(key(3), 0, 1_010))).isEmpty();
    assertThat(pool.get(tipless.hash())).as("a tip of 1 is less than one of 10").isNull();
    baseFee = UInt256.of(2_000);
    mine();
    assertThat(refusal(builder(0, 2).maxFeePerGas(UInt256.of(3_000)).sign(key(4))))
        .as("under the new base fee this is the better one")
        .isEmpty();
  }

  @Test
  void theLastNonceOfASenderLeavesFirst() {
    pool = newPool(settings(4, 4, 10, 0, 1 << 30), null);
    byte[] poor = key(0);
    pool.add(tx(poor, 0, 100));
    pool.add(tx(poor, 1, 10));
    pool.add(tx(poor, 2, 200));
    pool.add(tx(key(1), 0, 50));
    assertThat(refusal(tx(key(2), 0, 60))).isEmpty();
    assertThat(pool.pending().get(sender(poor)))
        .as("no gap is made")
        .extracting(Transaction::nonce)
        .containsExactly(0L, 1L);
    assertThat(refusal(tx(key(3), 0, 60))).isEmpty();
    assertThat(refusal(tx(key(4), 0, 60))).isEmpty();
    assertThat(pool.get(tx(key(1), 0, 50).hash())).as("the cheapest by now").isNull();
    assertThat(pool.pending().get(sender(poor))).hasSize(1);
  }

  @Test
  void whatWaitsForANonceLeavesBeforeWhatCanBeExecuted() {
    pool = newPool(settings(3, 2, 10, 0, 1 << 30), null);
    Transaction gapped = tx(key(0), 1, 1_000);
    pool.add(gapped);
    pool.add(tx(key(1), 1, 2_000));
    assertThat(reason(tx(key(2), 1, 500))).as("queued have a limit").isEqualTo(Reason.POOL_FULL);
    pool.add(tx(key(3), 0, 10));
    assertThat(refusal(tx(key(4), 0, 10))).isEmpty();
    assertThat(pool.get(gapped.hash())).isNull();
    assertThat(refusal(tx(key(5), 1, 5_000))).as("dearer than the queued one").isEmpty();
    assertThat(pool.status().pending()).isEqualTo(2);
    assertThat(pool.status().queued()).isEqualTo(1);
  }

  @Test
  void aSenderAtItsLimitCanStillCloseItsGap() {
    pool = newPool(settings(100, 100, 3, 0, 1 << 30), null);
    byte[] own = key(0);
    pool.add(tx(own, 1, 10));
    pool.add(tx(own, 2, 10));
    pool.add(tx(own, 3, 10));
    assertThat(refusal(tx(own, 4, 10))).isEqualTo("txpool is full: pooled 3 txs of this account");
    assertThat(refusal(tx(own, 0, 10))).isEmpty();
    assertThat(pool.pending().get(sender(own))).hasSize(3);
  }

  @Test
  void bytesAreBounded() {
    long most = 1 << 20;
    pool = newPool(settings(1_000, 1_000, 1_000, 0, most), null);
    byte[] data = new byte[100_000];
    int admitted = 0;
    for (int i = 0; i < 40; i++) {
      Transaction large = builder(0, 10).data(Bytes.wrap(data)).gasLimit(10_000_000).sign(key(i));
      admitted += refusal(large).isEmpty() ? 1 : 0;
      assertThat(pool.status().bytes()).isLessThanOrEqualTo(most);
    }
    assertThat(admitted).isEqualTo(5);
    List<Transaction> small = new ArrayList<>();
    for (int i = 100; i < 140; i++) {
      small.add(tx(key(i), 0, 20));
      assertThat(refusal(small.get(small.size() - 1))).isEmpty();
    }
    Transaction dear = builder(0, 15).data(Bytes.wrap(data)).gasLimit(10_000_000).sign(key(50));
    assertThat(refusal(dear)).isEmpty();
    assertThat(small).allMatch(tx -> pool.get(tx.hash()) != null);
  }

  /** A refused transaction leaves no trace: what was evicted for it is back. */
  @Test
  void aLargeTransactionThatIsNotWorthItEvictsNothing() {
    pool = newPool(settings(1_000, 1_000, 1_000, 0, 300_000), null);
    Transaction cheap = tx(key(0), 0, 5);
    Transaction replaced = tx(key(1), 0, 10);
    pool.add(cheap);
    pool.add(replaced);
    for (int i = 2; i < 60; i++) {
      pool.add(tx(key(i), 0, 100));
    }
    byte[] data = new byte[120_000];
    Transaction large = builder(0, 20).data(Bytes.wrap(data)).gasLimit(10_000_000).sign(key(1));
    long bytes = pool.status().bytes();
    assertThat(refusal(large)).isEqualTo("transaction underpriced");
    assertThat(pool.get(cheap.hash())).isNotNull();
    assertThat(pool.get(replaced.hash())).isNotNull();
    assertThat(pool.status().bytes()).isEqualTo(bytes);
    assertThat(pool.status().pending()).isEqualTo(60);
  }

  @Test
  void blobsHaveAnOrderOfTheirOwn() {
    fork = Fork.PRAGUE;
    pool = newPool(settings(10, 10, 10, 3, 1 << 30), null);
    Transaction first = blobTx(key(0), 0, 1, 2);
    assertThat(refusal(first, sidecar(0, 2))).isEmpty();
    assertThat(refusal(blobTx(key(1), 0, 1, 2), sidecar(0, 2)))
        .isEqualTo("transaction underpriced");
    assertThat(refusal(blobTx(key(1), 0, 2, 2), sidecar(0, 2))).isEmpty();
    assertThat(pool.get(first.hash())).as("what pays 1 wei leaves a full pool").isNull();
    assertThat(refusal(tx(key(2), 0, 1))).as("the others have room").isEmpty();
    assertThat(pool.status().blobs()).isEqualTo(2);
  }

  /** Verifying takes much longer than all other checks. */
  @Test
  void blobsAreVerifiedOnlyWhenThereIsRoomForThem() {
    fork = Fork.PRAGUE;
    pool = newPool(settings(10, 10, 10, 3, 1 << 30), null);
    Transaction first = blobTx(key(0), 0, 10, 2);
    assertThat(refusal(first, sidecar(0, 2))).isEmpty();
    assertThat(refusal(blobTx(key(1), 0, 20, 1), sidecar(0, 1))).isEmpty();
    assertThat(verifications).isEqualTo(2);
    assertThat(refusal(blobTx(key(2), 0, 10, 1), sidecar(0, 1)))
        .as("no dearer than the cheapest")
        .isEqualTo("transaction underpriced");
    assertThat(refusal(blobTx(key(2), 0, 100, 4), sidecar(0, 4)))
        .as("more blobs than the pool holds")
        .isEqualTo("transaction underpriced");
    assertThat(refusal(blobTx(key(0), 0, 19, 1), sidecar(0, 1)))
        .as("a replacement that is not twice as dear")
        .isEqualTo("replacement transaction underpriced");
    assertThat(refusal(blobTx(key(0), 1, 5, 1), sidecar(0, 1)))
        .as("the next nonce, which would be the one to leave")
        .isEqualTo("transaction underpriced");
    accounts.put(sender(key(2)), account(0, 1));
    assertThat(refusal(blobTx(key(2), 0, 100, 1), sidecar(0, 1))).startsWith("insufficient funds");
    assertThat(verifications).as("all of these were refused before").isEqualTo(2);
    assertThat(pool.status().blobs()).isEqualTo(3);
    assertThat(pool.get(first.hash())).as("nothing was evicted for them").isNotNull();
    BlobSidecar wrong = sidecar(0, 1);
    byte[] blob = new byte[wrong.blobs().get(0).size()];
    blob[31] = 1;
    wrong = new BlobSidecar(0, List.of(Bytes.wrap(blob)), wrong.commitments(), wrong.proofs());
    assertThat(refusal(blobTx(key(3), 0, 30, 1), wrong)).isEqualTo("blob 0: invalid KZG proof");
    assertThat(pool.get(first.hash())).as("an invalid one evicts nothing").isNotNull();
    assertThat(refusal(blobTx(key(3), 0, 30, 1), sidecar(0, 1))).isEmpty();
    assertThat(verifications).isEqualTo(4);
    assertThat(pool.get(first.hash())).isNull();
  }

  @Test
  void whatAClientSentComesBackWhenThereIsRoom() {
    pool = newPool(settings(3, 3, 10, 0, 1 << 30), null);
    Transaction first = tx(key(0), 0, 10);
    Transaction second = tx(key(0), 1, 10);
    Transaction remote = tx(key(1), 0, 10);
    pool.add(first);
    pool.add(second);
    pool.add(remote, null, Origin.REMOTE);
    Transaction[] dear = {tx(key(2), 0, 20), tx(key(3), 0, 20), tx(key(4), 0, 20)};
    for (Transaction tx : dear) {
      assertThat(refusal(tx)).isEmpty();
    }
    mine();
    assertThat(pool.pending()).as("no room").doesNotContainKey(sender(key(0)));
    mineOf(2, dear[0]);
    assertThat(pool.pending().get(sender(key(0)))).containsExactly(first);
    mineOf(3, dear[1]);
    assertThat(pool.pending().get(sender(key(0)))).containsExactly(first, second);
    mineOf(4, dear[2]);
    assertThat(pool.get(remote.hash())).as("of a peer").isNull();
    assertThat(pool.status().pending()).isEqualTo(2);
  }

  /** Room that is seen may be taken by others before an evicted transaction is added again. */
  @Test
  void whatFindsNoRoomWhenItComesBackIsTriedAgain() {
    pool = newPool(settings(2, 2, 10, 0, 1 << 30), null);
    Transaction older = tx(key(0), 0, 10);
    Transaction later = tx(key(1), 0, 11);
    Transaction[] dear = {tx(key(2), 0, 20), tx(key(3), 0, 21)};
    Transaction quick = tx(key(4), 0, 30);
    pool.add(older);
    pool.add(later);
    for (Transaction tx : dear) {
      assertThat(refusal(tx)).isEmpty();
    }
    PoolListener other = tx -> pool.add(quick, null, Origin.REMOTE);
    Transaction mined = tx(key(5), 0, 40);
    pool.remove(dear[0].hash());
    pool.remove(dear[1].hash());
    pool.addListener(other);
    mineOf(5, mined); // the later one comes back, and with it another transaction
    pool.removeListener(other);
    assertThat(pool.get(later.hash())).isNotNull();
    assertThat(pool.get(quick.hash())).isNotNull();
    assertThat(pool.get(older.hash())).as("no room").isNull();
    pool.remove(quick.hash());
    mine();
    assertThat(pool.get(older.hash())).isNotNull();
  }

  @Test
  void whatFindsNoRoomDoesNotKeepOlderTransactionsOut() {
    pool = newPool(settings(3, 0, 10, 0, 1 << 30), null);
    Transaction older = tx(key(0), 0, 10);
    Transaction first = tx(key(1), 0, 12);
    Transaction second = tx(key(1), 1, 12);
    pool.add(older);
    pool.add(first);
    pool.add(second);
    assertThat(refusal(tx(key(2), 0, 20))).isEmpty();
    assertThat(refusal(tx(key(3), 0, 20))).isEmpty();
    pool.remove(first.hash()); // the second would wait for it, and none may wait
    mine();
    assertThat(pool.status().pending()).as("the latest was tried").isEqualTo(2);
    mine();
    assertThat(pool.get(older.hash())).isNotNull();
    pool.add(first); // which evicts the older one
    pool.remove(tx(key(2), 0, 20).hash());
    pool.remove(tx(key(3), 0, 20).hash());
    mine();
    assertThat(pool.pending().get(sender(key(1)))).containsExactly(first, second);
  }

  @Test
  void whatWasRemovedOrMinedMeanwhileDoesNotComeBack() {
    pool = newPool(settings(1, 1, 10, 0, 1 << 30), null);
    Transaction removed = tx(key(0), 0, 10);
    Transaction mined = tx(key(1), 0, 20);
    Transaction dear = tx(key(2), 0, 30);
    pool.add(removed);
    pool.add(mined);
    pool.add(dear);
    pool.remove(removed.hash());
    accounts.put(sender(key(1)), account(1));
    mineOf(2, dear);
    mine();
    assertThat(pool.status().pending()).isZero();
    pool.add(tx(key(3), 0, 20));
    pool.add(tx(key(4), 0, 30));
    pool.clear();
    mine();
    assertThat(pool.status().pending()).as("the pool was cleared").isZero();
  }

  @Test
  void whatAClientSentLaterIsNotReplaced() {
    pool = newPool(settings(1, 1, 10, 0, 1 << 30), null);
    Transaction evicted = tx(key(0), 0, 10);
    Transaction dear = tx(key(1), 0, 20);
    Transaction later = tx(key(0), 0, 5);
    pool.add(evicted);
    pool.add(dear);
    pool.remove(dear.hash());
    assertThat(refusal(later)).isEmpty();
    mine();
    assertThat(pool.get(evicted.hash())).isNull();
    assertThat(pool.get(later.hash())).isNotNull();
    pool.remove(later.hash());
    mine();
    assertThat(pool.status().pending()).isZero();
  }

  private void mineOf(int number, Transaction mined) {
    accounts.put(sender(key(number)), account(1));
    mine(mined);
  }
}
