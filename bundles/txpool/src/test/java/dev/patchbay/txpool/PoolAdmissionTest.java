// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.AddResult.Reason;
import dev.patchbay.api.txpool.TransactionFilter;
import dev.patchbay.api.txpool.TransactionPool.Origin;
import dev.patchbay.crypto.Keccak;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Authorization;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What may enter the pool. */
class PoolAdmissionTest extends PoolFixture {
  private static final Address TARGET =
      Address.fromHex("0x00000000000000000000000000000000000000bb");

  @Test
  void aTransactionWithoutATipIsRefused() {
    assertThat(refusal(builder(0, 0).maxFeePerGas(UInt256.of(GWEI)).sign(KEY)))
        .isEqualTo("transaction underpriced: gas tip cap 0, minimum needed 1");
    Transaction legacy =
        Transaction.builder(TransactionType.LEGACY)
            .chainId(UInt256.ONE)
            .gasLimit(21_000)
            .to(TARGET)
            .sign(filled((byte) 7));
    assertThat(reason(legacy)).as("an account without ether").isEqualTo(Reason.UNDERPRICED);
    assertThat(pool.status().pending()).isZero();
  }

  /** As in geth, where only its RPC rejects such a transaction. */
  @Test
  void aTransactionWithoutAChainIdComesFromPeersAndBlocksOnly() {
    Transaction unprotected =
        Transaction.builder(TransactionType.LEGACY)
            .gasPrice(UInt256.of(GWEI))
            .gasLimit(21_000)
            .to(TARGET)
            .sign(KEY);
    assertThat(unprotected.chainId()).isNull();
    assertThat(refusal(unprotected))
        .isEqualTo("only replay-protected (EIP-155) transactions allowed over RPC");
    assertThat(pool.add(unprotected, null, Origin.REMOTE)).isInstanceOf(AddResult.Accepted.class);
    accounts.put(sender(KEY), account(1));
    mine(unprotected);
    assertThat(pool.status().pending()).isZero();
    Block removed = head;
    accounts.put(sender(KEY), account(0));
    head = block(2, List.of(tx(OTHER, 0, GWEI)));
    pool.headChanged(List.of(removed), List.of(head));
    assertThat(pool.pending().get(sender(KEY))).containsExactly(unprotected);
  }

  @Test
  void aReplacementIsDearerByAtLeastAWei() {
    assertThat(refusal(tx(KEY, 0, 5))).isEmpty();
    assertThat(refusal(builder(0, 5).value(UInt256.of(2)).sign(KEY)))
        .as("5 * 110 / 100 is 5 again")
        .isEqualTo("replacement transaction underpriced");
    assertThat(refusal(tx(KEY, 0, 6))).isEmpty();
    UInt256 most = UInt256.MAX;
    accounts.put(sender(OTHER), new Account(0, most, Account.EMPTY_ROOT, Account.EMPTY_CODE));
    assertThat(reason(builder(0, 1).maxFeePerGas(most).sign(OTHER)))
        .as("a cost above 2^256 does not wrap")
        .isEqualTo(Reason.INSUFFICIENT_FUNDS);
  }

  @Test
  void theHighestNonceIsRefused() {
    accounts.put(sender(KEY), account(-1));
    assertThat(refusal(tx(KEY, -1, GWEI))).isEqualTo("nonce has max value");
    accounts.put(sender(KEY), account(-2));
    assertThat(refusal(tx(KEY, -2, GWEI))).isEmpty();
    assertThat(pool.pending().get(sender(KEY))).hasSize(1);
    assertThat(pool.nextNonce(sender(KEY))).isEqualTo(-1);
  }

  @Test
  void aContractSendsNothing() {
    setCode(KEY, Bytes.fromHex("0x6000"));
    assertThat(refusal(tx(KEY, 0, GWEI))).startsWith("sender not an eoa: address ");
    setCode(KEY, delegation());
    assertThat(refusal(tx(KEY, 0, GWEI))).as("delegated code").isEmpty();
  }

  @Test
  void aDelegatedAccountHasOneTransactionInFlight() {
    setCode(KEY, delegation());
    assertThat(refusal(tx(KEY, 1, GWEI))).isEqualTo("gapped-nonce tx from delegated accounts");
    assertThat(refusal(tx(KEY, 0, GWEI))).isEmpty();
    assertThat(refusal(tx(KEY, 1, GWEI)))
        .isEqualTo("in-flight transaction limit reached for delegated accounts");
    assertThat(refusal(tx(KEY, 0, 2 * GWEI))).as("a replacement").isEmpty();
  }

  @Test
  void anAccountThatDelegatesWithQueuedTransactionsGetsNoMore() {
    assertThat(refusal(tx(KEY, 1, GWEI))).isEmpty();
    setCode(KEY, delegation());
    assertThat(refusal(tx(KEY, 0, GWEI)))
        .isEqualTo("in-flight transaction limit reached for delegated accounts");
  }

  /** As at Osaka, where the same blob has proofs of another version. */
  @Test
  void theLatestSidecarOfABlobServesIt() {
    fork = Fork.PRAGUE;
    Transaction first = blobTx(KEY, 0, GWEI, 1);
    pool.add(first, sidecar(0, 1));
    accounts.put(sender(KEY), account(1));
    fork = Fork.OSAKA;
    mine(first);
    pool.add(blobTx(KEY, 1, GWEI, 1), sidecar(1, 1));
    assertThat(pool.sidecarByVersionedHash(first.blobVersionedHashes().get(0)))
        .isEqualTo(sidecar(1, 1));
  }

