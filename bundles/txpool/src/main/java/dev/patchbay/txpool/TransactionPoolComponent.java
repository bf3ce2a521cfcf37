// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.AddResult.Reason;
import dev.patchbay.api.txpool.PoolContent;
import dev.patchbay.api.txpool.PoolListener;
import dev.patchbay.api.txpool.PoolStatus;
import dev.patchbay.api.txpool.TransactionFilter;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.binding.ConfigurationValues;
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
import dev.patchbay.primitives.execution.IntrinsicGas;
import java.math.BigInteger;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.bundle.Capability;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Admits transactions, and brings those that it has to each new head. What is in a block leaves the
 * pool; what a reorg removes from the chain comes back.
 */
@Capability(
    namespace = "osgi.service",
    attribute = "objectClass:List<String>=\"dev.patchbay.api.txpool.TransactionPool\"")
@Component(
    name = "dev.patchbay.txpool",
    service = {},
    configurationPolicy = ConfigurationPolicy.OPTIONAL,
    immediate = true)
@Designate(ocd = TransactionPoolComponent.Config.class)
public final class TransactionPoolComponent implements TransactionPool, ChainListener {
  private static final Logger LOG = LoggerFactory.getLogger(TransactionPoolComponent.class);
  private static final String NAME = "dev.patchbay.txpool";

  /** Blocks that a reorg may remove for their transactions to be added again; as geth. */
  private static final int MAX_READDED_DEPTH = 64;

  /** Greatest number of transactions of removed blocks that wait for an absent store. */
  private static final int MAX_READDED = 10_000;

  /** Above this number of new blocks all senders are read rather than those that have changed. */
  private static final int MAX_CHANGE_SETS = 64;

  /** Evicted transactions of clients that are added again with one head, in some milliseconds. */
  private static final int MAX_RESENT = 256;

  private static final long EXPIRY_MILLIS = 60_000;

  /** Configuration of the pool. */
  @ObjectClassDefinition(name = "Patchbay transaction pool")
  public @interface Config {
    /** Number of transactions without blobs. */
    @AttributeDefinition(description = "Most transactions without blobs; the cheapest leave first")
    int max_transactions() default 20_000;

    /** Number of transactions that wait for an earlier nonce. */
    @AttributeDefinition(description = "How many of them may wait for an earlier nonce")
    int max_queued() default 5_000;

    /** Number of transactions of one sender. */
    @AttributeDefinition(description = "Most transactions without blobs of one sender")
    int max_sender_transactions() default 1_024;

    /** Number of blobs. */
    @AttributeDefinition(description = "Most blobs of 128 KiB, fewer when the heap is small")
    int max_blobs() default 256;

    /** Share of the heap. */
    @AttributeDefinition(description = "Share of the heap for transactions, and for blobs, percent")
    int heap_percent() default 10;

    /** Least tip cap. */
    @AttributeDefinition(description = "Least tip cap of a transaction, in wei per gas")
    long min_tip() default 1;

    /** How much a replacement pays more. */
    @AttributeDefinition(description = "Percent by which a replacement raises both fees")
    int price_bump_percent() default 10;

    /** How much a replacement of a blob transaction pays more. */
    @AttributeDefinition(description = "Percent by which a replacement with blobs raises all fees")
    int blob_price_bump_percent() default 100;

    /** Life time of queued transactions. */
    @AttributeDefinition(
        description = "Seconds after which queued transactions of an idle sender are dropped")
    int queued_seconds() default 10_800;
  }

  private final ChainReader chain;
  private final StateProvider states;
  private final InstantSource clock;
  private final PoolValidator validator;
  private final PooledTransactions transactions;
  private final Listeners<PoolListener> listeners = new Listeners<>(LOG::warn, LOG::info);
  private final Listeners<TransactionFilter> filters = new Listeners<>(LOG::warn, LOG::info);
  private final Failures readding =
      new Failures("adding a transaction again", LOG::warn, LOG::info);
  private final AtomicLong arrivals = new AtomicLong();

  /** What writes the journal; null when the node has no data directory. */
  final @Nullable JournalWriter journal;

