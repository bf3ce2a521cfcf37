// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.txpool.TransactionFilter;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.TransactionRules;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a new head does to the transactions of the pool. */
class PoolHeadTest extends PoolFixture {
  @Test
  void whatASenderCanNoLongerPayForLeaves() {
    pool.add(tx(KEY, 0, GWEI));
    pool.add(tx(KEY, 1, GWEI));
    pool.add(tx(KEY, 3, GWEI));
    pool.add(tx(OTHER, 0, GWEI));
    accounts.put(sender(KEY), account(0, 21_000 * GWEI + 1));
    mine();
    assertThat(pool.pending().get(sender(KEY))).hasSize(1);
    assertThat(pool.queued()).isEmpty();
    assertThat(pool.pending().get(sender(OTHER))).hasSize(1);
    accounts.remove(sender(KEY));
    mine();
    assertThat(pool.content(sender(KEY)).pending()).isEmpty();
    assertThat(pool.nextNonce(sender(KEY))).isNull();
  }

  @Test
  void aNonceThatAnAuthorizationMovedIsSeen() {
    pool.add(tx(KEY, 0, GWEI));
    Transaction later = tx(KEY, 1, GWEI);
    pool.add(later);
    accounts.put(sender(KEY), account(1)); // no transaction of the sender is in the block
    mine(tx(OTHER, 0, GWEI));
    assertThat(pool.pending().get(sender(KEY))).containsExactly(later);
    assertThat(pool.nextNonce(sender(KEY))).isEqualTo(2);
    accounts.put(sender(KEY), account(3));
    mine();
    assertThat(pool.nextNonce(sender(KEY))).as("nothing is left").isNull();
  }

  @Test
  void aNonceGapThatABlockClosesMakesTransactionsPending() {
    Transaction later = tx(KEY, 1, GWEI);
    pool.add(later);
    assertThat(announced).isEmpty();
    accounts.put(sender(KEY), account(1));
    mine(tx(KEY, 0, GWEI));
    assertThat(pool.pending().get(sender(KEY))).containsExactly(later);
    assertThat(announced).containsExactly(later);
    mine();
    assertThat(announced).as("once").containsExactly(later);
  }

  @Test
  void anAccountThatGetsCodeHasNoTransactions() {
    pool.add(tx(KEY, 0, GWEI));
    setCode(KEY, Bytes.fromHex("0x6000"));
    mine();
    assertThat(pool.status().pending()).isZero();
  }

  @Test
  void aGasLimitThatFallsRemovesWhatNoLongerFits() {
    pool.add(builder(0, GWEI).gasLimit(30_000_000).sign(KEY));
    pool.add(tx(OTHER, 0, GWEI));
    mine();
    assertThat(pool.status().pending()).isEqualTo(2);
    gasLimit = 29_999_999;
    mine();
    assertThat(pool.content(sender(KEY)).pending()).isEmpty();
    assertThat(pool.content(sender(OTHER)).pending()).hasSize(1);
  }

  /** As on a rollup, whose blocks begin with the L1 attributes. */
  @Test
  void gasThatEachBlockNeedsItselfIsNotForThePool() {
    rules =
        new TransactionRules() {
          @Override
          public long maxPoolGas(long blockGasLimit) {
            return blockGasLimit - 70_000;
          }
        };
    assertThat(refusal(builder(0, GWEI).gasLimit(29_930_001).sign(KEY)))
        .isEqualTo("exceeds block gas limit");
    assertThat(refusal(builder(0, GWEI).gasLimit(29_930_000).sign(KEY))).isEmpty();
    mine();
    assertThat(pool.status().pending()).isEqualTo(1);
    gasLimit = 29_999_999;
    mine();
    assertThat(pool.status().pending()).isZero();
  }

