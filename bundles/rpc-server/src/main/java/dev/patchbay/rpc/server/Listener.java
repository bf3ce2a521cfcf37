// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.node.ListeningSockets;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.rpc.RpcSession.LogLimits;
import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.DeferredInterruptThread;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.InvalidConfigurationException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.Hashtable;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntSupplier;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.io.ArrayByteBufferPool;
import org.eclipse.jetty.io.ByteBufferPool;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.gzip.GzipHandler;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.util.thread.Scheduler;
import org.eclipse.jetty.websocket.server.WebSocketUpgradeHandler;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One address that serves JSON-RPC over HTTP and WebSocket. Any number may be configured. */
@Component(
    name = Listener.PID,
    service = {},
    immediate = true,
    reference = @Reference(name = "permission", service = ListenerPermission.Granted.class),
    configurationPolicy = ConfigurationPolicy.REQUIRE)
@Designate(ocd = Listener.Config.class, factory = true)
public final class Listener implements HealthCheck {
  static final String PID = "dev.patchbay.rpc.listener";

  /** The longest time that a key may name: a day. */
  static final int MAX_SECONDS = 86_400;

  private static final Logger LOG = LoggerFactory.getLogger(Listener.class);

  /** Configuration of a listener. */
  @ObjectClassDefinition(name = "Patchbay JSON-RPC listener")
  public @interface Config {
    /** Address to listen on. */
    @AttributeDefinition(description = "Address to listen on")
    String host() default "127.0.0.1";

    /** TCP port. */
    @AttributeDefinition(description = "TCP port")
    int port();

    /** Namespaces that are served. */
    @AttributeDefinition(description = "Namespaces that are served, separated by commas")
    String namespaces() default "eth,net,web3,rpc";

    /** Host names that requests may name besides localhost and IP addresses. */
    @AttributeDefinition(
        description =
            "Host names that requests may name besides localhost and IP addresses; * for all")
    String hosts() default "";

    /** Origins of web pages that may read answers. */
    @AttributeDefinition(description = "Origins of web pages that may read answers; * for all")
    String cors() default "";

    /** File of the secret that tokens are signed with. */
    @AttributeDefinition(
        description =
            "File with the secret of 64 hexadecimal digits that clients sign tokens with; it is made when it does not exist; empty: no tokens are asked for")
    String jwt_secret() default "";

    /** Table of error codes. */
    @AttributeDefinition(
        description = "Table of error codes: patchbay, geth, or the catalogue of execution-apis")
    String error_profile() default "patchbay";

    /** Most bytes of a request. */
    @AttributeDefinition(description = "Most bytes of a request")
    int max_body_bytes() default 5_242_880;

    /** Most items of a batch. */
    @AttributeDefinition(description = "Most items of a batch")
    int max_batch_items() default 1_000;

    /** Most bytes of a response. */
    @AttributeDefinition(description = "Most bytes of a response")
    int max_response_bytes() default 26_214_400;

    /** Most requests at a time. */
    @AttributeDefinition(
        description = "Most requests that are answered at a time; a batch counts as one")
    int max_requests() default 64;

    /** Most blocks of a search for logs. */
    @AttributeDefinition(description = "Most blocks of the range of eth_getLogs")
    int max_log_blocks() default 10_000;

    /** Most logs that a search finds. */
    @AttributeDefinition(description = "Most logs that eth_getLogs finds")
    int max_log_results() default 50_000;

    /** Seconds that an expensive call may take. */
    @AttributeDefinition(
        description = "Seconds that traces, searches and simulations may take, waiting included")
    int max_expensive_seconds() default 30;

    /** Most connections. */
    @AttributeDefinition(
        description =
            "Most connections at a time; above it, the connection that has idled longest is closed")
    int max_connections() default 1_024;

    /** Most WebSocket connections. */
    @AttributeDefinition(description = "Most WebSocket connections at a time")
    int max_websockets() default 200;

    /** Seconds without traffic after which a connection is cut. */
    @AttributeDefinition(
        description =
            "Seconds without traffic after which an HTTP connection is cut; also the time for the header of a request")
    int idle_seconds() default 30;
  }

  /** Shorter answers fit into a packet or two as they are. */
  private static final int GZIP_FROM_BYTES = 4_096;

  private static final int BUFFER_STEP = 4_096;
  private static final int MAX_BUFFER = 65_536;
  private static final long KEPT_HEAP_BYTES = 8L << 20;
  private static final long KEPT_DIRECT_BYTES = 16L << 20;
  private static final int SWEEP_SECONDS = 1;
  private static final int STOP_MILLIS = 500;

