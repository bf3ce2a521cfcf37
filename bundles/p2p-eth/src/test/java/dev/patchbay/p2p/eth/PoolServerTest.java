// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class PoolServerTest extends EthFixture {
  private final PoolServer server = new PoolServer(services);
  private final List<Hash> served = new ArrayList<>();

  private PooledTransactions request(Hash... hashes) {
    return server.transactions(new GetPooledTransactions(3, List.of(hashes)), served::add);
  }

  @Test
  void servesInTheOrderOfTheRequestWithGaps() {
    List<Transaction> all = txs(3);
    all.forEach(pool::add);
    PooledTransactions reply =
        request(all.get(2).hash(), hash(1), all.get(0).hash(), all.get(1).hash());
    assertThat(reply.requestId()).isEqualTo(3);
    assertThat(reply.decodeTransactions())
        .extracting(BlobSidecar.Pooled::transaction)
        .containsExactly(all.get(2), all.get(0), all.get(1));
    assertThat(served).containsExactly(all.get(2).hash(), all.get(0).hash(), all.get(1).hash());
  }

  @Test
  void servesBlobsWithTheSidecarOfTheFork() {
    Transaction blob = blobTx(0, 1);
    pool.add(blob, sidecar(0, 1));
    assertThat(request(blob.hash()).decodeTransactions())
        .containsExactly(new BlobSidecar.Pooled(blob, sidecar(0, 1)));
    chain.config = ChainConfig.of(UInt256.of(1337), Fork.OSAKA);
    assertThat(request(blob.hash()).transactions()).as("proofs of the old version").isEmpty();
    pool.sidecars.put(blob.hash(), sidecar(1, 1));
    assertThat(request(blob.hash()).decodeTransactions())
        .containsExactly(new BlobSidecar.Pooled(blob, sidecar(1, 1)));
    pool.sidecars.clear();
    assertThat(request(blob.hash()).transactions()).as("no blobs, no transaction").isEmpty();
  }

  @Test
  void endsAfterTwoMebibytes() {
    Transaction big = tx(KEY, 0, 120_000);
    pool.add(big);
    Hash[] hashes = Collections.nCopies(40, big.hash()).toArray(Hash[]::new);
    PooledTransactions reply = request(hashes);
    assertThat(reply.transactions()).hasSize(18);
    assertThat(served).hasSize(18);
    assertThat(reply.encode().size()).isLessThan(2 * 1024 * 1024 + 200_000);
  }

  @Test
  void depositsAreNeitherServedNorAnnounced() {
    Transaction deposit =
        Transaction.builder(TransactionType.DEPOSIT)
            .deposit(new Transaction.Deposit(Hash.ZERO, UInt256.ZERO, false))
            .sender(TO)
            .build();
    pool.add(deposit);
    assertThat(request(deposit.hash()).transactions()).isEmpty();
    assertThat(server.describe(deposit)).isNull();
  }

  @Test
  void describesWhatARequestWouldGet() {
    Transaction blob = blobTx(0, 2);
    BlobSidecar.Pooled pooled = new BlobSidecar.Pooled(blob, sidecar(0, 2));
    assertThat(server.describe(blob)).as("no blobs, no announcement").isNull();
    pool.add(blob, sidecar(0, 2));
    assertThat(server.describe(blob))
        .isEqualTo(
            new NewPooledTransactionHashes.Announced(blob.hash(), 3, pooled.encode().length));
    Transaction plain = tx(0);
    assertThat(server.describe(plain))
        .isEqualTo(new NewPooledTransactionHashes.Announced(plain.hash(), 2, plain.encodedSize()));
  }

  @Test
  void isEmptyWhileThereIsNoPool() {
    pool.add(tx(0));
    services.pool().release(pool, Duration.ZERO);
    assertThat(request(tx(0).hash()).transactions()).isEmpty();
    assertThat(server.pending(10)).isEmpty();
    assertThat(server.get(tx(0).hash())).isNull();
  }
}
