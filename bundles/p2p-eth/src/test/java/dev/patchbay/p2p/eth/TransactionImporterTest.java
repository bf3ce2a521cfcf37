// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.AddResult.Reason;
import dev.patchbay.binding.Loop;
import dev.patchbay.p2p.eth.TransactionImporter.Outcome;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TransactionImporterTest extends EthFixture {
  private static final class Source implements TransactionSource {
    private final List<PeerBreachException> ended = new ArrayList<>();

    @Override
    public CompletableFuture<List<BlobSidecar.Pooled>> requestTransactions(List<Hash> hashes) {
      throw new AssertionError();
    }

    @Override
    public void end(PeerBreachException breach) {
      ended.add(breach);
    }
  }

  private final List<Outcome> outcomes = new ArrayList<>();
  private final Source source = new Source();
  private final TransactionHistory history = new TransactionHistory(new SipHash(1, 2), () -> now);
  private final TransactionImporter importer =
      new TransactionImporter(services, history, 10_000_000);

  private void add(BlobSidecar.Pooled pooled) {
    assertThat(importer.offer(source, pooled, outcomes::add)).isTrue();
    assertThat(importer.step()).isZero();
    assertThat(importer.step()).isEqualTo(Loop.UNTIL_WOKEN);
  }

  @ParameterizedTest
  @EnumSource(Reason.class)
  void onlyInvalidBlobsAreABreach(Reason reason) {
    pool.rejectWith(reason);
    add(plain(tx(0)));
    boolean isBreach = reason == Reason.INVALID_BLOBS;
    assertThat(source.ended).hasSize(isBreach ? 1 : 0);
    assertThat(outcomes).containsExactly(isBreach ? Outcome.INVALID : Outcome.SETTLED);
    assertThat(history.isRejected(tx(0).hash()))
        .isEqualTo(!isBreach && reason != Reason.ALREADY_KNOWN);
  }

  @Test
  void anInvalidSignatureIsABreach() {
    Transaction unsigned =
        Transaction.builder(TransactionType.FEE_MARKET)
            .chainId(UInt256.of(1337))
            .signature(0, UInt256.ZERO, UInt256.ONE)
            .build();
    Transaction highS =
        Transaction.builder(TransactionType.FEE_MARKET)
            .chainId(UInt256.of(1337))
            .signature(0, UInt256.ONE, UInt256.MAX)
            .build();
    add(plain(unsigned));
    add(plain(highS));
    assertThat(source.ended)
        .extracting(PeerBreachException::reason)
        .containsExactly(DisconnectReason.PROTOCOL_BREACH, DisconnectReason.PROTOCOL_BREACH);
    assertThat(outcomes).containsExactly(Outcome.INVALID, Outcome.INVALID);
    assertThat(pool.added).isEmpty();
  }

  @Test
  void aBlobTransactionWhoseSidecarMayBeWrongIsNotRemembered() {
    pool.rejectWith(Reason.INVALID);
    add(new BlobSidecar.Pooled(blobTx(0, 1), sidecar(1, 1)));
    assertThat(history.isRejected(blobTx(0, 1).hash())).isFalse();
    pool.rejectWith(Reason.UNDERPRICED);
    add(new BlobSidecar.Pooled(blobTx(0, 1), sidecar(1, 1)));
    assertThat(history.isRejected(blobTx(0, 1).hash()))
        .as("the fees are the same with any sidecar")
        .isTrue();
  }

  @Test
  void whatThePoolHasIsNotAddedAgain() {
    pool.add(tx(0));
    pool.added.clear();
    add(plain(tx(0)));
    assertThat(pool.added).isEmpty();
    assertThat(outcomes).containsExactly(Outcome.SETTLED);
  }

  private boolean offer(Source from, Transaction transaction) {
    return importer.offer(from, plain(transaction), outcomes::add);
  }

  @Test
  void theQueueIsBoundedForEachPeer() {
    Transaction transaction = tx(0);
    Source last = source;
    for (int peer = 0; peer < 8; peer++) {
      last = new Source();
      for (int i = 0; i < TransactionImporter.MAX_QUEUED_PER_PEER; i++) {
        assertThat(offer(last, transaction)).isTrue();
      }
      assertThat(offer(last, transaction)).as("an eighth of the queue").isFalse();
    }
    assertThat(offer(source, transaction)).as("the whole queue").isFalse();
    assertThat(importer.step()).isZero();
    assertThat(offer(last, transaction)).as("room of other peers").isFalse();
    assertThat(offer(source, transaction)).as("room again").isTrue();
  }

  @Test
  void theQueueIsBoundedInBytes() {
    for (int peer = 0; peer < 2; peer++) {
      assertThat(offer(new Source(), tx(KEY, 0, 4_000_000))).isTrue();
    }
    assertThat(offer(source, tx(KEY, 0, 4_000_000))).isFalse();
    assertThat(importer.step()).isZero();
    assertThat(offer(source, tx(KEY, 0, 4_000_000))).isTrue();
  }

  @Test
  void theQueueIsBoundedInBytesForEachPeer() {
    Transaction large = tx(KEY, 0, 1_000_000);
    assertThat(offer(source, large)).isTrue();
    assertThat(offer(source, large)).as("more than an eighth").isFalse();
    assertThat(offer(source, tx(0))).isTrue();
    assertThat(offer(new Source(), large)).as("another peer").isTrue();
    assertThat(importer.step()).isZero();
    assertThat(offer(source, large)).as("room again").isTrue();
  }

  @Test
  void thePeersTakeTurns() {
    Source many = new Source();
    Source two = new Source();
    for (int i = 0; i < 4; i++) {
      assertThat(offer(many, tx(KEY, i, 0))).isTrue();
    }
    for (int i = 0; i < 2; i++) {
      assertThat(offer(two, tx(OTHER, i, 0))).isTrue();
    }
    while (importer.step() != Loop.UNTIL_WOKEN) {}
    assertThat(pool.added)
        .containsExactly(
            tx(KEY, 0, 0),
            tx(OTHER, 0, 0),
            tx(KEY, 1, 0),
            tx(OTHER, 1, 0),
            tx(KEY, 2, 0),
            tx(KEY, 3, 0));
  }

  @Test
  void aFailureOfThePoolSettlesTheTransaction() {
    pool.judge =
        (tx, sidecar) -> {
          throw new IllegalStateException("a fault of the pool");
        };
    importer.offer(source, plain(tx(0)), outcomes::add);
    Assertions.assertThatThrownBy(importer::step).isInstanceOf(IllegalStateException.class);
    assertThat(outcomes).containsExactly(Outcome.SETTLED);
    assertThat(source.ended).isEmpty();
    pool.judge = (tx, sidecar) -> new AddResult.Accepted();
    add(plain(tx(1)));
    assertThat(pool.transactions).containsOnlyKeys(tx(1).hash());
  }

  /** As during an update of the pool, of the store or of the rules. */
  @Test
  void whatComesWhileThePoolIsReplacedWaits() {
    services.pool().release(pool, Duration.ZERO);
    offer(source, tx(0));
    offer(source, tx(1));
    for (int i = 0; i < 3; i++) {
      assertThat(importer.step()).isPositive().isNotEqualTo(Loop.UNTIL_WOKEN);
    }
    services.pool().replace(pool, Duration.ZERO);
    for (RuntimeException absent :
        List.of(
            new StorageUnavailableException("replaced"), new NotReadyException("not installed"))) {
      pool.judge =
          (tx, sidecar) -> {
            throw absent;
          };
      assertThat(importer.step()).isPositive().isNotEqualTo(Loop.UNTIL_WOKEN);
    }
    assertThat(outcomes).isEmpty();
    pool.judge = (tx, sidecar) -> new AddResult.Accepted();
    assertThat(importer.step()).isZero();
    assertThat(importer.step()).isZero();
    assertThat(importer.step()).isEqualTo(Loop.UNTIL_WOKEN);
    assertThat(pool.transactions).containsOnlyKeys(tx(0).hash(), tx(1).hash());
    assertThat(outcomes).containsExactly(Outcome.SETTLED, Outcome.SETTLED);
  }
}
