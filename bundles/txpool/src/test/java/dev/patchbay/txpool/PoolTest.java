// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.AddResult.Reason;
import dev.patchbay.api.txpool.PoolListener;
import dev.patchbay.crypto.Blobs;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.TransactionRules;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.osgi.framework.BundleContext;

class PoolTest extends PoolFixture {
  @Test
  void aListenerThatThrowsStopsNeitherTheOthersNorTheSender() {
    List<HealthCheck> health = new ArrayList<>();
    BundleContext context =
        stub(
            BundleContext.class,
            Map.of(
                "registerService",
                args -> {
                  if (args[1] instanceof HealthCheck check) {
                    health.add(check);
                  }
                  return null;
                }));
    TransactionPoolComponent.Config defaults =
        (TransactionPoolComponent.Config)
            Proxy.newProxyInstance(
                TransactionPoolComponent.Config.class.getClassLoader(),
                new Class<?>[] {TransactionPoolComponent.Config.class},
                (proxy, method, args) -> method.getDefaultValue());
    pool = new TransactionPoolComponent(context, chain, schedule, states, defaults, Map.of());
    for (Error error :
        List.of(
            new OutOfMemoryError("Java heap space"),
            new StackOverflowError(),
            new NoClassDefFoundError("dev/patchbay/Exchanged"),
            new AssertionError("an assertion"))) {
      PoolListener broken =
          transaction -> {
            throw error;
          };
      PoolListener other = announced::add;
      pool.addListener(broken);
      pool.addListener(other);
      announced.clear(); // what was pending before
      Transaction transaction =
          tx(KEY, pool.pending().values().stream().mapToInt(List::size).sum(), 2 * GWEI);
      assertThat(pool.add(transaction)).isInstanceOf(AddResult.Accepted.class);
      assertThat(announced).containsExactly(transaction);
      assertThat(health.get(0).check().status()).isEqualTo(Health.Status.DEGRADED);
      assertThat(health.get(0).check().message()).contains(error.getClass().getSimpleName());
      pool.removeListener(broken);
      pool.removeListener(other);
      assertThat(health.get(0).check().status()).isEqualTo(Health.Status.HEALTHY);
    }
  }

  @Test
  void nonceOrderDecidesWhatCanBeExecuted() {
    Transaction second = tx(KEY, 1, 2 * GWEI);
    assertThat(pool.add(second)).isInstanceOf(AddResult.Accepted.class);
    assertThat(announced).as("a gap").isEmpty();
    assertThat(pool.pending()).isEmpty();
    assertThat(pool.queued().get(sender(KEY))).containsExactly(second);
    assertThat(pool.nextNonce(sender(KEY))).isZero();
    Transaction first = tx(KEY, 0, 2 * GWEI);
    pool.add(first);
    assertThat(announced).containsExactly(first, second);
    assertThat(pool.pending().get(sender(KEY))).containsExactly(first, second);
    assertThat(pool.nextNonce(sender(KEY))).isEqualTo(2);
    assertThat(pool.nextNonce(sender(OTHER))).isNull();
  }

  @Test
  void aReplacementPaysATenthMoreOfBothFees() {
    Transaction old = tx(KEY, 0, 10 * GWEI);
    pool.add(old);
    assertThat(reason(tx(KEY, 0, 11 * GWEI - 1))).isEqualTo(Reason.UNDERPRICED);
    Transaction dearer = tx(KEY, 0, 11 * GWEI);
    assertThat(pool.add(dearer)).isInstanceOf(AddResult.Accepted.class);
    assertThat(pool.get(old.hash())).isNull();
    assertThat(pool.get(dearer.hash())).isEqualTo(dearer);
    assertThat(pool.pending().get(sender(KEY))).containsExactly(dearer);
  }