  private List<ServiceRegistration<?>> registrations = List.of();
  private @Nullable ServiceRegistration<?> registration;

  // of the thread that moves the head

  /** Whether the pool was not brought to some head: an error came in between. */
  private boolean isBehind;

  /** Transactions of removed blocks that are to be added again, in the order of their blocks. */
  private final Deque<Transaction> removedTransactions = new ArrayDeque<>();

  private @Nullable Fork latestFork;
  private long latestMaxGas;
  private BigInteger latestExtraFees = BigInteger.ZERO;

  private volatile long expiredMillis;
  private volatile @Nullable FeesAt latestFees;

  private record FeesAt(Hash head, Fees fees) {}

  /** Creates the pool of the node. */
  @Activate
  public TransactionPoolComponent(
      BundleContext context,
      @Reference ChainReader chain,
      @Reference ProtocolSchedule schedule,
      @Reference StateProvider states,
      Config config,
      Map<String, Object> properties) {
    this(
        chain,
        schedule,
        states,
        PoolSettings.of(
            config,
            ConfigurationValues.of(NAME, properties).reportUnknown(Config.class, LOG::warn),
            Runtime.getRuntime().maxMemory()),
        InstantSource.system(),
        folder(context));
    registrations = new ArrayList<>();
    register(context, ChainListener.class, this);
    register(
        context,
        HealthCheck.class,
        HealthCheck.ofFailures(
            "txpool.listeners", "all listeners are notified", listeners::failure));
    if (journal != null) {
      register(
          context,
          HealthCheck.class,
          HealthCheck.ofFailures(
              "txpool.journal", "the transactions of clients are kept", journal::failure));
      try {
        journal.start();
      } catch (Throwable failure) { // no memory for a thread
        registrations.forEach(ServiceRegistration::unregister);
        throw failure;
      }
    }
  }

  /**
   * Creates a pool without a container.
   *
   * @param folder for the journal; null for none
   */
  TransactionPoolComponent(
      ChainReader chain,
      ProtocolSchedule schedule,
      StateProvider states,
      PoolSettings settings,
      InstantSource clock,
      @Nullable Path folder) {
    this(chain, schedule, states, settings, clock, folder, BlobSidecar::mismatch);
  }

  /**
   * Creates a pool with another way to verify blobs.
   *
   * @param proofs returns why a sidecar does not have these versioned hashes; null when it has
   */
  TransactionPoolComponent(
      ChainReader chain,
      ProtocolSchedule schedule,
      StateProvider states,
      PoolSettings settings,
      InstantSource clock,
      @Nullable Path folder,
      PoolValidator.Proofs proofs) {
    this.chain = chain;
    this.states = states;
    this.clock = clock;
    validator = new PoolValidator(chain, schedule, states, settings.minTip(), proofs);
    transactions = new PooledTransactions(settings, folder != null);
    journal =
        folder == null
            ? null
            : new JournalWriter(
                folder.resolve("transactions.journal"), chain, transactions, this::add);
    expiredMillis = clock.millis();
  }

  /**
   * Registers the service. The container would register it before it creates this component: where
   * the configuration is wrong, each user of the service would fail too.
   */
  @Activate
  void register(BundleContext context) {
    registration = context.registerService(TransactionPool.class, this, new Hashtable<>());
  }

  private static @Nullable Path folder(BundleContext context) {
    String data = context.getProperty("patchbay.data");
    return data == null ? null : Path.of(data, "txpool");
  }

  private <T> void register(BundleContext context, Class<T> type, T service) {
    registrations.add(context.registerService(type, service, new Hashtable<>()));
  }

