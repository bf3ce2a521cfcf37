// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.LogIndex;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.execution.CallSimulator;
import dev.patchbay.api.node.Handover;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.node.SyncStatus;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.txpool.PoolListener;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
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

/** The {@code eth} namespace: groups of methods over the kernel's services. */
@Component(service = RpcNamespace.class, property = RpcNamespace.NAME + "=eth", immediate = true)
public final class EthNamespace implements RpcNamespace, ChainListener, PoolListener {
  /** Head changes after which the pool has announced what it had before it was replaced. */
  private static final int ANNOUNCED_HEADS = 3;

  private static final int MAX_ANNOUNCED = 100_000;

  private final Map<String, RpcMethod> methods = new HashMap<>();
  private final SendMethods sending;
  private final Events events = Events.create();
  private final HeadGap gap;
  private final Filters filters;
  private final Subscriptions subscriptions;
  private final Notifier notifier;
  private final TransactionPool pool;
  private final EventHandover handover;

  /**
   * Transactions that were announced, also to a predecessor, while the pool may announce them
   * again: it announces all to a new listener, and after a restart of its own.
   */
  private final Set<Hash> announced = ConcurrentHashMap.newKeySet();

  private volatile int headsSinceStart;
  private final List<ServiceRegistration<?>> registrations = new ArrayList<>();

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile @Nullable BlockSealer sealer;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile @Nullable LogIndex logIndex;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile @Nullable SyncStatus sync;

  /** Makes the methods. */
  @Activate
  public EthNamespace(
      BundleContext context,
      @Reference ChainReader chain,
      @Reference ProtocolSchedule schedule,
      @Reference StateProvider states,
      @Reference CallSimulator simulator,
      @Reference TransactionPool pool,
      @Reference Handover handovers) {
    LogSearch logs = new LogSearch(chain, () -> logIndex);
    ClientQuota conditions = ClientQuota.ofConditions();
    this.pool = pool;
    gap = new HeadGap(chain, events.heads());
    filters = new Filters(logs, events, gap, conditions, InstantSource.system());
    ChainMethods chainMethods =
        new ChainMethods(chain, schedule, states, pool, () -> sealer, () -> sync);
    methods.putAll(chainMethods.methods());
    subscriptions = new Subscriptions(events, gap, conditions);
    notifier = new Notifier(events, gap, subscriptions, logs, chainMethods::receiptsOf);
    handover = new EventHandover(handovers, events, gap, filters, subscriptions, notifier);
    sending = new SendMethods(chain, pool, chainMethods::receipt);
    methods.putAll(sending.methods());
    methods.putAll(new ConfigMethods(chain, states).methods());
    methods.putAll(new StateMethods(chain, states, pool).methods());
    FeeMethods fees = new FeeMethods(chain, schedule, () -> pool.status().minTip());
    CallMethods calls = new CallMethods(chain, states, simulator);
    methods.putAll(fees.methods());
    methods.putAll(calls.methods());
    methods.putAll(new FillMethods(chain, pool, fees, calls).methods());
    methods.putAll(new SimulateMethods(chain, schedule, simulator).methods());
    methods.put("eth_getLogs", logs::getLogs);
    methods.putAll(filters.methods());
    methods.putAll(subscriptions.methods());
    try {
      announced.addAll(handover.take());
      // registered as an object, not by the component: the pool is upstream of this, and a lazy
      // listener would be a cycle
      registrations.add(
          context.registerService(
              new String[] {PoolListener.class.getName(), ChainListener.class.getName()},
              this,
              new Hashtable<>()));
      registrations.add(
          context.registerService(
              HealthCheck.class,
              HealthCheck.ofFailures(
                  "rpc-eth.notifier", "subscribers are notified", notifier::failure, "chain"),
              new Hashtable<>()));
      notifier.start(); // when head changes arrive: it reads those that came before
    } catch (RuntimeException | Error failure) {
      subscriptions.disconnectAll(); // what was taken has no successor
      registrations.forEach(ServiceRegistration::unregister);
      throw failure;
    }
  }

  @Deactivate
  void close() {
    boolean read = hasReaders();
    if (read) {
      handover.prepare(this::pending); // as long as no event is missed
    }
    registrations.forEach(ServiceRegistration::unregister);
    notifier.close();
    if (read) {
      handover.put();
    }
    subscriptions.close();
    sending.close();
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }

  @Override
  public void headChanged(List<Block> removed, List<Block> added) {
    headChanged(removed, added, removed.size());
  }

  @Override
  public void headChanged(List<Block> removed, List<Block> added, long depth) {
    Tasks.runAll(
        List.of(
            () -> {
              filters.expire();
              boolean read = hasReaders();
              gap.headChanged(removed, added, depth, read);
              if (read) {
                notifier.wake();
              }
              events.heads().clearUnless(this::hasReaders);
              events.transactions().clearUnless(this::readsTransactions);
              if (headsSinceStart < ANNOUNCED_HEADS) {
                headsSinceStart++;
              } else {
                announced.clear();
              }
            },
            sending::headChanged));
  }

  private Set<Hash> pending() {
    return pool.pending().values().stream()
        .flatMap(List::stream)
        .map(Transaction::hash)
        .collect(Collectors.toUnmodifiableSet());
  }

  /** Returns whether a filter or a subscription may read an event. */
  private boolean hasReaders() {
    return filters.count() + subscriptions.count() > 0;
  }

  private boolean readsTransactions() {
    return filters.readsTransactions() || subscriptions.readsTransactions();
  }

  @Override
  public void transactionPending(Transaction transaction) {
    boolean settled = headsSinceStart == ANNOUNCED_HEADS || announced.size() > MAX_ANNOUNCED;
    if (readsTransactions() && (settled || announced.add(transaction.hash()))) {
      events.transactions().append(transaction);
      notifier.wake();
    }
  }
}
