// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.consensus.CliqueControl;
import dev.patchbay.api.node.Handover;
import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerCommandHandler;
import dev.patchbay.api.p2p.PeerEvents;
import dev.patchbay.binding.ConfigurationValues;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
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
 * Registers the Chronos network while it is configured and its bundle is active. The chain may be
 * replaced: the peers stay connected meanwhile.
 */
@Component(
    name = ChronosComponent.NAME,
    service = {},
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    immediate = true)
@Designate(ocd = ChronosComponent.Config.class)
public final class ChronosComponent {
  static final String NAME = "dev.patchbay.p2p.chronos";

  /** What the operator has changed, in the handover. */
  private static final String CHANGES = "p2p-chronos.changes";

  /** The bans, in the handover. */
  private static final String BANS = "p2p-chronos.bans";

  private static final Logger LOG = LoggerFactory.getLogger(ChronosComponent.class);

  /** How long a service that is replaced is waited for; a call takes milliseconds. */
  private static final Duration DRAIN = Duration.ofSeconds(5);

  /** Configuration of the network. */
  @ObjectClassDefinition(name = "Patchbay Chronos network")
  public @interface Config {
    /** Address to listen on. */
    @AttributeDefinition(description = "IP address to listen on; 0.0.0.0 for all")
    String host() default "127.0.0.1";

    /** Port to listen on. */
    @AttributeDefinition(description = "TCP port to listen on; 0 for any, -1 for none")
    int port() default 30_403;

    /** Nodes to stay connected to. */
    @AttributeDefinition(description = "HOST:PORT of nodes to stay connected to")
    String[] peers() default {};

    /** Whether peers must state their chain. */
    @AttributeDefinition(
        description = "Whether SHAKEHAND of a peer must have version, chainId, genesis, headHash")
    boolean strict() default false;

    /** Whether a frame is a line. */
    @AttributeDefinition(description = "Whether a message is a line, for tools such as nc")
    boolean newline() default false;

    /** How far below the head blocks are confirmed. */
    @AttributeDefinition(
        description =
            "How many blocks below the head a block is confirmed; auto is floor(signers / 2) + 1"
                + " under Clique, and the finalized block where a consensus client drives the"
                + " chain")
    String confirmations() default "auto";

    /** Certificate of this node. */
    @AttributeDefinition(description = "PEM file with the certificate of this node; none for TCP")
    String tls_certificate() default "";

    /** Key of the certificate. */
    @AttributeDefinition(description = "PEM file with its private key (PKCS #8)")
    String tls_key() default "";

    /** Certificates that are trusted. */
    @AttributeDefinition(description = "PEM file with the certificates that sign those of peers")
    String tls_trust() default "";

    /** Number of peers. */
    @AttributeDefinition(description = "Maximum number of peers")
    int max_connections() default 25;
  }

  /**
   * Null when the node may not listen, or the configuration, a certificate or the node key cannot
   * be used.
   */
  private final @Nullable ChronosNetwork network;

  private final @Nullable LocalChain chain;
  private final List<ServiceRegistration<?>> registrations = new ArrayList<>();
  private volatile @Nullable Handover handover;

  /**
   * Starts the network, unless the framework property {@code patchbay.listeners} is {@code off}, as
   * in a node that only imports or exports a file. When the configuration, a certificate or the
   * node key cannot be used the component has no network, and its health says why: an exception
   * would be logged with a stack trace, as an error of this program.
   */
  @Activate
  public ChronosComponent(BundleContext context, Config config, Map<String, Object> properties) {
    ConfigurationValues values =
        ConfigurationValues.of(NAME, properties).reportUnknown(Config.class, LOG::warn);
    if ("off".equals(context.getProperty("patchbay.listeners"))) {
      network = null;
      chain = null;
      return;
    }
    SecureRandom random = new SecureRandom();
    ChronosNetwork created;
    LocalChain local;
    try {
      ChronosSettings settings = ChronosSettings.of(config, values);
      ChronosSettings.Tls files = settings.tls();
      TlsFiles tls =
          files == null ? null : TlsFiles.read(files.certificate(), files.key(), files.trust());
      local =
          new LocalChain(
              NodeAddress.of(data(context), random),
              settings.confirmations(),
              System::currentTimeMillis);
      created = new ChronosNetwork(settings, tls, local, random);
    } catch (IllegalArgumentException | IOException unusable) {
      network = null;
      chain = null;
      Health health = Health.failed("chronos does not start: " + unusable.getMessage());
      LOG.error(health.message());
      registerCheck(context, () -> health);
      return;
    }
    network = created;
    chain = local;
    try {
      created.start();
      register(context, Network.class, created);
      register(context, PeerCommandHandler.class, created.commands());
      registerCheck(context, created::health);
    } catch (Throwable failure) { // no memory for a thread
      close();
      throw failure;
    }
  }

  private static @Nullable Path data(BundleContext context) {
    String data = context.getProperty("patchbay.data");
    return data == null ? null : Path.of(data);
  }

  private <T> void register(BundleContext context, Class<T> type, T object) {
    registrations.add(context.registerService(type, object, new Hashtable<>()));
  }

  private void registerCheck(BundleContext context, Supplier<Health> health) {
    register(context, HealthCheck.class, HealthCheck.of("p2p.chronos", health, "chain"));
  }

  /** Ends the network; does nothing when it has ended. */
  @Deactivate
  void close() {
    registrations.forEach(ServiceRegistration::unregister);
    registrations.clear();
    if (network != null) {
      network.close();
      Handover service = handover;
      if (service != null) {
        service.put(CHANGES, network.changes());
        service.put(BANS, network.bansUntil());
      }
    }
  }

  /** Takes what the operator has changed, and the bans, before the network was replaced. */
  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setHandover(Handover service) {
    if (network != null) {
      network.restore(service.take(CHANGES), service.take(BANS));
    }
    handover = service;
  }

  void unsetHandover(Handover service) {
    if (handover == service) {
      handover = null;
    }
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setChain(ChainReader reader) {
    if (chain != null) {
      chain.chain().replace(reader, DRAIN);
    }
  }

  void unsetChain(ChainReader reader) {
    if (chain != null) {
      chain.chain().release(reader, DRAIN);
    }
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setClique(CliqueControl control) {
    if (chain != null) {
      chain.clique().replace(control, DRAIN);
    }
  }

  void unsetClique(CliqueControl control) {
    if (chain != null) {
      chain.clique().release(control, DRAIN);
    }
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setSealer(BlockSealer sealer) {
    if (chain != null) {
      chain.sealer().replace(sealer, DRAIN);
    }
  }

  void unsetSealer(BlockSealer sealer) {
    if (chain != null) {
      chain.sealer().release(sealer, DRAIN);
    }
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setEvents(PeerEvents events) {
    if (network != null) {
      network.setEvents(events);
    }
  }

  void unsetEvents(PeerEvents events) {
    if (network != null) {
      network.unsetEvents(events);
    }
  }
}