  private static final int MIN_THREADS = 64;

  /** Threads that are left for all else when expensive calls take as many as they may. */
  private static final int OTHER_THREADS = 16;

  /** Connections that the system queues; a client beyond them waits for a second to try again. */
  private static final int ACCEPT_QUEUE = 1_024;

  private final String name;
  private @Nullable ServiceRegistration<?> registration;
  private final Dispatcher dispatcher;
  private final Set<String> namespaces;
  private final Server server;
  private final Connections connections;
  private final HttpHandler handler;
  private final SocketCreator sockets;
  private volatile @Nullable ServerSocketChannel socket;

  /** Whether no further connection is accepted. */
  private volatile boolean finishing;

  private final Failures closing = new Failures("closing late connections", LOG::error, LOG::info);

  private final Failures accepting =
      new Failures(
          "accepting connections",
          (text, failure) -> LOG.warn(text), // the system has too little of something
          LOG::info);

  private final String address;
  private final int port;

  /**
   * Opens the port.
   *
   * @throws InvalidConfigurationException when a value is not valid, or the port is in use; the
   *     message says by which key to choose another
   * @throws IOException when the file of the secret cannot be used
   */
  @Activate
  public Listener(
      @Reference Dispatcher dispatcher,
      @Reference ListeningSockets listening,
      Config config,
      Map<String, Object> properties)
      throws IOException {
    ConfigurationValues values =
        ConfigurationValues.of(PID, properties).reportUnknown(Config.class, LOG::warn);
    if (!properties.containsKey("port")) {
      throw values.unusable("port", "must be set to a TCP port, or to 0 for any");
    }
    int wanted = values.integer("port", config::port, 0, 65_535);
    String host = host(config, wanted, values);
    Limits limits =
        limits(
            values,
            config::max_body_bytes,
            config::max_batch_items,
            config::max_response_bytes,
            config::max_log_blocks,
            config::max_log_results);
    int requests = values.integer("max.requests", config::max_requests, 1, 1_000_000);
    int expensiveSeconds =
        values.integer("max.expensive.seconds", config::max_expensive_seconds, 1, MAX_SECONDS);
    int maxConnections = values.integer("max.connections", config::max_connections, 1, 1_000_000);
    int webSockets = values.integer("max.websockets", config::max_websockets, 0, 1_000_000);
    int idleSeconds = values.integer("idle.seconds", config::idle_seconds, 1, MAX_SECONDS);
    this.name = partName(properties, "rpc.listener");
    this.dispatcher = dispatcher;
    namespaces = Collections.unmodifiableSet(new TreeSet<>(split(config.namespaces())));
    if (namespaces.contains("engine") && config.jwt_secret().isBlank()) {
      throw values.unusable(
          "jwt.secret",
          "the namespace engine is served to those alone who have a secret: set this key to a file"
              + " for it");
    }
    JwtAuthentication authentication = authentication(config, values);
    Terms terms =
        new Terms(
            namespaces,
            limits,
            profile(config.error_profile(), values),
            Duration.ofSeconds(expensiveSeconds),
            new Quota(requests),
            dispatcher.waitingQuota());
    connections =
        new Connections(maxConnections, Duration.ofSeconds(idleSeconds), System::nanoTime);
    QueuedThreadPool threads =
        threads(
            "rpc-server-" + wanted,
            Math.max(MIN_THREADS, dispatcher.expensiveCalls() + OTHER_THREADS));
    server = new Server(threads, null, keptBuffers());
    HttpConfiguration http = new HttpConfiguration();
    http.setSendServerVersion(false);
    http.setSendDateHeader(false);
    ServerConnector connector =
        new ServerConnector(
            server,
            1,
            1,
            new HttpConnectionFactory(http),
            new HTTP2CServerConnectionFactory(http)) {
          @Override
          protected ServerSocketChannel openAcceptChannel() throws IOException {
            ServerSocketChannel opened = bind(listening, dispatcher.maxWait(), host, wanted);
            socket = opened;
            return opened;
          }

          @Override
          public void accept(int acceptor) throws IOException {
            if (finishing) {
              LockSupport.park(); // until the connector stops
            } else {
              super.accept(acceptor);
              accepting.succeeded();
            }
          }

          @Override
          protected boolean handleAcceptFailure(Throwable failure) {
            if (finishing) {
              return true;
            }
            if (isRunning()) {
              accepting.failed(failure);
            }
            return super.handleAcceptFailure(failure);
          }

          @Override
          protected void onEndPointOpened(EndPoint endPoint) {
            super.onEndPointOpened(endPoint);
            if (endPoint instanceof WatchedEndPoint watched) {
              watched.opened();
            }
          }

          @Override
          protected SocketChannelEndPoint newEndPoint(
              SocketChannel channel, ManagedSelector selector, SelectionKey key) {
            WatchedEndPoint endPoint =
                new WatchedEndPoint(
                    channel, selector, key, getScheduler(), getExecutor(), connections);
            endPoint.setIdleTimeout(getIdleTimeout());
            return endPoint;
          }
        };
    connector.setHost(host);
    connector.setPort(wanted);
    connector.setIdleTimeout(idleSeconds * 1_000L);
    server.addConnector(connector);
    handler =
        new HttpHandler(
            dispatcher,
            terms,
            split(config.hosts().toLowerCase(Locale.ROOT)),
            split(config.cors().toLowerCase(Locale.ROOT)),
            authentication);
    sockets = new SocketCreator(dispatcher, terms, handler, threads, webSockets);
    WebSocketUpgradeHandler upgrades =
        WebSocketUpgradeHandler.from(
            server,
            container -> {
              container.setMaxTextMessageSize(limits.bodyBytes());
              container.setMaxBinaryMessageSize(limits.bodyBytes());
              container.setIdleTimeout(Duration.ofMinutes(30));
              container.addMapping("/*", sockets);
            });
    GzipHandler gzip = new GzipHandler(handler);
    gzip.setMinGzipSize(GZIP_FROM_BYTES);
    gzip.setIncludedMethods("POST");
    upgrades.setHandler(gzip);
    server.setHandler(new ConnectionHandler(upgrades, limits.bodyBytes()));
    server.setStopTimeout(STOP_MILLIS); // close() has waited for the requests under way
    try {
      server.start();
    } catch (Exception failure) {
      stopQuietly();
      LOG.debug("Jetty does not start", failure);
      throw new InvalidConfigurationException(
          "cannot listen on "
              + host
              + ":"
              + wanted
              + " ("
              + rootMessage(failure)
              + "); stop what uses the port, or choose another with --http-port, --ws-port or the key port of dev.patchbay.rpc.listener");
    }
    // Jetty creates the thread of the scheduler here: it inherits from a request thread
    threads.execute(() -> closeLate(connector.getScheduler()));
    port = connector.getLocalPort();
    address = host + ":" + port;
    LOG.info("listening on {} for {}", address, namespaces);
  }