  @Test
  void whatIsMinedLeavesAndWhatIsUnminedComesBack() {
    Transaction first = tx(KEY, 0, GWEI);
    Transaction second = tx(KEY, 1, GWEI);
    pool.add(first);
    pool.add(second);
    Block mined = block(2, List.of(first));
    accounts.put(sender(KEY), account(1));
    head = mined;
    pool.headChanged(List.of(), List.of(mined));
    assertThat(pool.get(first.hash())).isNull();
    assertThat(pool.pending().get(sender(KEY))).containsExactly(second);
    Block other = block(2, List.of(tx(OTHER, 0, GWEI)));
    accounts.put(sender(KEY), account(0));
    head = other;
    pool.headChanged(List.of(mined), List.of(other));
    assertThat(pool.pending().get(sender(KEY))).containsExactly(first, second);
  }

  /** As in geth, which adds nothing again when more than 64 blocks are removed. */
  @Test
  void aDeepReorganisationAddsNothingAgain() {
    Transaction later = tx(KEY, 1, GWEI);
    accounts.put(sender(KEY), account(1));
    pool.add(later);
    assertThat(pool.pending().get(sender(KEY))).containsExactly(later);
    Transaction mined = tx(KEY, 0, GWEI);
    List<Block> removed = List.of(block(2, List.of(mined)), block(1, List.of(tx(OTHER, 0, GWEI))));
    accounts.put(sender(KEY), account(0));
    for (Block block : removed) { // each batch is small
      pool.headChanged(List.of(block), List.of(), 65);
    }
    assertThat(pool.pending()).isEmpty();
    assertThat(pool.queued().get(sender(KEY))).as("its nonce is too high now").hasSize(1);
    pool.headChanged(removed, List.of(), 64);
    assertThat(pool.pending().get(sender(KEY))).containsExactly(mined, later);
    assertThat(pool.pending()).containsKey(sender(OTHER));
    pool.clear();
    List<Block> many = new ArrayList<>();
    for (int i = 0; i < 65; i++) {
      many.add(block(66 - i, List.of(tx(KEY, 64 - i, GWEI))));
    }
    pool.headChanged(many, List.of());
    assertThat(pool.pending()).isEmpty();
    pool.headChanged(many.subList(1, 65), List.of());
    assertThat(pool.pending().get(sender(KEY))).hasSize(64);
  }

  @Test
  void whatCannotBeMinedIsRefusedWithAReason() {
    accounts.put(sender(KEY), account(3));
    assertThat(reason(tx(KEY, 2, GWEI))).isEqualTo(Reason.NONCE_TOO_LOW);
    Transaction known = tx(KEY, 3, GWEI);
    pool.add(known);
    assertThat(reason(known)).isEqualTo(Reason.ALREADY_KNOWN);
    assertThat(reason(builder(4, GWEI).gasLimit(30_000_001).sign(KEY))).isEqualTo(Reason.GAS_LIMIT);
    assertThat(reason(builder(4, GWEI).gasLimit(20_999).sign(KEY))).isEqualTo(Reason.INVALID);
    assertThat(reason(builder(4, GWEI).chainId(UInt256.of(2)).sign(KEY))).isEqualTo(Reason.INVALID);
    assertThat(reason(builder(4, GWEI).data(Bytes.wrap(new byte[200_000])).sign(KEY)))
        .isEqualTo(Reason.INVALID);
    assertThat(reason(tx(filled((byte) 9), 0, GWEI))).isEqualTo(Reason.INSUFFICIENT_FUNDS);
  }

  @Test
  void whatAChainChargesBesidesGasMustBePaidToo() {
    rules =
        new TransactionRules() {
          @Override
          public List<Fee> fees(Transaction transaction, long gasUsed, Slots slots) {
            return List.of(new Fee(Address.ZERO, UInt256.of(5)));
          }

          @Override
          public boolean allows(TransactionType type) {
            return type != TransactionType.ACCESS_LIST;
          }
        };
    long cost = 21_000 * GWEI + 1;
    accounts.put(
        sender(KEY), new Account(0, UInt256.of(cost + 4), Account.EMPTY_ROOT, Account.EMPTY_CODE));
    assertThat(reason(tx(KEY, 0, GWEI))).isEqualTo(Reason.INSUFFICIENT_FUNDS);
    accounts.put(
        sender(KEY), new Account(0, UInt256.of(cost + 5), Account.EMPTY_ROOT, Account.EMPTY_CODE));
    assertThat(pool.add(tx(KEY, 0, GWEI))).isInstanceOf(AddResult.Accepted.class);
    Transaction refused =
        Transaction.builder(TransactionType.ACCESS_LIST)
            .chainId(UInt256.ONE)
            .nonce(1)
            .gasLimit(21_000)
            .to(Address.ZERO)
            .sign(KEY);
    assertThat(reason(refused)).isEqualTo(Reason.INVALID);
    Transaction deposit =
        Transaction.builder(TransactionType.DEPOSIT)
            .sender(sender(KEY))
            .deposit(new Transaction.Deposit(Hash.ZERO, UInt256.ONE, false))
            .gasLimit(21_000)
            .build();
    assertThat(reason(deposit)).as("a deposit comes from L1 alone").isEqualTo(Reason.INVALID);
  }

