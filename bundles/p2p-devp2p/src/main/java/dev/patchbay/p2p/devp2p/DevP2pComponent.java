// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.node.Handover;
import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerEvents;
import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.DurableFolders;
import dev.patchbay.binding.NamedServices;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.Version;
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

/** Registers the devp2p network while it is configured and its bundle is active. */
@Component(
    name = DevP2pComponent.NAME,
    service = {},
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    immediate = true)
@Designate(ocd = DevP2pComponent.Config.class)
public final class DevP2pComponent {
  static final String NAME = "dev.patchbay.p2p.devp2p";

  /** What the operator has changed, in the handover. */
  private static final String CHANGES = "p2p-devp2p.changes";

  private static final Logger LOG = LoggerFactory.getLogger(DevP2pComponent.class);

  /** Configuration of the network. */
  @ObjectClassDefinition(name = "Patchbay devp2p network")
  public @interface Config {
    /** Address to listen on. */
    @AttributeDefinition(description = "IP address to listen on; 0.0.0.0 for all")
    String host() default "0.0.0.0";

    /** Port to listen on. */
    @AttributeDefinition(
        description = "TCP port to listen on, and UDP port of discovery; 0 for any, -1 for none")
    int port() default 30_303;

    /** Number of peers. */
    @AttributeDefinition(description = "Maximum number of peers, trusted ones not counted")
    int max_peers() default 50;

    /** Nodes to stay connected to. */
    @AttributeDefinition(description = "enode URLs of nodes to stay connected to")
    String[] static_nodes() default {};

    /** Nodes without a limit. */
    @AttributeDefinition(description = "enode URLs of nodes exempt from the limit of peers")
    String[] trusted_nodes() default {};

    /** Nodes to find others by. */
    @AttributeDefinition(description = "enode URLs of nodes to connect to and to find others by")
    String[] boot_nodes() default {};

    /** Versions of node discovery. */
    @AttributeDefinition(
        description = "Versions of node discovery: v4, v5 or both; off to dial known nodes only")
    String[] discovery() default {"v4", "v5"};

    /** Node lists. */
    @AttributeDefinition(description = "Node lists in the DNS (EIP-1459): enrtree://KEY@DOMAIN")
    String[] dns() default {};

    /** External address. */
    @AttributeDefinition(
        description =
            "External address of a node behind a router: extip:ADDRESS; none to have other nodes"
                + " report it")
    String nat() default "none";

    /** Addresses of peers. */
    @AttributeDefinition(description = "Networks such as 10.0.0.0/8 that peers must be in")
    String[] netrestrict() default {};
  }

  /** Null when the configuration or the node key cannot be used. */
  private final @Nullable DevP2pNetwork network;

  private final List<ServiceRegistration<?>> registrations = new ArrayList<>();
  private volatile @Nullable Handover handover;

  /**
   * Starts the network. When the configuration or the node key cannot be used the component has no
   * network, and its health says why: an exception would be logged with a stack trace, as an error
   * of this program.
   */
  @Activate
  public DevP2pComponent(BundleContext context, Config config, Map<String, Object> properties) {
    ConfigurationValues.of(NAME, properties).reportUnknown(Config.class, LOG::warn);
    DevP2pNetwork created;
    try {
      created = create(context, config, properties);
    } catch (IllegalArgumentException | IOException unusable) {
      network = null;
      Health health = Health.failed("devp2p does not start: " + unusable.getMessage());
      LOG.error(health.message());
      registerCheck(context, () -> health);
      return;
    }
    network = created;
    try {
      created.start();
      registrations.add(context.registerService(Network.class, created, new Hashtable<>()));
      registerCheck(context, created::health);
    } catch (Throwable failure) { // no memory for a thread, or a listener of services
      close();
      throw failure;
    }
  }

  private void registerCheck(BundleContext context, Supplier<Health> health) {
    registrations.add(
        context.registerService(
            HealthCheck.class, HealthCheck.of("p2p.devp2p", health), new Hashtable<>()));
  }

  /**
   * Creates a network that is not started.
   *
   * @throws IllegalArgumentException when a value of the configuration is invalid
   * @throws IOException when the node key cannot be used
   */
  private static DevP2pNetwork create(
      BundleContext context, Config config, Map<String, Object> properties) throws IOException {
    DevP2pSettings settings = DevP2pSettings.of(config, properties);
    DiscoveryOptions options = DiscoveryOptions.of(config);
    SecureRandom random = new SecureRandom();
    Path data = data(context);
    DevP2pNetwork network =
        new DevP2pNetwork(
            data == null
                ? NodeKey.random(random)
                : NodeKey.loadOrCreate(data.resolve("p2p_key"), random),
            settings,
            SessionSettings.DEFAULT,
            clientId(context.getBundle().getVersion()),
            new BanList(
                data == null ? null : data.resolve("p2p/bans"), InstantSource.system(), LOG::warn),
            new MonotonicClock(),
            random);
    network.configureDiscovery(options, data == null ? null : data.resolve("p2p/nodes"));
    if (data != null) {
      network.addNotice(NodeKey.exposure(data.resolve("p2p_key")));
      network.addNotice(unwritable(data.resolve("p2p")));
    }
    return network;
  }

  private static @Nullable Path data(BundleContext context) {
    String data = context.getProperty("patchbay.data");
    return data == null ? null : Path.of(data);
  }

  /** Returns a warning when files cannot be created in a folder; null when they can. */
  private static @Nullable String unwritable(Path folder) {
    String reason = "it is not writable";
    try {
      DurableFolders.create(folder);
      if (Files.isWritable(folder)) {
        return null;
      }
    } catch (IOException failure) {
      reason = failure.toString();
    }
    return "bans and known nodes last until the node stops, since "
        + folder
        + " cannot be used ("
        + reason
        + "): check its permissions";
  }

  /** Returns the program in the form that clients use: name, version, platform, language. */
  private static String clientId(Version version) {
    return "Patchbay/v%d.%d.%d/%s-%s/java%d"
        .formatted(
            version.getMajor(),
            version.getMinor(),
            version.getMicro(),
            System.getProperty("os.name", "unknown").toLowerCase(java.util.Locale.ROOT),
            System.getProperty("os.arch", "unknown"),
            Runtime.version().feature());
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addProtocol(WireProtocol protocol, Map<String, Object> properties) {
    if (network != null) {
      network.addProtocol(NamedServices.Registration.of(properties), protocol);
    }
  }

  void removeProtocol(WireProtocol protocol, Map<String, Object> properties) {
    if (network != null) {
      network.removeProtocol(NamedServices.Registration.of(properties), protocol);
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
      }
    }
  }

  /** Takes what the operator has changed before the network was replaced. */
  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setHandover(Handover service) {
    if (network != null) {
      network.restore(service.take(CHANGES));
    }
    handover = service;
  }

  void unsetHandover(Handover service) {
    if (handover == service) {
      handover = null;
    }
  }
}
