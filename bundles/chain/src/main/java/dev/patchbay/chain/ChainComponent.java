// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.BlockStage;
import dev.patchbay.api.chain.ChainChoices;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ChainVerifier;
import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.evm.EvmChoice;
import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.state.RecentStates;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.StoreOwner;
import dev.patchbay.api.storage.Stores;
import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.InvalidConfigurationException;
import dev.patchbay.binding.Listeners;
import dev.patchbay.binding.NamedServices.Registration;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.bundle.Capability;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
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
 * Wires the chain. Its own references are optional and dynamic, but for that to the named stores:
 * the chain survives while a backend, the consensus rules or the executor are exchanged. The
 * capability names the services that it registers, for a report on what a failed chain blocks.
 */
@Capability(
    namespace = "osgi.service",
    attribute =
        "objectClass:List<String>=\""
            + "dev.patchbay.api.chain.ChainReader,"
            + "dev.patchbay.api.chain.HeaderReader,"
            + "dev.patchbay.api.consensus.ProtocolSchedule,"
            + "dev.patchbay.api.state.StateProvider,"
            + "dev.patchbay.api.state.RecentStates,"
            + "dev.patchbay.api.chain.BlockImporter,"
            + "dev.patchbay.api.chain.BlockStage,"
            + "dev.patchbay.api.chain.ForkChoice,"
            + "dev.patchbay.api.chain.ChainVerifier,"
            + "dev.patchbay.api.evm.EvmChoice,"
            + "dev.patchbay.api.chain.ChainChoices\"")
@Component(
    name = "dev.patchbay.chain",
    service = {},
    immediate = true,
    configurationPolicy = ConfigurationPolicy.REQUIRE)
@Designate(ocd = ChainComponent.Config.class)
public final class ChainComponent {
  private static final Logger LOG = LoggerFactory.getLogger(ChainComponent.class);
  private static final String NAME = "dev.patchbay.chain";
  private static final String STORE = "chain";

  /** Configuration of the chain. */
  @ObjectClassDefinition(name = "Patchbay chain")
  public @interface Config {
    /** Path of the genesis file in geth's format. */
    @AttributeDefinition(description = "Path of the genesis file in geth's format")
    String genesis();

    /** Path of a file of variables that say when forks happen, as hive passes them. */
    @AttributeDefinition(
        description = "Path of a JSON file of HIVE_* variables that say when forks happen")
    String fork_environment() default "";

    /** How many blocks back states are kept; 0 keeps all. */
    @AttributeDefinition(
        description = "How many blocks back states are kept, at least 128; 0 keeps all")
    long history() default 0;

    /** How many of the latest blocks keep their bodies and receipts; 0 keeps all. */
    @AttributeDefinition(
        description =
            "How many of the latest blocks keep their bodies and receipts: at least 128, and at"
                + " least history; 0 keeps all")
    long history_blocks() default 0;

    /**
     * How many of the latest blocks have their transactions in the index; 0 for all with bodies.
     */
    @AttributeDefinition(
        description =
            "How many of the latest blocks have their transactions in the index by hash: at least"
                + " 128, and at most history.blocks; 0 for all blocks that keep their bodies")
    long history_transactions() default 0;

    /** Name of the EVM of a new chain. */
    @AttributeDefinition(
        description =
            "Name of the EVM that a new chain uses, patchbay when it is empty. A chain that exists"
                + " uses the EVM that is written with it; another name here is refused")
    String evm() default "";

    /** Id of the network; 0 is the chain id. */
    @AttributeDefinition(description = "Id of the network that peers must have; 0 is the chain id")
    long network_id() default 0;
  }

  /**
   * System property: the EVM that the configuration named when this process opened the chain. It is
   * compared with the choice once: a command may have chosen another one before this component is
   * activated again.
   */
  private static final String COMPARED_EVM = "dev.patchbay.chain.evm";

  private final Bundle framework;
  private final String evm;
  private final ReentrantLock imports = new ReentrantLock(true);
  private final NamedStore store;
  private final Chain chain;
  private final TrieWorkers workers =
      new TrieWorkers(Runtime.getRuntime().availableProcessors() - 1);
  private final BadBlocks bad = new BadBlocks();
  private final ImportPipeline pipeline;
  private final Verifier verifier;
  private final List<ServiceRegistration<?>> registrations = new ArrayList<>();
  private final Listeners<ChainListener> listeners = new Listeners<>(LOG::warn, LOG::info);
  private volatile @Nullable BlockExecutor executor;
  private final Choices choices;

  /** Reads the genesis and registers the services of the chain. */
  @Activate
  public ChainComponent(
      BundleContext context,
      Config config,
      Map<String, Object> properties,
      @Reference Stores stores) {
    framework = context.getBundle(Constants.SYSTEM_BUNDLE_ID);
    ConfigurationValues values =
        ConfigurationValues.of(NAME, properties).reportUnknown(Config.class, LOG::warn);
    HistoryPruner.Windows windows = windows(config, values);
    long networkId = values.number("network.id", config::network_id, 0, Long.MAX_VALUE);
    GenesisFile genesis = genesis(config, values);
    evm = config.evm();
    boolean compared = evm.equals(System.getProperty(COMPARED_EVM));
    choices = new Choices(genesis.config().consensus(), compared ? "" : evm);
    chain =
        new Chain(
            genesis,
            workers,
            new RecentNodes(RecentNodes.MAX_BLOCKS),
            bad,
            choices,
            windows,
            networkId);
    pipeline = new ImportPipeline(chain, imports, () -> executor, listeners, workers, bad);
    verifier = new Verifier(chain, imports::isLocked);
    store = stores.register(STORE, Columns.ALL, new Owner());
    try {
      chain.attach(store);
      registerServices(context);
    } catch (Throwable failure) { // the bundle was stopped while the store was opened
      deactivate();
      throw failure;
    }
  }