  private static QueuedThreadPool threads(String name, int limit) {
    ThreadFactory created = DeferredInterruptThread.factory(name);
    return new QueuedThreadPool(
        limit,
        4,
        60_000,
        -1,
        null,
        null,
        body -> {
          Thread thread = created.newThread(body);
          thread.setContextClassLoader(QueuedThreadPool.class.getClassLoader());
          return thread;
        });
  }

  /** Buffers that are used again: Jetty would keep a quarter of the heap for each listener. */
  private static ByteBufferPool keptBuffers() {
    return new ArrayByteBufferPool(
        0, BUFFER_STEP, MAX_BUFFER, Integer.MAX_VALUE, KEPT_HEAP_BYTES, KEPT_DIRECT_BYTES);
  }

  private static String host(Config config, int port, ConfigurationValues values) {
    String allowed = "an address or a name of this machine";
    String host = values.text("host", config.host(), allowed);
    if (new InetSocketAddress(host, port).isUnresolved()) {
      throw values.invalid("host", allowed, ConfigurationValues.quoted(host));
    }
    return host;
  }

  private static @Nullable JwtAuthentication authentication(
      Config config, ConfigurationValues values) {
    if (config.jwt_secret().isBlank()) {
      return null;
    }
    try {
      return JwtAuthentication.of(Path.of(config.jwt_secret()));
    } catch (IOException | IllegalArgumentException unusable) {
      String reason =
          unusable instanceof NoSuchFileException
              ? "there is no folder for the file " + config.jwt_secret()
              : unusable instanceof IOException
                  ? "cannot read the file " + config.jwt_secret() + " (" + unusable + ")"
                  : String.valueOf(unusable.getMessage());
      throw values.unusable("jwt.secret", reason);
    }
  }

  private static ServerSocketChannel bind(
      ListeningSockets listening, Duration kept, String host, int port) throws IOException {
    InetSocketAddress address = new InetSocketAddress(host, port);
    return listening.open(
        address,
        kept,
        () -> {
          ServerSocketChannel opened = ServerSocketChannel.open();
          try {
            opened.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            return opened.bind(address, ACCEPT_QUEUE);
          } catch (IOException | RuntimeException failure) {
            opened.close();
            throw failure;
          }
        });
  }