  /** As on a rollup, whose L1 fees follow the base fee of L1. */
  @Test
  void aFeeBesidesGasThatRisesRemovesWhatItsSenderCannotPay() {
    long cost = 21_000 * GWEI + 1;
    long[] fee = {5};
    List<Transaction> asked = new ArrayList<>();
    rules =
        new TransactionRules() {
          @Override
          public List<Fee> fees(Transaction transaction, long gasUsed, Slots slots) {
            asked.add(transaction);
            return List.of(new Fee(Address.ZERO, UInt256.of(fee[0])));
          }
        };
    accounts.put(sender(KEY), account(0, cost + 7));
    Transaction poor = tx(KEY, 0, GWEI);
    Transaction rich = tx(OTHER, 0, GWEI);
    assertThat(refusal(poor)).isEmpty();
    assertThat(refusal(rich)).isEmpty();
    changed = Set.of();
    mine();
    asked.clear();
    mine();
    assertThat(asked).as("the same fees: one transaction shows it").hasSize(1);
    asked.clear();
    fee[0] = 7;
    mine();
    assertThat(asked).hasSize(3).contains(poor, rich);
    assertThat(pool.status().pending()).isEqualTo(2);
    fee[0] = 8;
    mine();
    assertThat(pool.get(poor.hash())).isNull();
    assertThat(pool.get(rich.hash())).isEqualTo(rich);
    asked.clear();
    mine();
    assertThat(asked).hasSize(1);
    asked.clear();
    fee[0] = 6;
    mine();
    assertThat(asked).as("all can pay lower fees").hasSize(1);
    asked.clear();
    fee[0] = 7;
    mine();
    assertThat(asked).as("they rise again").contains(rich);
    pool.clear();
    fee[0] = 4;
    mine();
    assertThat(refusal(poor)).isEmpty();
    accounts.put(sender(KEY), account(0, cost + 4));
    fee[0] = 6;
    mine();
    assertThat(pool.get(poor.hash())).as("they rise from what they were without it").isNull();
  }

  @Test
  void aForkRemovesWhatItForbids() {
    fork = Fork.PRAGUE;
    pool.add(blobTx(0, GWEI, 1), sidecar(0, 1));
    pool.add(builder(0, GWEI).gasLimit(20_000_000).sign(OTHER));
    mine();
    assertThat(pool.status().pending()).isEqualTo(2);
    fork = Fork.OSAKA;
    mine();
    assertThat(pool.content(sender(KEY)).pending()).as("Osaka wants cell proofs").isEmpty();
    assertThat(pool.content(sender(OTHER)).pending())
        .as("Osaka has a limit of gas for a transaction")
        .isEmpty();
  }

  @Test
  void onlySendersWhoseAccountsHaveChangedAreRead() {
    for (byte i = 10; i < 60; i++) {
      accounts.put(sender(filled(i)), account(0));
      pool.add(tx(filled(i), 0, GWEI));
    }
    mine(); // the first block after a start is for all
    Address paid = sender(filled((byte) 20));
    changed = Set.of(paid.keccak(), sender(KEY).keccak());
    accounts.put(paid, account(1));
    read.clear();
    mine();
    assertThat(read).containsExactly(paid);
    assertThat(pool.status().pending()).isEqualTo(49);
  }

  @Test
  void afterAReorgAllSendersAreRead() {
    Transaction first = tx(KEY, 0, GWEI);
    accounts.put(sender(KEY), account(1));
    Transaction second = tx(KEY, 1, GWEI);
    pool.add(second);
    changed = Set.of();
    Block old = block(2, List.of(first));
    accounts.put(sender(KEY), account(0));
    head = block(2, List.of(tx(OTHER, 0, GWEI)));
    pool.headChanged(List.of(old), List.of(head));
    assertThat(pool.pending().get(sender(KEY))).containsExactly(first, second);
  }