  @Deactivate
  void close() {
    ServiceRegistration<?> registered = registration;
    if (registered != null) {
      registered.unregister();
      registration = null;
    }
    registrations.forEach(ServiceRegistration::unregister);
    if (journal != null) {
      journal.close();
    }
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addListener(PoolListener listener) {
    listeners.add(
        listener,
        added ->
            transactions
                .pending()
                .values()
                .forEach(pending -> pending.forEach(added::transactionPending)));
  }

  void removeListener(PoolListener listener) {
    listeners.remove(listener);
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addFilter(TransactionFilter filter) {
    filters.add(filter);
  }

  void removeFilter(TransactionFilter filter) {
    filters.remove(filter);
  }

  // ---- additions

  @Override
  public AddResult add(Transaction tx, @Nullable BlobSidecar given, Origin origin) {
    try {
      admit(tx, given, origin);
      return new AddResult.Accepted();
    } catch (RejectedException rejected) {
      return rejected.result();
    } finally {
      announce();
    }
  }

  private void admit(Transaction tx, @Nullable BlobSidecar given, Origin origin)
      throws RejectedException {
    Block head = chain.head();
    Address address = validator.validateStateless(tx, head, origin);
    BlobSidecar sidecar = given == null ? transactions.sidecar(tx.hash()) : given;
    validator.checkSidecarForm(tx, sidecar, head);
    if (origin == Origin.LOCAL && transactions.makeLocal(tx.hash())) {
      journal(tx, sidecar);
    }
    checkFilters(tx);
    if (given != null || !tx.authorizations().isEmpty()) { // what takes long is for what has room
      checkRoom(tx, address);
      if (given != null) {
        validator.checkProofs(tx, given);
      }
    }
    List<Address> authorities = PooledTransaction.authorities(tx);
    expire();
    boolean added = false;
    while (!added) {
      AtHead read = readSender(tx, address);
      Block current = read.head();
      if (!current.hash().equals(head.hash())) {
        validator.validateStateless(tx, current, origin);
        validator.checkSidecarForm(tx, sidecar, current);
        head = current;
      }
      added =
          transactions.add(
              pooled(tx, address, read.sender(), authorities),
              read.sender(),
              sidecar,
              origin == Origin.LOCAL,
              feesAfter(current),
              clock.millis(),
              () -> current.hash().equals(chain.head().hash()));
    }
    if (transactions.isLocal(tx.hash())) {
      journal(tx, sidecar);
    }
  }

  /** Checks whether the pool would add a transaction whose proofs and authorizations are valid. */
  private void checkRoom(Transaction tx, Address address) throws RejectedException {
    boolean checked = false;
    while (!checked) {
      AtHead read = readSender(tx, address);
      checked =
          transactions.check(
              pooled(tx, address, read.sender(), List.of()),
              read.sender(),
              feesAfter(read.head()),
              () -> read.head().hash().equals(chain.head().hash()));
    }
  }

  private void journal(Transaction tx, @Nullable BlobSidecar sidecar) {
    if (journal != null) {
      journal.added(new PoolJournal.Entry(new BlobSidecar.Pooled(tx, sidecar), Origin.LOCAL));
    }
  }

  /** A sender, and the head at which it was read. */
  private record AtHead(Block head, PoolValidator.Sender sender) {}

  /** Reads a sender at the head, again while the head moves. */
  private AtHead readSender(Transaction tx, Address address) {
    while (true) {
      Block head = chain.head();
      try {
        PoolValidator.Sender sender = validator.sender(tx, address, head);
        if (sender != null) {
          return new AtHead(head, sender);
        }
      } catch (StorageException failure) { // also when a reorg takes place
        if (head.hash().equals(chain.head().hash())) {
          throw failure;
        }
        continue;
      }
      if (head.hash().equals(chain.head().hash())) {
        throw new StorageUnavailableException("the state after the head is not available now");
      }
    }
  }

  /** Returns the fees after a head, the same instance for the same head. */
  private Fees feesAfter(Block head) {
    FeesAt known = latestFees;
    if (known == null || !known.head().equals(head.hash())) {
      known = new FeesAt(head.hash(), validator.feesAfter(head));
      latestFees = known;
    }
    return known.fees();
  }

  private PooledTransaction pooled(
      Transaction tx, Address address, PoolValidator.Sender sender, List<Address> authorities) {
    BigInteger cost = IntrinsicGas.maximumCost(tx).add(sender.extraFees());
    return new PooledTransaction(tx, address, arrivals.getAndIncrement(), cost, authorities);
  }

  private void checkFilters(Transaction tx) throws RejectedException {
    String refusal =
        filters.firstAnswer(
            filter -> filter.refuseAdmission(tx), "a filter of transactions has failed");
    if (refusal != null) {
      throw new RejectedException(Reason.INVALID, refusal);
    }
  }

  private void announce() {
    for (Transaction tx : transactions.drainExecutable()) {
      listeners.forEach(listener -> listener.transactionPending(tx));
    }
  }

  private void expire() {
    long now = clock.millis();
    if (now - expiredMillis >= EXPIRY_MILLIS && transactions.expire(now)) {
      expiredMillis = now;
    }
  }

  // ---- a new head

  @Override
  public void headChanged(List<Block> removed, List<Block> added) {
    headChanged(removed, added, removed.size());
  }

  @Override
  public void headChanged(List<Block> removed, List<Block> added, long depth) {
    try {
      follow(removed, added, depth);
    } catch (StorageUnavailableException | NotReadyException replaced) { // a store, or the rules
      LOG.debug("the next head covers this one, too: {}", replaced.getMessage());
    }
  }

  private void follow(List<Block> removed, List<Block> added, long depth) {
    Block head = added.isEmpty() ? chain.head() : added.get(added.size() - 1);
    boolean all = isBehind || !removed.isEmpty();
    if (isBehind || transactions.isEmpty()) { // the fees may have fallen since, and risen again
      latestExtraFees = BigInteger.ZERO;
    }
    isBehind = true; // unless the end is reached
    if (depth <= MAX_READDED_DEPTH) {
      keepRemoved(removed, added);
    }
    checkRules(head);
    transactions.suspendLimits(); // the gaps that a reorg opens are closed again
    try {
      if (!transactions.isEmpty()) {
        reconcile(head, all ? null : changedAccounts(added));
        announce();
      }
      isBehind = false;
      addRemoved();
    } finally {
      transactions.resumeLimits();
    }
    expire();
    if (removedTransactions.isEmpty()) { // nothing that could close a gap is missing
      transactions.removeGappedBlobs();
    }
    for (Transaction tx : transactions.evictedLocal(MAX_RESENT)) {
      readding.run(() -> addAgain(tx));
    }
    if (journal != null) {
      journal.update();
    }
  }

  private void keepRemoved(List<Block> removed, List<Block> added) {
    if (removed.isEmpty()) {
      return;
    }
    Set<Hash> mined = new HashSet<>();
    added.forEach(block -> block.transactions().forEach(tx -> mined.add(tx.hash())));
    for (int i = removed.size() - 1; i >= 0; i--) { // the lowest first, in the order of nonces
      for (Transaction tx : removed.get(i).transactions()) {
        if (removedTransactions.size() < MAX_READDED && !mined.contains(tx.hash())) {
          removedTransactions.add(tx);
        }
      }
    }
  }

  /** Adds the transactions of removed blocks; while the store is absent, none. */
  private void addRemoved() {
    while (!removedTransactions.isEmpty() && addRemoved(removedTransactions.element())) {
      removedTransactions.remove();
    }
  }

  /** Tries to add a transaction of a removed block; returns false while the store is absent. */
  private boolean addRemoved(Transaction tx) {
    Address sender = tx.sender();
    try {
      if (sender != null && tx.type() != TransactionType.BLOB) {
        transactions.removeGappedBlobs(sender); // one without blobs may close the gap
      }
      add(tx, null, Origin.REMOTE);
      readding.succeeded();
    } catch (StorageUnavailableException absent) {
      return false;
    } catch (Throwable failure) { // the other transactions are added, and the import goes on
      readding.failed(failure);
    }
    return true;
  }

  /** Adds an evicted transaction of a client; it is kept while there is no room for it. */
  private void addAgain(Transaction tx) {
    try {
      admit(tx, null, Origin.LOCAL);
    } catch (NoRoomException full) {
      LOG.trace("transaction {} stays evicted: {}", tx.hash(), full.getMessage());
    } catch (RejectedException invalid) {
      transactions.dropEvictedLocal(tx.hash());
    } finally {
      announce();
    }
  }

  /** Removes what the rules after a head no longer allow. */
  private void checkRules(Block head) {
    Fork fork = validator.forkAfter(head);
    long maxGas = validator.maxGas(head);
    if (fork != latestFork) {
      transactions.removeIf(tx -> !isAllowed(tx.transaction(), head));
    }
    if (fork != latestFork || Long.compareUnsigned(maxGas, latestMaxGas) < 0) {
      transactions.removeIf(tx -> Long.compareUnsigned(tx.transaction().gasLimit(), maxGas) > 0);
    }
    latestFork = fork;
    latestMaxGas = maxGas;
  }

  private boolean isAllowed(Transaction tx, Block head) {
    try {
      validator.checkFork(tx, head);
      validator.checkSidecarForm(tx, transactions.sidecar(tx.hash()), head);
      return true;
    } catch (RejectedException invalid) {
      LOG.info("transaction {} leaves the pool: {}", tx.hash(), invalid.getMessage());
      return false;
    }
  }

  /** Returns the accounts that blocks have changed; null when that is not known. */
  private @Nullable Collection<Hash> changedAccounts(List<Block> added) {
    if (added.size() > MAX_CHANGE_SETS) {
      return null;
    }
    Set<Hash> out = new HashSet<>();
    for (Block block : added) {
      Set<Hash> changed = states.changedAccounts(block.hash());
      if (changed == null) {
        return null;
      }
      out.addAll(changed);
    }
    return out;
  }

  private void reconcile(Block head, @Nullable Collection<Hash> changed) {
    Map<Address, PoolValidator.Sender> accounts = new HashMap<>();
    try (StateReader state = states.stateAt(head.hash())) {
      if (state == null) {
        throw new IllegalStateException("no state after the head " + head);
      }
      for (Address address : transactions.senders(changed)) {
        accounts.put(address, PoolValidator.sender(state, address, BigInteger.ZERO));
      }
      transactions.reconcile(accounts);
      BigInteger extraFees = validator.probeExtraFees(head, state);
      if (extraFees.compareTo(latestExtraFees) > 0) {
        checkExtraFees(head, state);
      }
      latestExtraFees = extraFees;
    }
  }

  /**
   * Removes the first transaction of each sender that cannot pay for it, as the fees besides gas
   * have risen: no block can hold it, nor the later ones of the sender.
   */
  private void checkExtraFees(Block head, StateReader state) {
    for (PooledTransaction first : transactions.firstOfSenders()) {
      BigInteger cost =
          IntrinsicGas.maximumCost(first.transaction())
              .add(validator.extraFees(first.transaction(), head, state));
      if (cost.compareTo(first.cost()) > 0 && cost.compareTo(balance(state, first)) > 0) {
        transactions.remove(first.hash());
      }
    }
  }

  private static BigInteger balance(StateReader state, PooledTransaction tx) {
    Account account = state.account(tx.sender());
    return account == null ? BigInteger.ZERO : account.balance().toBigInteger();
  }

  // ---- queries

  @Override
  public @Nullable BlobSidecar sidecar(Hash transaction) {
    return transactions.sidecar(transaction);
  }

  @Override
  public @Nullable BlobSidecar sidecarByVersionedHash(Hash versionedHash) {
    return transactions.sidecarByVersionedHash(versionedHash);
  }

  @Override
  public boolean remove(Hash hash) {
    boolean removed = transactions.remove(hash);
    if (journal != null) {
      journal.update();
    }
    return removed;
  }

  @Override
  public int clear() {
    int count = transactions.clear();
    if (journal != null) {
      journal.update();
    }
    return count;
  }

  @Override
  public @Nullable Transaction get(Hash hash) {
    return transactions.get(hash);
  }

  @Override
  public Map<Address, List<Transaction>> pending() {
    return transactions.pending();
  }

  @Override
  public Map<Address, List<Transaction>> queued() {
    return transactions.queued();
  }

  @Override
  public PoolContent content(Address sender) {
    return transactions.content(sender);
  }

  @Override
  public PoolStatus status() {
    return transactions.status();
  }

  @Override
  public @Nullable Long nextNonce(Address sender) {
    return transactions.nextNonce(sender);
  }
}