  /** Closes late connections, and again every second until the server stops. */
  private void closeLate(Scheduler scheduler) {
    closing.run(connections::closeLate); // the next run must come
    scheduler.schedule(() -> closeLate(scheduler), SWEEP_SECONDS, TimeUnit.SECONDS);
  }

  /** Returns the port that is listened on. */
  int port() {
    return port;
  }

  /** Returns the number of open connections. */
  int openConnections() {
    return connections.count();
  }

  /** Returns the number of open WebSockets. */
  int openSockets() {
    return sockets.count();
  }

  private static String rootMessage(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return String.valueOf(cause.getMessage());
  }

  /** Returns the PID of a component without {@code dev.patchbay.}. */
  static String partName(Map<String, Object> properties, String otherwise) {
    return properties.get("service.pid") instanceof String pid
        ? pid.replaceFirst("^dev\\.patchbay\\.", "")
        : otherwise;
  }

  /**
   * Registers the health. The container would register it before it creates this component, and
   * find none where the configuration is wrong.
   */
  @Activate
  void register(BundleContext context) {
    registration = context.registerService(HealthCheck.class, this, new Hashtable<>());
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Set<String> dependencies() {
    return Set.of(RpcNamespace.class.getName());
  }

  @Override
  public Health check() {
    if (!server.isRunning()) {
      return Health.failed("no longer listening on " + address + "; restart the bundle rpc.server");
    }
    String failure = accepting.latest();
    if (failure != null) {
      return notAccepting(address, failure);
    }
    Set<String> absent = new TreeSet<>(namespaces);
    absent.removeAll(dispatcher.namespaces());
    return absent.isEmpty()
        ? Health.healthy("listening on " + address + " for " + namespaces)
        : Health.degraded(
            "listening on "
                + address
                + ", but no installed bundle has the namespaces "
                + absent
                + "; install it, or change the key namespaces");
  }

  /** Returns the health of a listener that could not accept the latest connection. */
  static Health notAccepting(String address, String failure) {
    return Health.degraded(
        "listening on "
            + address
            + ", but the latest connection was not accepted ("
            + failure
            + "); the node tries again; see that it has files and threads enough");
  }

  /** Reads the limits that listeners of all kinds have. */
  static Limits limits(
      ConfigurationValues values,
      IntSupplier bodyBytes,
      IntSupplier batchItems,
      IntSupplier responseBytes,
      IntSupplier logBlocks,
      IntSupplier logResults) {
    return new Limits(
        values.integer("max.body.bytes", bodyBytes, 1_024, 1 << 30),
        values.integer("max.batch.items", batchItems, 1, 1_000_000),
        values.integer("max.response.bytes", responseBytes, 1_024, 1 << 30),
        new LogLimits(
            values.integer("max.log.blocks", logBlocks, 1, Integer.MAX_VALUE - 1),
            values.integer("max.log.results", logResults, 1, 10_000_000)));
  }

  static RpcError.Profile profile(String name, ConfigurationValues values) {
    for (RpcError.Profile profile : RpcError.Profile.values()) {
      if (profile.name().equalsIgnoreCase(name.strip())) {
        return profile;
      }
    }
    throw values.invalid(
        "error.profile", "patchbay, geth or catalogue", ConfigurationValues.quoted(name));
  }

  static List<String> split(String list) {
    return Arrays.stream(list.split(",", -1))
        .map(String::strip)
        .filter(item -> !item.isEmpty())
        .toList();
  }

  /**
   * Stops: no further connection is accepted, the requests under way are answered and their
   * connections closed. When the bundle is replaced, the socket stays open for the successor.
   */
  @Deactivate
  void close() {
    ServiceRegistration<?> registered = registration;
    if (registered != null) {
      registered.unregister();
      registration = null;
    }
    ServerSocketChannel accepts = socket;
    try {
      if (accepts != null && server.isRunning()) {
        long end = System.nanoTime() + dispatcher.drain().toNanos();
        finishing = true;
        handler.finish();
        accepts.close();
        connections.awaitRequests(Duration.ofNanos(end - System.nanoTime()));
        sockets.finish(Duration.ofNanos(end - System.nanoTime()));
      }
    } catch (IOException failure) {
      LOG.warn("no longer accepting connections: {}", failure.toString());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    stopQuietly();
    LOG.info("no longer listening on {}", address);
  }

  private void stopQuietly() {
    try {
      server.stop();
    } catch (Exception failure) {
      LOG.warn("stopping a listener: {}", failure.toString());
    }
    server.destroy();
  }
}