  /** All followers wait until what the reorg has removed is back: more than may wait. */
  @Test
  void aReorgLosesNothingForTheLimitOfQueuedTransactions() {
    pool = newPool(settings(12, 3, 20, 4, 1 << 30), null);
    List<Transaction> mined = List.of(tx(KEY, 0, GWEI), tx(OTHER, 0, GWEI));
    for (int nonce = 0; nonce < 6; nonce++) {
      pool.add(tx(KEY, nonce, GWEI));
      pool.add(tx(OTHER, nonce, GWEI));
    }
    accounts.put(sender(KEY), account(1));
    accounts.put(sender(OTHER), account(1));
    mine(mined.toArray(Transaction[]::new));
    assertThat(pool.status().pending()).isEqualTo(10);
    now = now.plusMillis(60_000); // queued transactions of such idle senders would expire
    Block removed = head;
    accounts.put(sender(KEY), account(0));
    accounts.put(sender(OTHER), account(0));
    head = block(2, List.of());
    pool.headChanged(List.of(removed), List.of(head));
    assertThat(pool.status().pending()).isEqualTo(12);
    assertThat(pool.status().queued()).isZero();
  }

  @Test
  void afterAReorgTheLimitsHold() {
    pool = newPool(settings(8, 3, 20, 4, 1 << 30), null);
    List<Transaction> mined = List.of(tx(KEY, 0, GWEI), tx(OTHER, 0, 2 * GWEI));
    accounts.put(sender(KEY), account(1));
    accounts.put(sender(OTHER), account(1));
    mine(mined.toArray(Transaction[]::new));
    for (int nonce = 1; nonce < 5; nonce++) {
      pool.add(tx(KEY, nonce, GWEI));
      pool.add(tx(OTHER, nonce, 2 * GWEI));
    }
    Block removed = head;
    accounts.put(sender(KEY), account(0));
    accounts.put(sender(OTHER), account(0));
    head = block(2, List.of());
    pool.headChanged(List.of(removed), List.of(head));
    assertThat(pool.content(sender(OTHER)).pending()).as("those that pay more").hasSize(5);
    assertThat(pool.content(sender(KEY)).pending()).hasSize(3);
    assertThat(pool.status().queued()).isZero();
  }

  @Test
  void aHeadThatWasMissedIsMadeUpFor() {
    pool.add(tx(KEY, 0, GWEI));
    mine();
    changed = Set.of(sender(KEY).keccak());
    Account account = account(1);
    codes.put(Bytes.fromHex("0x6000").keccak(), Bytes.fromHex("0x6000"));
    isUnavailable = true;
    mine();
    assertThat(pool.status().pending()).as("not known yet").isEqualTo(1);
    isUnavailable = false;
    accounts.put(sender(KEY), account);
    changed = Set.of();
    mine();
    assertThat(pool.status().pending()).isZero();
  }

  @Test
  void queuedTransactionsOfAnIdleSenderExpire() {
    pool.add(tx(KEY, 0, GWEI));
    pool.add(tx(KEY, 2, GWEI));
    pool.add(tx(OTHER, 1, GWEI));
    now = now.plusMillis(60_000);
    pool.add(tx(OTHER, 2, GWEI));
    mine();
    assertThat(pool.content(sender(KEY)).queued()).isEmpty();
    assertThat(pool.content(sender(KEY)).pending()).hasSize(1);
    assertThat(pool.content(sender(OTHER)).queued())
        .as("its sender was there again, too late")
        .hasSize(1);
  }

  /** The head has moved, and the pool is notified a moment later: receipts are seen already. */
  @Test
  void aTransactionBetweenAHeadAndItsNotificationIsJudgedByTheNewHead() {
    fork = Fork.PRAGUE;
    long cost = 21_000 * GWEI + 1;
    accounts.put(sender(KEY), account(0, 3 * cost));
    pool.add(tx(KEY, 0, GWEI));
    pool.add(tx(KEY, 1, GWEI));
    pool.add(blobTx(OTHER, 0, GWEI, 1), sidecar(0, 1));
    pool.add(blobTx(OTHER, 1, GWEI, 1), sidecar(0, 1));
    head = block(2, List.of(tx(KEY, 0, GWEI), blobTx(OTHER, 0, GWEI, 1)));
    accounts.put(sender(KEY), account(1, 2 * cost));
    accounts.put(sender(OTHER), account(1));
    assertThat(refusal(tx(KEY, 2, GWEI))).as("what was mined no longer counts").isEmpty();
    assertThat(refusal(blobTx(OTHER, 2, GWEI, 1), sidecar(0, 1))).isEmpty();
    assertThat(pool.content(sender(OTHER)).pending())
        .extracting(Transaction::nonce)
        .containsExactly(1L, 2L);
    pool.headChanged(List.of(), List.of(head));
    assertThat(pool.status().pending()).isEqualTo(4);
    assertThat(pool.status().queued()).isZero();
  }

