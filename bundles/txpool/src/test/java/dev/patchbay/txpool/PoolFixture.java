// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.AddResult.Reason;
import dev.patchbay.crypto.Blobs;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.TransactionRules;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A pool over a chain of one block, whose accounts a test sets. */
abstract class PoolFixture {
  static final byte[] KEY = filled((byte) 1);
  static final byte[] OTHER = filled((byte) 2);
  static final long GWEI = 1_000_000_000L;

  final Map<Address, Account> accounts = new HashMap<>();
  final Map<Hash, Bytes> codes = new HashMap<>();
  final List<Address> read = new ArrayList<>();
  final List<Transaction> announced = new ArrayList<>();
  Fork fork = Fork.LONDON;
  long gasLimit = 30_000_000;
  UInt256 baseFee = UInt256.ONE;
  TransactionRules rules = TransactionRules.ETHEREUM;
  @Nullable Set<Hash> changed;
  Instant now = Instant.EPOCH;
  boolean isUnavailable;

  /** How often blobs were verified. */
  int verifications;

  /** Whether the state after the head is not available. */
  boolean isMissing;

  Block head = block(1, List.of());
  final ChainReader chain =
      stub(
          ChainReader.class,
          Map.of(
              "head",
              args -> head,
              "config",
              args -> config(),
              "canonicalHash",
              args -> Hash.ZERO));
  final ProtocolSchedule schedule =
      stub(
          ProtocolSchedule.class,
          Map.of(
              "config",
              args -> config(),
              "rules",
              args ->
                  stub(
                      ConsensusRules.class,
                      Map.of(
                          "transactionRules",
                          a -> rules,
                          "nextBaseFee",
                          a -> baseFee,
                          "nextExcessBlobGas",
                          a -> 0L))));
  final StateProvider states =
      stub(
          StateProvider.class,
          Map.of(
              "changedAccounts",
              args -> changed,
              "stateAt",
              args -> {
                if (isUnavailable) {
                  throw new StorageUnavailableException("no store");
                }
                if (isMissing) {
                  return null;
                }
                return stub(
                    IterableStateReader.class,
                    Map.of(
                        "account",
                        a -> {
                          read.add((Address) a[0]);
                          return accounts.get(a[0]);
                        },
                        "code",
                        a -> codes.get(a[0])));
              }));
  TransactionPoolComponent pool = newPool(settings(20_000, 5_000, 1_024, 256, 1 << 30), null);

  {
    accounts.put(sender(KEY), account(0));
    accounts.put(sender(OTHER), account(0));
  }

  static PoolSettings settings(int transactions, int queued, int perSender, int blobs, long bytes) {
    return new PoolSettings(
        new SubPool.Limits(transactions, queued, perSender, 0, bytes),
        new SubPool.Limits(blobs, 0, 16, blobs, bytes),
        blobs / 2,
        UInt256.ONE,
        10,
        100,
        1_000);
  }

  final TransactionPoolComponent newPool(PoolSettings settings, @Nullable Path folder) {
    TransactionPoolComponent created =
        new TransactionPoolComponent(
            chain,
            schedule,
            states,
            settings,
            () -> now,
            folder,
            (sidecar, hashes) -> {
              verifications++;
              return sidecar.mismatch(hashes);
            });
    created.addListener(announced::add);
    return created;
  }

  final ChainConfig config() {
    return ChainConfig.of(UInt256.ONE, fork);
  }

  /** Moves the head to a block with transactions. */
  final void mine(Transaction... transactions) {
    head = block(head.number() + 1, List.of(transactions));
    pool.headChanged(List.of(), List.of(head));
  }

  final void setCode(byte[] key, Bytes code) {
    Account old = accounts.get(sender(key));
    Hash hash = code.keccak();
    codes.put(hash, code);
    accounts.put(sender(key), new Account(old.nonce(), old.balance(), Account.EMPTY_ROOT, hash));
  }

  /** The zero polynomial: its commitment and all its proofs are the point at infinity. */
  static BlobSidecar sidecar(int version, int blobs) {
    byte[] infinity = new byte[48];
    infinity[0] = (byte) 0xc0;
    Bytes point = Bytes.wrap(infinity);
    return new BlobSidecar(
        version,
        Collections.nCopies(blobs, Bytes.wrap(new byte[Blobs.BLOB_BYTES])),
        Collections.nCopies(blobs, point),
        Collections.nCopies(version == 0 ? blobs : blobs * Blobs.CELLS, point));
  }

  static Transaction blobTx(long nonce, long fee, int blobs) {
    return blobTx(KEY, nonce, fee, blobs);
  }

  static Transaction blobTx(byte[] key, long nonce, long fee, int blobs) {
    Bytes commitment = sidecar(0, 1).commitments().get(0);
    Hash hash = Hash.of(Blobs.versionedHash(commitment.toArray()));
    return Transaction.builder(TransactionType.BLOB)
        .chainId(UInt256.ONE)
        .nonce(nonce)
        .maxFeePerGas(UInt256.of(fee))
        .maxPriorityFeePerGas(UInt256.of(fee))
        .gasLimit(21_000)
        .to(Address.fromHex("0x00000000000000000000000000000000000000aa"))
        .maxFeePerBlobGas(UInt256.of(fee))
        .blobVersionedHashes(Collections.nCopies(blobs, hash))
        .sign(key);
  }

  final String refusal(Transaction transaction, BlobSidecar sidecar) {
    return pool.add(transaction, sidecar) instanceof AddResult.Rejected rejected
        ? rejected.message()
        : "";
  }

  final String refusal(Transaction transaction) {
    return pool.add(transaction) instanceof AddResult.Rejected rejected ? rejected.message() : "";
  }

  final Reason reason(Transaction transaction) {
    return ((AddResult.Rejected) pool.add(transaction)).reason();
  }

  static byte[] filled(byte value) {
    byte[] out = new byte[32];
    java.util.Arrays.fill(out, value);
    return out;
  }

  static Address sender(byte[] key) {
    return tx(key, 0, GWEI).sender();
  }

  static Account account(long nonce) {
    return account(nonce, Long.MAX_VALUE);
  }

  static Account account(long nonce, long balance) {
    return new Account(nonce, UInt256.of(balance), Account.EMPTY_ROOT, Account.EMPTY_CODE);
  }

  static Transaction.Builder builder(long nonce, long fee) {
    return Transaction.builder(TransactionType.FEE_MARKET)
        .chainId(UInt256.ONE)
        .nonce(nonce)
        .maxFeePerGas(UInt256.of(fee))
        .maxPriorityFeePerGas(UInt256.of(fee))
        .gasLimit(21_000)
        .to(Address.fromHex("0x00000000000000000000000000000000000000aa"))
        .value(UInt256.ONE);
  }

  static Transaction tx(byte[] key, long nonce, long fee) {
    return builder(nonce, fee).sign(key);
  }

  final Block block(long number, List<Transaction> transactions) {
    BlockHeader header =
        BlockHeader.builder()
            .transactionsRoot(transactions.isEmpty() ? Hash.ZERO : transactions.get(0).hash())
            .number(number)
            .gasLimit(gasLimit)
            .timestamp(number)
            .baseFeePerGas(UInt256.ONE)
            .build();
    return new Block(header, transactions, List.of(), null);
  }

  @SuppressWarnings("unchecked") // a proxy of an interface is of that interface
  static <T> T stub(Class<T> type, Map<String, Function<Object[], Object>> methods) {
    return (T)
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, args) -> {
              Function<Object[], Object> body = methods.get(method.getName());
              return body == null ? null : body.apply(args);
            });
  }
}