  @Test
  void whatASenderHasInThePoolCountsAgainstTheBalance() {
    UInt256 most = UInt256.of(21_000 * 3 * GWEI + 2);
    accounts.put(sender(KEY), new Account(0, most, Account.EMPTY_ROOT, Account.EMPTY_CODE));
    assertThat(pool.add(tx(KEY, 0, GWEI))).isInstanceOf(AddResult.Accepted.class);
    assertThat(pool.add(tx(KEY, 1, GWEI))).isInstanceOf(AddResult.Accepted.class);
    assertThat(reason(tx(KEY, 2, GWEI))).isEqualTo(Reason.INSUFFICIENT_FUNDS);
  }

  @Test
  void oneSenderCannotFillThePool() {
    for (int i = 0; i < 1_024; i++) {
      assertThat(pool.add(tx(KEY, i, GWEI))).isInstanceOf(AddResult.Accepted.class);
    }
    assertThat(reason(tx(KEY, 1_024, GWEI))).isEqualTo(Reason.POOL_FULL);
    assertThat(pool.add(tx(OTHER, 0, GWEI))).isInstanceOf(AddResult.Accepted.class);
  }

  @Test
  void blobsComeWithProofsThatHold() {
    fork = Fork.OSAKA;
    Transaction tx = blobTx(0, GWEI, 2);
    assertThat(refusal(tx, null)).contains("missing sidecar");
    assertThat(refusal(tx, sidecar(0, 2))).contains("unexpected sidecar version, want: 1");
    assertThat(refusal(tx, sidecar(1, 1))).contains("invalid number of 1 blobs");
    BlobSidecar good = sidecar(1, 2);
    byte[] other = new byte[Blobs.BLOB_BYTES];
    other[31] = 1;
    assertThat(
            refusal(
                tx,
                new BlobSidecar(
                    1,
                    List.of(Bytes.wrap(other), good.blobs().get(1)),
                    good.commitments(),
                    good.proofs())))
        .contains("blob 0: invalid KZG proof");
    assertThat(refusal(tx(KEY, 0, GWEI), good)).contains("names none");
    assertThat(refusal(tx, good)).isEmpty();
    assertThat(pool.sidecar(tx.hash())).isEqualTo(good);
    assertThat(refusal(blobTx(1, GWEI, 7), sidecar(1, 7))).contains("permitted 6");
    assertThat(refusal(blobTx(0, 2 * GWEI - 1, 1), sidecar(1, 1))).contains("underpriced");
    assertThat(refusal(blobTx(0, 2 * GWEI, 1), sidecar(1, 1))).isEmpty();
  }

  @Test
  void aBlobTransactionThatWasMinedComesBackWithItsBlobs() {
    fork = Fork.PRAGUE;
    Transaction tx = blobTx(0, GWEI, 1);
    assertThat(refusal(tx, sidecar(0, 1))).isEmpty();
    Block mined = block(2, List.of(tx));
    accounts.put(sender(KEY), account(1));
    head = mined;
    pool.headChanged(List.of(), List.of(mined));
    assertThat(pool.get(tx.hash())).isNull();
    Block other = block(2, List.of(tx(OTHER, 0, GWEI)));
    accounts.put(sender(KEY), account(0));
    head = other;
    pool.headChanged(List.of(mined), List.of(other));
    assertThat(pool.pending().get(sender(KEY))).containsExactly(tx);
    assertThat(pool.sidecar(tx.hash())).isNotNull();
  }
}