  @Test
  void blobTransactionsOfSeveralRemovedBlocksComeBackInOrder() {
    fork = Fork.PRAGUE;
    Transaction first = blobTx(0, GWEI, 1);
    Transaction second = blobTx(1, GWEI, 1);
    pool.add(first, sidecar(0, 1));
    pool.add(second, sidecar(0, 1));
    Block lower = block(2, List.of(first));
    Block upper = block(3, List.of(second));
    accounts.put(sender(KEY), account(2));
    head = upper;
    pool.headChanged(List.of(), List.of(lower, upper));
    assertThat(pool.status().pending()).isZero();
    accounts.put(sender(KEY), account(0));
    head = block(2, List.of(tx(OTHER, 0, GWEI)));
    pool.headChanged(List.of(upper, lower), List.of(head));
    assertThat(pool.pending().get(sender(KEY))).containsExactly(first, second);
  }

  /** The blobs of a full pool do not count against those that a reorg may bring back. */
  @Test
  void theBlobsOfAMinedTransactionAreKeptWhileThePoolIsFullOfOthers() {
    fork = Fork.PRAGUE;
    pool = newPool(settings(10, 10, 10, 4, 1 << 30), null); // of those that left, 2 are kept
    Transaction mined = blobTx(KEY, 0, GWEI, 1);
    pool.add(mined, sidecar(0, 1));
    for (byte i = 10; i < 13; i++) {
      accounts.put(sender(filled(i)), account(0));
      pool.add(blobTx(filled(i), 0, GWEI, 1), sidecar(0, 1));
    }
    assertThat(pool.status().pending()).isEqualTo(4);
    accounts.put(sender(KEY), account(1));
    mine(mined);
    Block removed = head;
    assertThat(refusal(blobTx(OTHER, 0, GWEI, 1), sidecar(0, 1))).isEmpty();
    assertThat(pool.sidecar(mined.hash())).isEqualTo(sidecar(0, 1));
    pool.remove(blobTx(OTHER, 0, GWEI, 1).hash());
    accounts.put(sender(KEY), account(0));
    head = block(2, List.of(tx(OTHER, 0, GWEI)));
    pool.headChanged(List.of(removed), List.of(head));
    assertThat(pool.pending().get(sender(KEY))).containsExactly(mined);
  }

  @Test
  void theBlobsOfTheLatestTransactionsThatLeftAreKept() {
    fork = Fork.PRAGUE;
    pool = newPool(settings(10, 10, 10, 4, 1 << 30), null); // of those that left, 2 are kept
    List<Transaction> left = new ArrayList<>();
    for (byte i = 10; i < 14; i++) {
      accounts.put(sender(filled(i)), account(0));
      left.add(blobTx(filled(i), 0, GWEI, 1));
      pool.add(left.get(left.size() - 1), sidecar(0, 1));
    }
    left.forEach(tx -> pool.remove(tx.hash()));
    assertThat(left.stream().map(tx -> pool.sidecar(tx.hash()) != null))
        .containsExactly(false, false, true, true);
    assertThat(pool.sidecarByVersionedHash(left.get(0).blobVersionedHashes().get(0))).isNotNull();
  }

  @Test
  void aTransactionThatComesBackReplacesTheBlobsBehindIt() {
    fork = Fork.PRAGUE;
    Transaction plain = tx(KEY, 0, GWEI);
    Block removed = block(2, List.of(plain));
    accounts.put(sender(KEY), account(1));
    head = removed;
    pool.headChanged(List.of(), List.of(removed));
    assertThat(refusal(blobTx(KEY, 1, GWEI, 1), sidecar(0, 1))).isEmpty();
    accounts.put(sender(KEY), account(0));
    head = block(2, List.of(tx(OTHER, 0, GWEI)));
    pool.headChanged(List.of(removed), List.of(head));
    assertThat(pool.content(sender(KEY)).pending()).containsExactly(plain);
    assertThat(pool.content(sender(KEY)).queued()).isEmpty();
    assertThat(refusal(tx(KEY, 1, GWEI))).as("the sender is not reserved").isEmpty();
  }