  private void registerServices(BundleContext context) {
    String[] readers = {
      ChainReader.class.getName(), HeaderReader.class.getName(), ProtocolSchedule.class.getName()
    };
    registrations.add(context.registerService(readers, chain, new Hashtable<>()));
    register(context, StateProvider.class, chain.states());
    register(context, RecentStates.class, chain.recentStates());
    register(context, BlockImporter.class, pipeline.importer());
    register(context, BlockStage.class, pipeline.stage());
    register(context, ForkChoice.class, pipeline.forkChoice());
    register(context, ChainVerifier.class, verifier);
    register(context, EvmChoice.class, choices);
    register(context, ChainChoices.class, new ChoiceSwitch(chain, choices, imports, bad));
    register(
        context,
        HealthCheck.class,
        new ChainHealth(() -> chain.settledHead().number(), chain::rules));
    register(
        context,
        HealthCheck.class,
        HealthCheck.ofFailures(
            "chain.listeners", "all listeners are notified", listeners::failure));
  }

  private <T> void register(BundleContext context, Class<T> type, T object) {
    registrations.add(context.registerService(type, object, new Hashtable<>()));
  }

  /** Reads the windows of history. */
  static HistoryPruner.Windows windows(Config config, ConfigurationValues values) {
    return HistoryPruner.Windows.of(
        values.number("history", config::history, 0, Long.MAX_VALUE),
        values.number("history.blocks", config::history_blocks, 0, Long.MAX_VALUE),
        values.number("history.transactions", config::history_transactions, 0, Long.MAX_VALUE));
  }

  /** Reads the genesis; a file that cannot be used is a mistake of the operator. */
  private static GenesisFile genesis(Config config, ConfigurationValues values) {
    String path = values.text("genesis", config.genesis(), "the path of the genesis file");
    String environment = config.fork_environment();
    try {
      return GenesisFile.read(Path.of(path), environment.isBlank() ? null : Path.of(environment));
    } catch (IllegalArgumentException unusable) {
      throw new InvalidConfigurationException(String.valueOf(unusable.getMessage()));
    }
  }

  @Deactivate
  void deactivate() {
    try {
      registrations.forEach(ServiceRegistration::unregister);
    } finally { // also when the bundle has stopped, which has unregistered them
      verifier.close();
      store.close();
      workers.close();
    }
  }

  /** What the chain contributes when its store is opened or moved. */
  private final class Owner implements StoreOwner {
    @Override
    public Lock writeLock() {
      return imports;
    }

    @Override
    public void initialize(KeyValueStore empty) {
      chain.initialize(empty);
    }

    @Override
    public void opened(KeyValueStore opened) {
      pipeline.open(opened);
      System.setProperty(COMPARED_EVM, evm);
    }

    @Override
    public String describe(KeyReader described) {
      return chain.describe(described);
    }
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setExecutor(BlockExecutor next) {
    executor = next;
    bad.clearRejections();
  }

  void unsetExecutor(BlockExecutor gone) {
    if (executor == gone) {
      executor = null;
    }
  }

  @Reference(
      service = ConsensusRules.class,
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addRules(
      ConsensusRules added,
      ServiceReference<ConsensusRules> reference,
      Map<String, Object> properties) {
    choices.rules().add(registration(reference, properties), added.name(), added);
    bad.clearRejections();
  }

  void removeRules(ConsensusRules removed, Map<String, Object> properties) {
    report(choices.rules().remove(Registration.of(properties)));
  }

  /** What one EVM has rejected another one may accept. */
  @Reference(
      service = EvmEngine.class,
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addEngine(
      EvmEngine added, ServiceReference<EvmEngine> reference, Map<String, Object> properties) {
    String name = String.valueOf(properties.getOrDefault(EvmEngine.NAME, ""));
    choices.evm().add(registration(reference, properties), name, added);
    bad.clearRejections();
  }

  void removeEngine(EvmEngine removed, Map<String, Object> properties) {
    report(choices.evm().remove(Registration.of(properties)));
    bad.clearRejections();
  }

  /** Logs what is missing, unless the node stops: its bundles stop one after the other. */
  private void report(@Nullable String missing) {
    if (missing != null && framework.getState() != Bundle.STOPPING) {
      LOG.info(missing);
    }
  }

  private static Registration registration(
      ServiceReference<?> reference, Map<String, Object> properties) {
    Bundle bundle = reference.getBundle(); // null when the service was unregistered meanwhile
    return Registration.of(properties, bundle == null ? null : bundle.getSymbolicName());
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addListener(ChainListener listener) {
    listeners.add(listener);
  }

  void removeListener(ChainListener listener) {
    listeners.remove(listener);
  }
}
