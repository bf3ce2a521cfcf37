// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.ExecutionRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.AddResult.Reason;
import dev.patchbay.api.txpool.PoolListener;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Listeners;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.IntrinsicGas;
import dev.patchbay.primitives.execution.TransactionRules;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Hashtable;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps transactions by sender and nonce. Bounded in count and bytes; a replacement pays at least a
 * tenth more. What is in a block leaves the pool, what a reorg sets free comes back.
 */
@Component(service = TransactionPool.class, immediate = true)
public final class Pool implements TransactionPool, ChainListener {
  private static final Logger LOG = LoggerFactory.getLogger(Pool.class);
  private static final int MAX_TRANSACTIONS = 20_000;
  private static final int MAX_PER_SENDER = 1_024;

  /** Blocks that a reorg may remove for their transactions to be added again; as geth. */
  private static final int MAX_READDED_DEPTH = 64;

  private static final int MAX_BYTES = 128 * 1024;
  private static final int MAX_TRANSACTION_BLOBS = 6;

  /** Blobs of 128 KiB. */
  private static final int MAX_BLOBS = 256;

  private static final BigInteger TEN = BigInteger.TEN;
  private static final BigInteger ELEVEN = BigInteger.valueOf(11);

  private final ChainReader chain;
  private final ProtocolSchedule schedule;
  private final StateProvider states;
  private final ServiceRegistration<ChainListener> registration;
  private final ServiceRegistration<HealthCheck> health;
  private final Listeners<PoolListener> listeners = new Listeners<>(LOG::warn, LOG::info);
  private final Failures readding =
      new Failures("adding a transaction of a removed block", LOG::warn, LOG::info);
  private final Map<Hash, Transaction> byHash = new HashMap<>();
  private final Map<Address, NavigableMap<Long, Transaction>> bySender = new HashMap<>();

  private final Map<Hash, BlobSidecar> sidecars = new LinkedHashMap<>();

  /** The transaction whose sidecar has a blob, by versioned hash of the blob. */
  private final Map<Hash, Hash> blobOwners = new HashMap<>();

  /** Next nonce of each sender in the pool, at the head; forgotten when the head moves. */
  private final Map<Address, Long> nonces = new HashMap<>();

  /** Creates an empty pool. */
  @Activate
  public Pool(
      BundleContext context,
      @Reference ChainReader chain,
      @Reference ProtocolSchedule schedule,
      @Reference StateProvider states) {
    this.chain = chain;
    this.schedule = schedule;
    this.states = states;
    registration = context.registerService(ChainListener.class, this, new Hashtable<>());
    health =
        context.registerService(
            HealthCheck.class,
            HealthCheck.ofFailures(
                "txpool.listeners", "all listeners are notified", listeners::failure),
            new Hashtable<>());
  }