  @Test
  void blobsBehindAGapLeaveSoThatTheirSenderCanGoOn() {
    fork = Fork.PRAGUE;
    accounts.put(sender(KEY), account(1));
    pool.add(blobTx(KEY, 1, GWEI, 1), sidecar(0, 1));
    Block removed = block(2, List.of(tx(KEY, 0, GWEI)));
    accounts.put(sender(KEY), account(0));
    head = block(2, List.of());
    pool.headChanged(List.of(removed), List.of(head), 65); // too deep to add anything again
    assertThat(pool.status().queued()).isZero();
    assertThat(pool.status().blobs()).isZero();
    assertThat(refusal(tx(KEY, 0, GWEI))).isEmpty();
  }

  @Test
  void aHeadThatMovesDuringTheChecksIsCheckedAgain() {
    fork = Fork.PRAGUE;
    pool.addFilter(
        new TransactionFilter() {
          @Override
          public @Nullable String refuseAdmission(Transaction transaction) {
            fork = Fork.OSAKA;
            mine();
            return null;
          }
        });
    assertThat(refusal(blobTx(0, GWEI, 1), sidecar(0, 1)))
        .contains("unexpected sidecar version, want: 1");
    fork = Fork.PRAGUE;
    assertThat(refusal(builder(0, GWEI).gasLimit(20_000_000).sign(OTHER)))
        .contains("transaction gas limit too high");
  }

  @Test
  void aGasLimitThatRisesAndFallsWhileThePoolIsEmptyIsSeen() {
    gasLimit = 28_000_000;
    mine();
    gasLimit = 30_000_000;
    mine();
    pool.add(builder(0, GWEI).gasLimit(30_000_000).sign(KEY));
    gasLimit = 29_000_000;
    mine();
    assertThat(pool.status().pending()).isZero();
  }

  @Test
  void aListenerThatComesLaterLearnsWhatIsPending() {
    Transaction tx = tx(KEY, 0, GWEI);
    pool.add(tx);
    pool.add(tx(OTHER, 1, GWEI));
    List<Transaction> seen = new ArrayList<>();
    pool.addListener(seen::add);
    assertThat(seen).containsExactly(tx);
  }

  @Test
  void aStateThatIsNotThereIsNoAccountWithoutEther() {
    isMissing = true;
    assertThatThrownBy(() -> pool.add(tx(KEY, 0, GWEI)))
        .isInstanceOf(StorageUnavailableException.class);
  }

  @Test
  void whatAReorgRemovesWhileTheStoreIsAbsentComesBackWithTheNextHead() {
    Transaction first = tx(KEY, 0, GWEI);
    Transaction second = tx(KEY, 1, GWEI);
    Block lower = block(2, List.of(first));
    Block upper = block(3, List.of(second));
    pool.add(tx(OTHER, 0, GWEI)); // which has to be reconciled
    isUnavailable = true;
    head = block(2, List.of());
    pool.headChanged(List.of(upper, lower), List.of(head));
    assertThat(pool.pending()).doesNotContainKey(sender(KEY));
    mine();
    isUnavailable = false;
    mine();
    assertThat(pool.pending().get(sender(KEY))).containsExactly(first, second);
  }

  @Test
  void aStoreThatGoesWhileTransactionsComeBackIsWaitedFor() {
    Transaction first = tx(KEY, 0, GWEI);
    Transaction second = tx(KEY, 1, GWEI);
    Block removed = block(2, List.of(first, second));
    pool.addListener(tx -> isUnavailable = tx.equals(first));
    head = block(2, List.of());
    pool.headChanged(List.of(removed), List.of(head));
    assertThat(pool.pending().get(sender(KEY))).containsExactly(first);
    isUnavailable = false;
    mine();
    assertThat(pool.pending().get(sender(KEY))).containsExactly(first, second);
  }
}
