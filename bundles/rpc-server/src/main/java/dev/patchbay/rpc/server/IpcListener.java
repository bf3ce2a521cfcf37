// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.node.ListeningSockets;
import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.DeferredInterruptThread;
import dev.patchbay.binding.Failures;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Hashtable;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
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

/**
 * JSON-RPC over a Unix-domain socket, as geth's IPC: messages follow one another on a connection,
 * subscriptions work. Whoever may open the file may ask: its mode is 0600.
 */
@Component(
    name = IpcListener.PID,
    service = {},
    immediate = true,
    reference = @Reference(name = "permission", service = ListenerPermission.Granted.class),
    configurationPolicy = ConfigurationPolicy.REQUIRE)
@Designate(ocd = IpcListener.Config.class, factory = true)
public final class IpcListener implements HealthCheck {
  static final String PID = "dev.patchbay.rpc.ipc";

  private static final Logger LOG = LoggerFactory.getLogger(IpcListener.class);
  private static final int MAX_PATH = 103;
  private static final long PAUSE_NANOS = 1_000_000_000L;

  /** Configuration of a socket. */
  @ObjectClassDefinition(name = "Patchbay JSON-RPC over a Unix-domain socket")
  public @interface Config {
    /** Path of the socket. */
    @AttributeDefinition(description = "Path of the socket")
    String path();

    /** Namespaces that are served. */
    @AttributeDefinition(description = "Namespaces that are served, separated by commas")
    String namespaces() default "eth,net,web3,rpc,txpool,debug,trace,admin,miner,clique,chronos";

    /** Most bytes of a request. */
    @AttributeDefinition(description = "Most bytes of a request")
    int max_body_bytes() default 33_554_432;

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

    /** Most connections. */
    @AttributeDefinition(
        description =
            "Most connections at a time; above it, the one that has idled longest without a subscription is closed")
    int max_connections() default 64;

    /** Seconds that an expensive call may take. */
    @AttributeDefinition(
        description = "Seconds that traces, searches and simulations may take, waiting included")
    int max_expensive_seconds() default 30;

    /** Table of error codes. */
    @AttributeDefinition(
        description = "Table of error codes: patchbay, geth, or the catalogue of execution-apis")
    String error_profile() default "patchbay";
  }

  private final String name;
  private @Nullable ServiceRegistration<?> registration;
  private final Path path;
  private final ServerSocketChannel server;
  private final Set<IpcConnection> open = ConcurrentHashMap.newKeySet();
  private final ExecutorService threads;
  private final Failures accepting;
  private final Dispatcher dispatcher;
  private final Terms terms;
  private final Connections connections;

  /**
   * Opens the socket.
   *
   * @throws IOException when that is not possible; the message names the path
   */
  @Activate
  public IpcListener(
      @Reference Dispatcher dispatcher,
      @Reference ListeningSockets sockets,
      Config config,
      Map<String, Object> properties)
      throws IOException {
    ConfigurationValues values =
        ConfigurationValues.of(PID, properties).reportUnknown(Config.class, LOG::warn);
    path = path(config, values);
    Limits limits =
        Listener.limits(
            values,
            config::max_body_bytes,
            config::max_batch_items,
            config::max_response_bytes,
            config::max_log_blocks,
            config::max_log_results);
    int requests = values.integer("max.requests", config::max_requests, 1, 1_000_000);
    int maxConnections = values.integer("max.connections", config::max_connections, 1, 1_000);
    int expensiveSeconds =
        values.integer(
            "max.expensive.seconds", config::max_expensive_seconds, 1, Listener.MAX_SECONDS);
    this.name = Listener.partName(properties, "rpc.ipc");
    this.dispatcher = dispatcher;
    connections = new Connections(maxConnections, Duration.ZERO, System::nanoTime);
    this.terms =
        new Terms(
            new TreeSet<>(Listener.split(config.namespaces())),
            limits,
            Listener.profile(config.error_profile(), values),
            Duration.ofSeconds(expensiveSeconds),
            new Quota(requests),
            dispatcher.waitingQuota());
    accepting =
        new Failures(
            "accepting connections on " + path,
            (text, failure) -> LOG.warn(text), // the system has too little of something
            LOG::info);
    server = open(sockets, dispatcher.maxWait(), path);
    threads = Executors.newCachedThreadPool(DeferredInterruptThread.factory("rpc-ipc"));
    threads.execute(this::accept);
    LOG.info("listening on {} for {}", path, terms.namespaces());
  }

  private static Path path(Config config, ConfigurationValues values) {
    String allowed = "a path of at most " + MAX_PATH + " characters";
    String text = values.text("path", config.path(), allowed);
    if (text.length() > MAX_PATH) {
      throw values.invalid("path", allowed, ConfigurationValues.quoted(text));
    }
    try {
      return Path.of(text);
    } catch (InvalidPathException malformed) {
      throw values.invalid("path", allowed, ConfigurationValues.quoted(text));
    }
  }

  private static ServerSocketChannel open(ListeningSockets sockets, Duration kept, Path path)
      throws IOException {
    return sockets.open(UnixDomainSocketAddress.of(path), kept, () -> bind(path));
  }

  private static ServerSocketChannel bind(Path path) throws IOException {
    if (Files.exists(path)) { // of a process that was killed; the data directory is locked
      if (!Files.readAttributes(path, BasicFileAttributes.class).isOther()) {
        throw new IOException("cannot open the socket " + path + ": there is a file of that name");
      }
      Files.delete(path);
    }
    ServerSocketChannel opened = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      opened.bind(UnixDomainSocketAddress.of(path));
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
      return opened;
    } catch (IOException failure) {
      opened.close();
      throw new IOException(
          "cannot open the socket " + path + ": " + failure.getMessage(), failure);
    }
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
  public Health check() {
    if (!server.isOpen()) {
      return Health.failed("no longer listening on " + path + "; restart the bundle rpc.server");
    }
    String failure = accepting.latest();
    return failure == null
        ? Health.healthy("listening on " + path)
        : Listener.notAccepting(path.toString(), failure);
  }

  private void accept() {
    while (server.isOpen()) {
      try {
        serve(server.accept());
        accepting.succeeded();
      } catch (RejectedExecutionException stopping) {
        open.forEach(IpcConnection::close);
      } catch (Throwable failure) { // say, no file descriptor or no thread is left
        if (server.isOpen()) {
          accepting.failed(failure);
          LockSupport.parkNanos(PAUSE_NANOS);
        }
      }
    }
  }

  private void serve(SocketChannel channel) {
    IpcConnection connection =
        new IpcConnection(channel, dispatcher, terms, connections, open::remove);
    boolean served = false;
    try {
      open.add(connection);
      connection.opened();
      threads.execute(connection::read);
      threads.execute(connection::write);
      served = true;
    } finally {
      if (!served) {
        connection.close();
      }
    }
  }

  /** Returns the number of open connections. */
  int openConnections() {
    return connections.count();
  }

  /** Closes the socket, unless it is kept for a successor, and ends the connections. */
  @Deactivate
  void close() throws IOException {
    ServiceRegistration<?> registered = registration;
    if (registered != null) {
      registered.unregister();
      registration = null;
    }
    server.close();
    open.forEach(IpcConnection::finish);
    threads.shutdown();
    try {
      if (!threads.awaitTermination(dispatcher.drain().toMillis(), TimeUnit.MILLISECONDS)) {
        open.forEach(IpcConnection::close);
        threads.shutdownNow();
        threads.awaitTermination(5, TimeUnit.SECONDS);
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    open.forEach(IpcConnection::close);
    LOG.info("no longer listening on {}", path);
  }
}