  @Test
  void blobsThatAreInvalidAreARejectionOfTheirOwn() {
    fork = Fork.OSAKA;
    AddResult wrongCount = pool.add(blobTx(0, GWEI, 2), sidecar(1, 1));
    assertThat(((AddResult.Rejected) wrongCount).reason()).isEqualTo(Reason.INVALID_BLOBS);
    AddResult wrongVersion = pool.add(blobTx(0, GWEI, 1), sidecar(0, 1));
    assertThat(((AddResult.Rejected) wrongVersion).reason())
        .as("a peer may not have seen the fork yet")
        .isEqualTo(Reason.INVALID);
  }

  @Test
  void twoTransactionsWithTheSameBlobBothServeIt() {
    fork = Fork.PRAGUE;
    Transaction first = blobTx(KEY, 0, GWEI, 1);
    Transaction second = blobTx(OTHER, 0, GWEI, 1);
    pool.add(first, sidecar(0, 1));
    pool.add(second, sidecar(0, 1));
    Hash blob = first.blobVersionedHashes().get(0);
    pool.remove(second.hash());
    assertThat(pool.sidecarByVersionedHash(blob)).isNotNull();
    assertThat(pool.get(first.hash())).isNotNull();
  }

  @Test
  void anAccountWhoseAuthorizationWaitsHasOneTransactionInFlight() {
    fork = Fork.PRAGUE;
    assertThat(refusal(setCode(0, authorization(OTHER)))).isEmpty();
    assertThat(refusal(tx(OTHER, 0, GWEI))).isEmpty();
    assertThat(refusal(tx(OTHER, 1, GWEI))).startsWith("in-flight transaction limit");
    assertThat(refusal(setCode(1, authorization(OTHER)))).as("one is in flight").isEmpty();
    pool.clear();
    pool.add(tx(OTHER, 0, GWEI));
    pool.add(tx(OTHER, 1, GWEI));
    assertThat(refusal(setCode(0, authorization(OTHER)))).isEqualTo("authority already reserved");
    pool.clear();
    pool.add(setCode(0, authorization(OTHER)));
    accounts.put(sender(KEY), account(1));
    mine();
    assertThat(pool.status().pending()).isZero();
    assertThat(refusal(tx(OTHER, 0, GWEI))).isEmpty();
    assertThat(refusal(tx(OTHER, 1, GWEI))).as("the authorization has left the pool").isEmpty();
  }

  @Test
  void allTransactionsOfASenderCountAgainstItsBalance() {
    long cost = 21_000 * GWEI + 1;
    accounts.put(sender(KEY), account(0, 2 * cost));
    assertThat(refusal(tx(KEY, 5, GWEI))).isEmpty();
    assertThat(refusal(tx(KEY, 0, GWEI))).isEmpty();
    assertThat(refusal(tx(KEY, 1, GWEI)))
        .as("also what is queued behind a gap")
        .isEqualTo(
            "insufficient funds for gas * price + value: balance "
                + 2 * cost
                + ", queued cost "
                + 2 * cost
                + ", tx cost "
                + cost
                + ", overshot "
                + cost);
    assertThat(refusal(tx(KEY, 0, 2 * GWEI)))
        .contains("tx bumped " + 21_000 * GWEI + ", overshot " + 21_000 * GWEI);
  }

  @Test
  void aSenderHasBlobsOrNone() {
    fork = Fork.PRAGUE;
    assertThat(refusal(tx(KEY, 0, GWEI))).isEmpty();
    assertThat(refusal(blobTx(1, GWEI, 1), sidecar(0, 1))).isEqualTo("address already reserved");
    assertThat(refusal(blobTx(OTHER, 0, GWEI, 1), sidecar(0, 1))).isEmpty();
    assertThat(refusal(tx(OTHER, 1, GWEI))).isEqualTo("address already reserved");
    assertThat(refusal(blobTx(OTHER, 2, GWEI, 1), sidecar(0, 1)))
        .isEqualTo("nonce too high: tx nonce 2, gapped nonce 1");
  }

  @Test
  void aFilterRefusesAndAFilterThatThrowsRefuses() {
    TransactionFilter filter =
        new TransactionFilter() {
          @Override
          public @Nullable String refuseAdmission(Transaction transaction) {
            if (transaction.nonce() == 1) {
              throw new NoClassDefFoundError("dev/patchbay/Exchanged");
            }
            return transaction.nonce() == 0 ? "not this one" : null;
          }
        };
    pool.addFilter(filter);
    assertThat(refusal(tx(KEY, 0, GWEI))).isEqualTo("not this one");
    assertThat(refusal(tx(KEY, 1, GWEI))).contains("filter");
    assertThat(refusal(tx(KEY, 2, GWEI))).isEmpty();
    pool.removeFilter(filter);
    assertThat(pool.add(tx(KEY, 0, GWEI))).isInstanceOf(AddResult.Accepted.class);
  }

  private static Bytes delegation() {
    return Bytes.fromHex("0xef0100" + TARGET.toString().substring(2));
  }

  private static Transaction setCode(long nonce, Authorization authorization) {
    return Transaction.builder(TransactionType.SET_CODE)
        .chainId(UInt256.ONE)
        .nonce(nonce)
        .maxFeePerGas(UInt256.of(GWEI))
        .maxPriorityFeePerGas(UInt256.of(GWEI))
        .gasLimit(100_000)
        .to(TARGET)
        .authorizations(List.of(authorization))
        .sign(KEY);
  }

  private static Authorization authorization(byte[] key) {
    byte[] message =
        new RlpWriter()
            .rawByte(5)
            .list(w -> w.number(UInt256.ONE).address(TARGET).number(0))
            .toArray();
    Secp256k1.Signature signature = Secp256k1.sign(Keccak.hash256(message), key);
    return new Authorization(
        UInt256.ONE,
        TARGET,
        0,
        signature.yParity(),
        UInt256.ofBytes(signature.r()),
        UInt256.ofBytes(signature.s()));
  }
}
