// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.node.SyncStatus;
import dev.patchbay.api.p2p.PeerCommandHandler;
import dev.patchbay.api.p2p.PeerEvents;
import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.api.txpool.PoolListener;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.binding.ConfigurationValues;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
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
 * Registers a {@link WireProtocol} for each version of the eth sub-protocol. Chain and pool are
 * optional and may be replaced: the peers stay connected meanwhile.
 */
@Component(
    name = EthComponent.NAME,
    service = {},
    configurationPolicy = ConfigurationPolicy.OPTIONAL,
    immediate = true)
@Designate(ocd = EthComponent.Config.class)
public final class EthComponent {
  static final String NAME = "dev.patchbay.p2p.eth";

  private static final Logger LOG = LoggerFactory.getLogger(EthComponent.class);

  /** Configuration of the sub-protocol. */
  @ObjectClassDefinition(name = "Patchbay eth sub-protocol")
  public @interface Config {
    /** How new blocks are sent. */
    @AttributeDefinition(
        description =
            "How new blocks are sent on chains that seal themselves: full (whole to some peers),"
                + " announce (by their hashes only), off; auto is full")
    String block_gossip() default "auto";
  }

  /** How long a service that is replaced is waited for; a call takes milliseconds. */
  private static final Duration DRAIN = Duration.ofSeconds(5);

  private static final long MAX_QUEUED_BYTES = 64 * 1024 * 1024;

  /** The transactions that wait for the pool take at most a 32nd of the heap, twice. */
  private static final int HEAP_SHARE = 32;

  private final NodeServices services = new NodeServices();
  private final EthService service;
  private final List<ServiceRegistration<?>> registrations = new ArrayList<>();

  /**
   * Starts the threads and registers the services.
   *
   * @throws IllegalArgumentException when a value of the configuration is invalid
   */
  @Activate
  public EthComponent(BundleContext context, Config config, Map<String, Object> configured) {
    ConfigurationValues values =
        ConfigurationValues.of(NAME, configured).reportUnknown(Config.class, LOG::warn);
    BlockGossipMode blockGossip = BlockGossipMode.of(config.block_gossip(), values);
    SecureRandom random = new SecureRandom();
    service =
        new EthService(
            services,
            random::nextLong,
            () -> System.nanoTime() / 1_000_000,
            Math.min(MAX_QUEUED_BYTES, Runtime.getRuntime().maxMemory() / HEAP_SHARE),
            blockGossip);
    try {
      service.start();
      register(context, PoolListener.class, service.gossip());
      register(context, PeerCommandHandler.class, service.commands());
      register(
          context,
          HealthCheck.class,
          HealthCheck.ofFailures(
              "p2p.eth", "transactions are exchanged with peers", service::failure, "chain"));
      for (EthVersion version : EthVersion.values()) {
        Hashtable<String, Object> properties = new Hashtable<>();
        properties.put(WireProtocol.NAME, version.capability().name());
        registrations.add(
            context.registerService(
                WireProtocol.class, new EthProtocol(version, service), properties));
      }
    } catch (Throwable failure) { // no memory for a thread
      close();
      throw failure;
    }
  }

  private <T> void register(BundleContext context, Class<T> type, T object) {
    registrations.add(context.registerService(type, object, new Hashtable<>()));
  }

  /** Ends the connections, then the threads that serve them. */
  @Deactivate
  void close() {
    registrations.forEach(ServiceRegistration::unregister);
    registrations.clear();
    service.close();
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setChain(ChainReader chain) {
    services.chain().replace(chain, DRAIN);
  }

  void unsetChain(ChainReader chain) {
    services.chain().release(chain, DRAIN);
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setEvents(PeerEvents events) {
    service.events().set(events);
  }

  void unsetEvents(PeerEvents events) {
    service.events().unset(events);
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setPool(TransactionPool pool) {
    services.pool().replace(pool, DRAIN);
  }

  void unsetPool(TransactionPool pool) {
    services.pool().release(pool, DRAIN);
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setSync(SyncStatus sync) {
    services.sync().replace(sync, DRAIN);
  }

  void unsetSync(SyncStatus sync) {
    services.sync().release(sync, DRAIN);
  }
}
