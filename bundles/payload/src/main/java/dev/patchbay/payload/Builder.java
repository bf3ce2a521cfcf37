// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.consensus.FeeRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.consensus.RollupRules;
import dev.patchbay.api.execution.BlockAssembly;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.node.Handover;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.payload.MinerControl;
import dev.patchbay.api.payload.Payload;
import dev.patchbay.api.payload.PayloadAttributes;
import dev.patchbay.api.payload.PayloadBuilder;
import dev.patchbay.api.payload.TransactionOrdering;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.txpool.PoolListener;
import dev.patchbay.api.txpool.TransactionFilter;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.binding.BlockClock;
import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.Listeners;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.BlockHeaderBuilder;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.execution.BlockLimits;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
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

/** Fills blocks with what pays the most tip per gas, or as an installed order says. */
@Capability(
    namespace = "osgi.service",
    attribute =
        "objectClass:List<String>=\""
            + "dev.patchbay.api.payload.PayloadBuilder,"
            + "dev.patchbay.api.payload.MinerControl\"")
@Component(
    name = "dev.patchbay.payload",
    service = {},
    immediate = true,
    configurationPolicy = ConfigurationPolicy.OPTIONAL)
@Designate(ocd = Builder.Config.class)
public final class Builder implements PayloadBuilder, MinerControl {
  private static final Logger LOG = LoggerFactory.getLogger(Builder.class);
  private static final long MIN_TRANSACTION_GAS = 21_000;

  /** How long transactions of the pool are added to a block: half of its time within limits. */
  private static final long MIN_FILL_NANOS = 500_000_000L;

  private static final long MAX_FILL_NANOS = 2_000_000_000L;
  private static final long MAX_FILL_SECONDS = 4;

  /** The state that is handed over: what the operator has set. */
  private static final String SETTINGS = "payload.settings";

  /** Configuration of the builder. */
  @ObjectClassDefinition(name = "Patchbay block building")
  public @interface Config {
    /** Gas limit towards which blocks move. */
    @AttributeDefinition(
        description = "Gas limit towards which blocks move, by a 1,024th at a time (EIP-1559)")
    long gas_limit() default 60_000_000;
  }

  private final ChainReader chain;
  private final ProtocolSchedule schedule;
  private final StateProvider states;
  private final BlockExecutor executor;
  private final TransactionPool pool;
  private final LongSupplier nanoTime;
  private final Jobs jobs = new Jobs(new JobWork(), BlockClock.system(LOG::warn));
  private List<ServiceRegistration<?>> registrations = List.of();
  private final MinerSettings settings;
  private final TransactionOrdering byTip;
  private volatile @Nullable Handover handover;
  private @Nullable ServiceRegistration<?> registration;

  /** How many transactions of the pool a block may hold: fewer after an own invalid block. */
  private final AtomicInteger maxPooled = new AtomicInteger(Integer.MAX_VALUE);

  /** The only transaction of an own block that was invalid; left out until a block is valid. */
  private volatile @Nullable Suspect suspect;

  private record Suspect(Hash transaction, String reason) {}

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile @Nullable TransactionOrdering ordering;

  private final Listeners<TransactionFilter> filters = new Listeners<>(LOG::warn, LOG::info);

  /** Makes the component. */
  @Activate
  public Builder(
      BundleContext context,
      @Reference ChainReader chain,
      @Reference ProtocolSchedule schedule,
      @Reference StateProvider states,
      @Reference BlockExecutor executor,
      @Reference TransactionPool pool,
      Config config,
      Map<String, Object> properties) {
    this(
        chain,
        schedule,
        states,
        executor,
        pool,
        gasLimit(
            config,
            ConfigurationValues.of("dev.patchbay.payload", properties)
                .reportUnknown(Config.class, LOG::warn)));
    // registered as an object, not by the component: the pool is upstream of this
    PoolListener listener = transaction -> jobs.poolChanged();
    registrations =
        List.of(
            context.registerService(PoolListener.class, listener, new Hashtable<>()),
            context.registerService(
                HealthCheck.class,
                HealthCheck.ofFailures(
                    "payload.building",
                    "payloads are built when they are asked for",
                    jobs::failure,
                    "chain"),
                new Hashtable<>()));
  }