  @Deactivate
  void close() {
    health.unregister();
    registration.unregister();
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addListener(PoolListener listener) {
    listeners.add(listener);
  }

  void removeListener(PoolListener listener) {
    listeners.remove(listener);
  }

  @Override
  public AddResult add(Transaction transaction, @Nullable BlobSidecar given) {
    Block head = chain.head();
    AddResult.Rejected refusal = checkAlone(transaction, head);
    Address sender = transaction.sender();
    if (refusal != null || sender == null) {
      return refusal == null ? rejected(Reason.INVALID, "invalid sender") : refusal;
    }
    BlobSidecar sidecar = given == null ? sidecar(transaction.hash()) : given;
    if (transaction.type() == TransactionType.BLOB || sidecar != null) {
      refusal = checkSidecar(transaction, sender, sidecar, given != null);
      if (refusal != null) {
        return refusal;
      }
    }
    List<Transaction> executable = null;
    while (executable == null) {
      Block current = chain.head();
      Account account;
      BigInteger fees;
      try (StateReader state = states.stateAt(current.hash())) {
        account = account(state, sender);
        fees = state == null ? BigInteger.ZERO : fees(transaction, current, state);
      }
      synchronized (this) {
        // only what was read of the present head may go in: what it has mined was, or will be,
        // pruned
        if (current.hash().equals(chain.head().hash())) {
          refusal = checkAgainstState(transaction, sender, account, fees);
          if (refusal != null) {
            return refusal;
          }
          executable = insert(transaction, sender, account);
          if (sidecar != null) {
            keep(transaction, sidecar);
            forgetSidecars();
          }
        }
      }
    }
    executable.forEach(pending -> listeners.forEach(l -> l.transactionPending(pending)));
    return new AddResult.Accepted();
  }

  /**
   * Puts a transaction in and returns what can be executed because of it; the caller holds the
   * lock.
   */
  private List<Transaction> insert(Transaction transaction, Address sender, Account account) {
    NavigableMap<Long, Transaction> own = bySender.computeIfAbsent(sender, s -> newQueue());
    Transaction replaced = own.put(transaction.nonce(), transaction);
    if (replaced != null) {
      byHash.remove(replaced.hash());
    }
    byHash.put(transaction.hash(), transaction);
    nonces.put(sender, account.nonce());
    List<Transaction> executable = new ArrayList<>();
    long next = account.nonce();
    for (Transaction queued : own.values()) {
      if (queued.nonce() != next) {
        break;
      }
      next++;
      if (queued.nonce() >= transaction.nonce()) {
        executable.add(queued);
      }
    }
    return executable;
  }

  private AddResult.@Nullable Rejected checkAlone(Transaction tx, Block head) {
    Fork fork = chain.config().forkAt(head.number() + 1, head.header().timestamp());
    if (tx.encodedSize() > MAX_BYTES) {
      return rejected(
          Reason.INVALID,
          "oversized data: transaction size " + tx.encodedSize() + ", limit " + MAX_BYTES);
    }
    if (tx.deposit() != null || !rules(head).allows(tx.type())) {
      return rejected(Reason.INVALID, "transaction type not supported");
    }
    if (tx.type() == TransactionType.BLOB) {
      AddResult.Rejected refusal = checkBlobs(tx, fork, head);
      if (refusal != null) {
        return refusal;
      }
    }
    if (tx.type() == TransactionType.SET_CODE
        && (!fork.includes(Fork.PRAGUE) || tx.authorizations().isEmpty())) {
      return rejected(
          Reason.INVALID,
          fork.includes(Fork.PRAGUE)
              ? "set code tx must have at least one authorization tuple"
              : "transaction type not supported");
    }
    UInt256 chainId = tx.chainId();
    if (chainId == null) {
      return rejected(
          Reason.INVALID, "only replay-protected (EIP-155) transactions allowed over RPC");
    }
    if (!chainId.equals(chain.config().chainId())) {
      return rejected(
          Reason.INVALID,
          "invalid chain id for signer: have " + chainId + " want " + chain.config().chainId());
    }
    if (tx.sender() == null) {
      return rejected(Reason.INVALID, "invalid sender");
    }
    if (Long.compareUnsigned(tx.gasLimit(), head.header().gasLimit()) > 0) {
      return rejected(Reason.GAS_LIMIT, "exceeds block gas limit");
    }
    if (fork.includes(Fork.OSAKA) && Long.compareUnsigned(tx.gasLimit(), 1L << 24) > 0) {
      return rejected(
          Reason.GAS_LIMIT,
          "transaction gas limit too high (cap: 16777216, tx: "
              + Long.toUnsignedString(tx.gasLimit())
              + ")");
    }
    if (tx.maxPriorityFeePerGas().compareTo(tx.maxFeePerGas()) > 0) {
      return rejected(Reason.INVALID, "max priority fee per gas higher than max fee per gas");
    }
    if (tx.isCreation() && fork.includes(Fork.SHANGHAI) && tx.data().size() > 49_152) {
      return rejected(
          Reason.INVALID,
          "max initcode size exceeded: code size " + tx.data().size() + ", limit 49152");
    }
    long needed = Math.max(IntrinsicGas.of(tx, fork), IntrinsicGas.floor(tx, fork));
    if (Long.compareUnsigned(tx.gasLimit(), needed) < 0) {
      return rejected(
          Reason.INVALID,
          "intrinsic gas too low: gas "
              + Long.toUnsignedString(tx.gasLimit())
              + ", minimum needed "
              + needed);
    }
    return null;
  }

  private AddResult.@Nullable Rejected checkBlobs(Transaction tx, Fork fork, Block head) {
    if (!fork.includes(Fork.CANCUN)) {
      return rejected(Reason.INVALID, "transaction type not supported");
    }
    int most = chain.config().blobScheduleAt(head.header().timestamp()).max();
    most = fork.includes(Fork.OSAKA) ? Math.min(most, MAX_TRANSACTION_BLOBS) : most;
    int count = tx.blobVersionedHashes().size();
    if (count == 0 || count > most) {
      return rejected(
          Reason.INVALID,
          "too many blobs or none in transaction: have " + count + ", permitted " + most);
    }
    if (tx.maxFeePerBlobGas().isZero()) {
      return rejected(
          Reason.UNDERPRICED, "transaction underpriced: blob gas fee cap 0, minimum needed 1");
    }
    return null;
  }

  /**
   * Checks the blobs, which takes a tenth of a second each: whoever sends them must be able to pay.
   *
   * @param unproven whether the proofs have not been checked before
   */
  private AddResult.@Nullable Rejected checkSidecar(
      Transaction tx, Address sender, @Nullable BlobSidecar sidecar, boolean unproven) {
    if (tx.type() != TransactionType.BLOB) {
      return rejected(Reason.INVALID, "blobs with a transaction that names none");
    }
    if (sidecar == null) {
      return rejected(Reason.INVALID, "missing sidecar in blobTx");
    }
    Block head = chain.head();
    Account account = account(head, sender);
    synchronized (this) {
      AddResult.Rejected refusal = checkAgainstState(tx, sender, account, BigInteger.ZERO);
      if (refusal != null) {
        return refusal;
      }
    }
    Fork fork = chain.config().forkAt(head.number() + 1, head.header().timestamp());
    int version = fork.includes(Fork.OSAKA) ? 1 : 0;
    if (sidecar.version() != version) {
      return rejected(
          Reason.INVALID,
          "unexpected sidecar version, want: " + version + ", got: " + sidecar.version());
    }
    String mismatch = unproven ? sidecar.mismatch(tx.blobVersionedHashes()) : null;
    return mismatch == null ? null : rejected(Reason.INVALID, mismatch);
  }

  @Override
  public synchronized @Nullable BlobSidecar sidecar(Hash transaction) {
    return sidecars.get(transaction);
  }

  @Override
  public synchronized @Nullable BlobSidecar sidecarWithBlob(Hash versionedHash) {
    Hash owner = blobOwners.get(versionedHash);
    return owner == null ? null : sidecars.get(owner);
  }

  private void keep(Transaction transaction, BlobSidecar sidecar) {
    sidecars.put(transaction.hash(), sidecar);
    transaction.blobVersionedHashes().forEach(blob -> blobOwners.put(blob, transaction.hash()));
  }

  /** Forgets the oldest sidecars whose transactions have gone, beyond what is kept. */
  private void forgetSidecars() {
    long blobs = sidecars.values().stream().mapToLong(kept -> kept.blobs().size()).sum();
    for (Iterator<Map.Entry<Hash, BlobSidecar>> all = sidecars.entrySet().iterator();
        all.hasNext() && blobs > MAX_BLOBS / 2; ) {
      Map.Entry<Hash, BlobSidecar> oldest = all.next();
      if (!byHash.containsKey(oldest.getKey())) {
        blobs -= oldest.getValue().blobs().size();
        all.remove();
        blobOwners.values().removeIf(oldest.getKey()::equals);
      }
    }
  }

  private long blobsInPool() {
    return byHash.values().stream().mapToLong(tx -> tx.blobVersionedHashes().size()).sum();
  }

  private TransactionRules rules(Block head) {
    ExecutionRules rules = schedule.rules();
    return rules.transactionRules(head.header(), schedule.config());
  }

  /** Returns what a transaction pays besides gas, at most, in wei. */
  private BigInteger fees(Transaction tx, Block head, StateReader state) {
    return rules(head).fees(tx, tx.gasLimit(), state::storage).stream()
        .map(fee -> fee.wei().toBigInteger())
        .reduce(BigInteger.ZERO, BigInteger::add);
  }

  private AddResult.@Nullable Rejected checkAgainstState(
      Transaction tx, Address sender, Account account, BigInteger fees) {
    if (byHash.containsKey(tx.hash())) {
      return rejected(Reason.ALREADY_KNOWN, "already known");
    }
    if (Long.compareUnsigned(tx.nonce(), account.nonce()) < 0) {
      return rejected(
          Reason.NONCE_TOO_LOW,
          "nonce too low: next nonce "
              + account.nonce()
              + ", tx nonce "
              + Long.toUnsignedString(tx.nonce()));
    }
    NavigableMap<Long, Transaction> own = bySender.getOrDefault(sender, newQueue());
    Transaction old = own.get(tx.nonce());
    BigInteger cost = IntrinsicGas.maximumCost(tx).add(fees);
    for (Transaction earlier : own.headMap(tx.nonce(), false).values()) {
      cost = cost.add(IntrinsicGas.maximumCost(earlier));
    }
    if (account.balance().toBigInteger().compareTo(cost) < 0) {
      return rejected(
          Reason.INSUFFICIENT_FUNDS,
          "insufficient funds for gas * price + value: balance "
              + account.balance()
              + ", tx cost "
              + cost
              + ", overshot "
              + cost.subtract(account.balance().toBigInteger()));
    }
    if (old != null && old.type() == TransactionType.BLOB) {
      boolean doubled =
          doubles(tx.maxFeePerGas(), old.maxFeePerGas())
              && doubles(tx.maxPriorityFeePerGas(), old.maxPriorityFeePerGas())
              && doubles(tx.maxFeePerBlobGas(), old.maxFeePerBlobGas());
      return doubled ? null : rejected(Reason.UNDERPRICED, "replacement transaction underpriced");
    }
    if (old != null) {
      boolean dearer =
          exceeds(tx.maxFeePerGas(), old.maxFeePerGas())
              && exceeds(tx.maxPriorityFeePerGas(), old.maxPriorityFeePerGas());
      return dearer ? null : rejected(Reason.UNDERPRICED, "replacement transaction underpriced");
    }
    if (own.size() >= MAX_PER_SENDER || byHash.size() >= MAX_TRANSACTIONS) {
      return rejected(Reason.POOL_FULL, "txpool is full");
    }
    int blobs = tx.blobVersionedHashes().size();
    if (blobs > 0 && blobsInPool() + blobs > MAX_BLOBS) {
      return rejected(Reason.POOL_FULL, "txpool is full: it keeps " + MAX_BLOBS + " blobs");
    }
    return null;
  }

  private static boolean exceeds(UInt256 fee, UInt256 old) {
    return fee.toBigInteger().multiply(TEN).compareTo(old.toBigInteger().multiply(ELEVEN)) >= 0;
  }

  /** A blob transaction is replaced by one that pays twice as much (EIP-4844). */
  private static boolean doubles(UInt256 fee, UInt256 old) {
    return fee.toBigInteger().compareTo(old.toBigInteger().shiftLeft(1)) >= 0;
  }

  private static AddResult.Rejected rejected(Reason reason, String message) {
    return new AddResult.Rejected(reason, message);
  }

  private static NavigableMap<Long, Transaction> newQueue() {
    return new TreeMap<>(Long::compareUnsigned);
  }

  private Account account(Block head, Address sender) {
    try (StateReader state = states.stateAt(head.hash())) {
      return account(state, sender);
    }
  }

  private static Account account(@Nullable StateReader state, Address sender) {
    Account account = state == null ? null : state.account(sender);
    return account == null ? Account.EMPTY : account;
  }

  @Override
  public synchronized int clear() {
    int count = byHash.size();
    byHash.clear();
    bySender.clear();
    nonces.clear();
    sidecars.clear();
    blobOwners.clear();
    return count;
  }

  @Override
  public synchronized @Nullable Transaction get(Hash hash) {
    return byHash.get(hash);
  }

  @Override
  public synchronized Map<Address, List<Transaction>> pending() {
    return split(true);
  }

  @Override
  public synchronized Map<Address, List<Transaction>> queued() {
    return split(false);
  }

  private Map<Address, List<Transaction>> split(boolean executable) {
    Map<Address, List<Transaction>> out = new HashMap<>();
    bySender.forEach(
        (sender, own) -> {
          long next = nonces.getOrDefault(sender, 0L);
          List<Transaction> chosen = new ArrayList<>();
          for (Transaction transaction : own.values()) {
            boolean runs = transaction.nonce() == next;
            if (runs) {
              next++;
            }
            if (runs == executable) {
              chosen.add(transaction);
            }
          }
          if (!chosen.isEmpty()) {
            out.put(sender, chosen);
          }
        });
    return out;
  }

  @Override
  public synchronized @Nullable Long nextNonce(Address sender) {
    NavigableMap<Long, Transaction> own = bySender.get(sender);
    if (own == null) {
      return null;
    }
    long next = nonces.getOrDefault(sender, 0L);
    for (Transaction transaction : own.values()) {
      if (transaction.nonce() == next) {
        next++;
      }
    }
    return next;
  }

  @Override
  public void headChanged(List<Block> removed, List<Block> added) {
    headChanged(removed, added, removed.size());
  }

  @Override
  public void headChanged(List<Block> removed, List<Block> added, long depth) {
    Set<Address> touched = new HashSet<>();
    Block head = added.isEmpty() ? chain.head() : added.get(added.size() - 1);
    synchronized (this) {
      Stream.concat(removed.stream(), added.stream())
          .flatMap(block -> block.transactions().stream())
          .forEach(
              moved -> {
                Address sender = moved.sender();
                if (sender != null && bySender.containsKey(sender)) {
                  touched.add(sender);
                }
              });
    }
    Map<Address, Account> accounts = new HashMap<>();
    touched.forEach(sender -> accounts.put(sender, account(head, sender)));
    synchronized (this) {
      accounts.forEach(this::prune);
    }
    if (depth > MAX_READDED_DEPTH) {
      return;
    }
    for (Block block : removed) {
      block.transactions().forEach(transaction -> readding.run(() -> add(transaction)));
    }
  }

  private void prune(Address sender, Account account) {
    NavigableMap<Long, Transaction> own = bySender.get(sender);
    if (own == null) {
      return;
    }
    NavigableMap<Long, Transaction> mined = own.headMap(account.nonce(), false);
    mined.values().forEach(transaction -> byHash.remove(transaction.hash()));
    mined.clear();
    nonces.put(sender, account.nonce());
    if (own.isEmpty()) {
      bySender.remove(sender);
      nonces.remove(sender);
    }
  }
}