  /**
   * Registers the service. The container would register it before it creates this component: where
   * the configuration is wrong, each user of the service would fail too.
   */
  @Activate
  void register(BundleContext context) {
    String[] types = {PayloadBuilder.class.getName(), MinerControl.class.getName()};
    registration = context.registerService(types, this, new Hashtable<>());
  }

  /** Reads the gas limit. */
  static long gasLimit(Config config, ConfigurationValues values) {
    return values.number("gas.limit", config::gas_limit, BlockLimits.MIN_GAS_LIMIT, Long.MAX_VALUE);
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

  /** Ends what is being built. */
  @Deactivate
  void close() {
    ServiceRegistration<?> registered = registration;
    if (registered != null) {
      registered.unregister();
      registration = null;
    }
    registrations.forEach(ServiceRegistration::unregister);
    jobs.close();
    Handover service = handover;
    if (service != null) {
      service.put(SETTINGS, settings.handOver());
    }
  }

  /** Creates a builder without a container. */
  public Builder(
      ChainReader chain,
      ProtocolSchedule schedule,
      StateProvider states,
      BlockExecutor executor,
      TransactionPool pool,
      long gasLimit) {
    this(chain, schedule, states, executor, pool, gasLimit, System::nanoTime);
  }

  /** Creates a builder with a clock by which blocks are filled. */
  Builder(
      ChainReader chain,
      ProtocolSchedule schedule,
      StateProvider states,
      BlockExecutor executor,
      TransactionPool pool,
      long gasLimit,
      LongSupplier nanoTime) {
    this.chain = chain;
    this.schedule = schedule;
    this.states = states;
    this.executor = executor;
    this.pool = pool;
    this.nanoTime = nanoTime;
    settings = new MinerSettings(gasLimit);
    byTip = new TipOrdering(settings::leastTip);
  }

  // ---- what an operator sets

  /** Takes what was set before the bundle was replaced: this is called before activation ends. */
  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setHandover(Handover service) {
    settings.restore(service.take(SETTINGS));
    handover = service;
  }

  void unsetHandover(Handover service) {
    if (handover == service) {
      handover = null;
    }
  }

  @Override
  public void setGasLimit(long gas) {
    settings.setGasLimit(gas);
  }

  @Override
  public void setGasPrice(UInt256 tip) {
    settings.setGasPrice(tip);
  }

  @Override
  public void setExtra(Bytes bytes) {
    settings.setExtra(bytes);
  }

  // ---- blocks that get better while they wait

  private final class JobWork implements Jobs.Work {
    @Override
    public Payload empty(Block parent, PayloadAttributes attributes) {
      PayloadAttributes.Rollup rollup = attributes.rollup();
      try {
        return build(parent, attributes, rollup == null ? List.of() : rollup.transactions());
      } catch (InvalidTransactionException invalid) {
        throw new IllegalArgumentException(
            "a transaction that is asked for does not fit: " + invalid.getMessage(), invalid);
      }
    }

    @Override
    public Payload full(Block parent, PayloadAttributes attributes) {
      return build(parent, attributes);
    }
  }

  @Override
  public Bytes start(Block parent, PayloadAttributes attributes) {
    Bytes id = Jobs.id(parent.hash(), attributes, forkAfter(parent, attributes.timestamp()));
    jobs.start(id, parent, attributes);
    return id;
  }

  @Override
  public @Nullable Payload get(Bytes id) {
    return jobs.get(id);
  }

  @Override
  public @Nullable Payload fetched(Hash blockHash) {
    return jobs.fetched(blockHash);
  }

  // ---- own blocks that turned out to be invalid

  @Override
  public void accepted(Block block) {
    maxPooled.updateAndGet(most -> most > Integer.MAX_VALUE / 2 ? Integer.MAX_VALUE : 2 * most);
    Suspect left = suspect;
    if (left != null) { // a block without it is valid
      suspect = null;
      drop(left);
    }
  }

  private void drop(Suspect offending) {
    pool.remove(offending.transaction());
    LOG.warn(
        "transaction {} leaves the pool, an own block with it is not valid: {}",
        offending.transaction(),
        offending.reason());
  }

  @Override
  public void rejected(Block block, String reason) {
    List<Transaction> pooled =
        block.transactions().stream().filter(tx -> pool.get(tx.hash()) != null).toList();
    if (pooled.isEmpty()) { // whatever it is, it is no transaction of the pool
      suspect = null;
      return;
    }
    LOG.warn(
        "own block {} with {} transactions of the pool is not valid: {}",
        block,
        pooled.size(),
        reason);
    if (pooled.size() > 1) {
      maxPooled.set(pooled.size() / 2);
      return;
    }
    maxPooled.set(Integer.MAX_VALUE);
    Suspect alone = new Suspect(pooled.get(0).hash(), reason);
    if (pool.status().pending() == 1) { // no other block could show whether it is the cause
      drop(alone);
    } else {
      suspect = alone;
    }
  }

  // ---- blocks

  /** The header of a block before anything is in it, and how it is filled. */
  private record Draft(
      BlockHeader header, Address feeRecipient, List<Withdrawal> withdrawals, Filler filler) {}

  private interface Filler {
    /**
     * Adds transactions to a block.
     *
     * @param sidecars to which those of the blob transactions are added, in their order
     * @return the tips in wei
     */
    UInt256 fill(BlockAssembly assembly, List<BlobSidecar> sidecars)
        throws InvalidTransactionException;
  }

  @Override
  public Block build(Block parent, BlockSealer.Template t) {
    BlockHeader header =
        next(parent, t.timestamp())
            .coinbase(t.coinbase())
            .difficulty(t.difficulty())
            .extraData(withVanity(t.extraData()))
            .nonce(t.nonce())
            .build();
    Draft draft =
        new Draft(
            header,
            t.feeRecipient(),
            List.of(),
            (block, sidecars) -> fill(block, parent, header, sidecars));
    return fromPool(parent, draft).block();
  }

  private Bytes withVanity(Bytes extraData) {
    Bytes vanity = settings.extra();
    if (vanity == null || extraData.size() < MinerSettings.MAX_EXTRA) {
      return extraData;
    }
    byte[] bytes = extraData.toArray();
    java.util.Arrays.fill(bytes, 0, MinerSettings.MAX_EXTRA, (byte) 0);
    System.arraycopy(vanity.unsafeArray(), 0, bytes, 0, vanity.size());
    return Bytes.wrap(bytes);
  }

  @Override
  public Payload build(Block parent, PayloadAttributes a) {
    BlockHeader header = header(parent, a);
    PayloadAttributes.Rollup rollup = a.rollup();
    return fromPool(
        parent,
        new Draft(
            header,
            a.feeRecipient(),
            a.withdrawals(),
            (block, sidecars) -> {
              UInt256 value =
                  rollup == null
                      ? UInt256.ZERO
                      : addAll(block, rollup.transactions(), header, sidecars);
              boolean closed = rollup != null && rollup.noTxPool();
              return closed ? value : value.add(fill(block, parent, header, sidecars));
            }));
  }

  private Payload fromPool(Block parent, Draft draft) {
    try {
      return build(parent, draft);
    } catch (InvalidTransactionException impossible) {
      throw new IllegalStateException(impossible); // those of the pool are left out
    }
  }

  @Override
  public Payload build(Block parent, PayloadAttributes a, List<Transaction> transactions)
      throws InvalidTransactionException {
    BlockHeader header = header(parent, a);
    return build(
        parent,
        new Draft(
            header,
            a.feeRecipient(),
            a.withdrawals(),
            (block, sidecars) -> addAll(block, transactions, header, sidecars)));
  }

  private Payload build(Block parent, Draft draft) throws InvalidTransactionException {
    try (StateReader state = states.stateAt(parent.hash())) {
      if (state == null) {
        throw new IllegalStateException("no state after block " + parent);
      }
      BlockAssembly assembly =
          executor.assemble(draft.header, draft.feeRecipient, draft.withdrawals, state);
      List<BlobSidecar> sidecars = new ArrayList<>();
      UInt256 value = draft.filler.fill(assembly, sidecars);
      BlockExecutor.Assembled assembled = assembly.finish();
      return new Payload(assembled.block(), value, assembled.outcome(), sidecars);
    } catch (InvalidBlockException broken) {
      throw new IllegalStateException(String.valueOf(broken.getMessage()), broken);
    }
  }

  private UInt256 addAll(
      BlockAssembly block,
      List<Transaction> transactions,
      BlockHeader header,
      List<BlobSidecar> sidecars)
      throws InvalidTransactionException {
    UInt256 value = UInt256.ZERO;
    for (Transaction transaction : transactions) {
      value = value.add(add(block, transaction, header.baseFeePerGas()));
      BlobSidecar sidecar = sidecar(transaction);
      if (sidecar != null) {
        sidecars.add(sidecar);
      }
    }
    return value;
  }

  private static UInt256 add(
      BlockAssembly assembly, Transaction transaction, @Nullable UInt256 baseFee)
      throws InvalidTransactionException {
    Deadline.check();
    ExecutionResult result = assembly.add(transaction);
    return transaction.effectiveTip(baseFee).multiply(UInt256.of(result.gasUsed()));
  }

  private UInt256 fill(
      BlockAssembly assembly, Block parent, BlockHeader header, List<BlobSidecar> sidecars) {
    long start = nanoTime.getAsLong();
    long budget = fillNanos(header.timestamp() - parent.header().timestamp());
    UInt256 baseFee = header.baseFeePerGas();
    int proofs = chain.config().forkOf(header).includes(Fork.OSAKA) ? 1 : 0;
    TransactionOrdering installed = ordering;
    TransactionOrdering.Queue queue =
        (installed == null ? byTip : installed).order(header, pool.pending());
    UInt256 value = UInt256.ZERO;
    int left = maxPooled.get();
    boolean late = false; // a block in time is better than a full one
    while (!late && left > 0 && assembly.gasLeft() >= MIN_TRANSACTION_GAS) {
      Transaction next = queue.next();
      if (next == null) {
        break;
      }
      BlobSidecar sidecar = sidecar(next); // once: the pool may drop it before the block is built
      try {
        if (pays(next, baseFee) && hasBlobs(next, sidecar, proofs) && isIncluded(next, header)) {
          value = value.add(add(assembly, next, baseFee));
          if (sidecar != null) {
            sidecars.add(sidecar);
          }
          left--;
        } else {
          queue.skipped(next);
        }
      } catch (InvalidTransactionException invalid) {
        queue.skipped(next); // the next block looks again
      }
      late = nanoTime.getAsLong() - start >= budget;
    }
    return value;
  }

  /** Returns for how long a block is filled, by its seconds after its parent. */
  private static long fillNanos(long seconds) {
    return seconds >= MAX_FILL_SECONDS
        ? MAX_FILL_NANOS
        : Math.max(MIN_FILL_NANOS, TimeUnit.SECONDS.toNanos(seconds) / 2);
  }

  private boolean isIncluded(Transaction transaction, BlockHeader header) {
    Suspect left = suspect;
    if (left != null && left.transaction().equals(transaction.hash())) {
      return false;
    }
    String refusal =
        filters.firstAnswer(
            filter -> filter.refuseInclusion(transaction, header),
            "a filter of transactions has failed");
    if (refusal != null) {
      LOG.debug("transaction {} is left out: {}", transaction.hash(), refusal);
    }
    return refusal == null;
  }

  private @Nullable BlobSidecar sidecar(Transaction transaction) {
    return transaction.type() == TransactionType.BLOB ? pool.sidecar(transaction.hash()) : null;
  }

  /** Returns whether a transaction has no blobs, or a sidecar with proofs of a version. */
  private static boolean hasBlobs(
      Transaction transaction, @Nullable BlobSidecar sidecar, int version) {
    return transaction.type() != TransactionType.BLOB
        || (sidecar != null && sidecar.version() == version);
  }

  static boolean pays(Transaction transaction, @Nullable UInt256 baseFee) {
    return baseFee == null || transaction.maxFeePerGas().compareTo(baseFee) >= 0;
  }

  // ---- headers

  private BlockHeader header(Block parent, PayloadAttributes a) {
    BlockHeaderBuilder header =
        next(parent, a.timestamp()).coinbase(a.feeRecipient()).mixHash(a.prevRandao());
    Fork fork = forkAfter(parent, a.timestamp());
    Long target = a.targetGasLimit();
    if (target != null) {
      header.gasLimit(
          nextGasLimit(parentGasLimit(parent, fork), Math.max(target, BlockLimits.MIN_GAS_LIMIT)));
    }
    PayloadAttributes.Rollup rollup = a.rollup();
    if (rollup == null) {
      Bytes set = settings.extra();
      header.extraData(a.extraData().isEmpty() && set != null ? set : a.extraData());
    } else {
      header.gasLimit(rollup.gasLimit());
      header.extraData(extraData(a.timestamp(), rollup));
    }
    if (fork.includes(Fork.CANCUN)) {
      header.parentBeaconBlockRoot(a.parentBeaconBlockRoot());
    }
    if (fork.includes(Fork.AMSTERDAM)) {
      if (a.slotNumber() == null) {
        throw new IllegalArgumentException("slotNumber is missing");
      }
      header.slotNumber(a.slotNumber());
    }
    return header.build();
  }

  private Bytes extraData(long timestamp, PayloadAttributes.Rollup asked) {
    if (!(schedule.rules() instanceof RollupRules rollup)) {
      throw new IllegalArgumentException(
          "payload attributes of a rollup: the consensus rules '"
              + schedule.config().consensus()
              + "' are not those of a rollup");
    }
    return rollup.extraData(
        timestamp, asked.eip1559Params(), asked.minBaseFee(), schedule.config());
  }

  private Fork forkAfter(Block parent, long timestamp) {
    return chain.config().forkAt(parent.number() + 1, timestamp);
  }

  /** Starts the header of a block with what follows from its parent and its time. */
  private BlockHeaderBuilder next(Block parent, long timestamp) {
    Fork fork = forkAfter(parent, timestamp);
    BlockHeaderBuilder header =
        BlockHeader.builder()
            .parentHash(parent.hash())
            .number(parent.number() + 1)
            .gasLimit(nextGasLimit(parentGasLimit(parent, fork), settings.gasLimit()))
            .timestamp(timestamp);
    FeeRules fees = schedule.rules();
    if (fork.includes(Fork.LONDON)) {
      header.baseFeePerGas(fees.nextBaseFee(parent.header(), timestamp, schedule.config()));
    }
    if (fork.includes(Fork.CANCUN)) {
      header.excessBlobGas(fees.nextExcessBlobGas(parent.header(), timestamp, schedule.config()));
      header.parentBeaconBlockRoot(Hash.ZERO);
    }
    return header;
  }

  /** Returns the limit by which a block moves its own: twice the parent's at London (EIP-1559). */
  private static long parentGasLimit(Block parent, Fork fork) {
    BlockHeader header = parent.header();
    boolean isFirstOfLondon = fork.includes(Fork.LONDON) && header.baseFeePerGas() == null;
    return isFirstOfLondon ? 2 * header.gasLimit() : header.gasLimit();
  }

  /** Moves a gas limit towards a target by less than a 1,024th (EIP-1559). */
  static long nextGasLimit(long parent, long target) {
    long step = parent / BlockLimits.GAS_LIMIT_BOUND_DIVISOR - 1;
    return target > parent ? Math.min(target, parent + step) : Math.max(target, parent - step);
  }
}
