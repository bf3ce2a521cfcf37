// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.handover;

import dev.patchbay.api.node.ListeningSockets;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.time.Duration;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.bundle.Capability;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceFactory;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.startlevel.BundleStartLevel;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps listening sockets open while the bundle that serves them is replaced. Each bundle has a
 * service of its own, by which it is known whether its sockets are kept.
 */
@Component(
    service = {},
    immediate = true)
@Capability(
    namespace = "osgi.service",
    attribute = "objectClass:List<String>=\"dev.patchbay.api.node.ListeningSockets\"")
public final class KeptSockets {
  private static final Logger LOG = LoggerFactory.getLogger(KeptSockets.class);
  private static final long LOOK_EVERY_MILLIS = 100;

  private final Bundle framework;
  private final LongSupplier clock;
  private final Loop loop;
  private final ServiceRegistration<?> registration;

  /** By the address that they were asked for; guarded by this. */
  private final Map<SocketAddress, Kept> kept = new HashMap<>();

  private boolean closed;

  /** A socket between two bundles that serve it. */
  private static final class Kept {
    final ServerSocketChannel socket;
    final Bundle bundle;
    final Duration limit;

    /** When the bundle was first seen to be stopped. */
    @Nullable Long stopped;

    Kept(ServerSocketChannel socket, Bundle bundle, Duration limit) {
      this.socket = socket;
      this.bundle = bundle;
      this.limit = limit;
    }
  }

  /** Registers the service. */
  @Activate
  public KeptSockets(BundleContext context) {
    this(context, System::nanoTime);
  }

  /**
   * Registers the service.
   *
   * @param clock nanoseconds as of {@link System#nanoTime}
   */
  KeptSockets(BundleContext context, LongSupplier clock) {
    this.clock = clock;
    framework = context.getBundle(Constants.SYSTEM_BUNDLE_ID);
    loop =
        new Loop(
            "handover-sockets-0",
            new Failures("closing sockets that no bundle serves", LOG::warn, LOG::info),
            this::look);
    loop.start();
    registration =
        context.registerService(ListeningSockets.class, new OfBundles(), new Hashtable<>());
  }

  @Deactivate
  void close() {
    registration.unregister();
    loop.close();
    synchronized (this) {
      closed = true;
      kept.forEach((address, socket) -> close(address, socket.socket));
      kept.clear();
    }
  }

  private final class OfBundles implements ServiceFactory<ListeningSockets> {
    @Override
    public ListeningSockets getService(
        Bundle bundle, ServiceRegistration<ListeningSockets> registration) {
      return of(bundle);
    }

    @Override
    public void ungetService(
        Bundle bundle,
        ServiceRegistration<ListeningSockets> registration,
        ListeningSockets service) {}
  }

  /** Returns the service of a bundle. */
  ListeningSockets of(Bundle bundle) {
    return (address, limit, opener) -> open(bundle, address, limit, opener);
  }

  private ServerSocketChannel open(
      Bundle bundle, SocketAddress address, Duration limit, ListeningSockets.Opener opener)
      throws IOException {
    Kept waiting;
    synchronized (this) {
      waiting = kept.remove(address);
    }
    ServerSocketChannel socket = waiting == null ? opener.open() : waiting.socket;
    try {
      return new ServedChannel(socket, left -> released(address, new Kept(left, bundle, limit)));
    } catch (IOException | RuntimeException | Error failure) {
      close(address, socket);
      throw failure;
    }
  }

  private void released(SocketAddress address, Kept left) {
    synchronized (this) {
      boolean keeps = !closed && !left.limit.isZero() && isReplaced(left.bundle);
      if (!keeps || kept.putIfAbsent(address, left) != null) {
        close(address, left.socket);
        return;
      }
    }
    loop.wake();
  }

  /** Returns whether a bundle will be started again. */
  private boolean isReplaced(Bundle bundle) {
    int state = bundle.getState();
    if (state == Bundle.ACTIVE
        || state == Bundle.UNINSTALLED
        || framework.getState() == Bundle.STOPPING) {
      return false;
    }
    BundleStartLevel level = bundle.adapt(BundleStartLevel.class);
    return level != null && level.isPersistentlyStarted();
  }

  /** Closes the sockets that are not kept any longer; returns when to look again. */
  synchronized long look() {
    long now = clock.getAsLong();
    kept.entrySet()
        .removeIf(
            entry -> {
              if (!ends(entry.getValue(), now)) {
                return false;
              }
              LOG.info("no bundle serves {}: it is closed", entry.getKey());
              close(entry.getKey(), entry.getValue().socket);
              return true;
            });
    return kept.isEmpty() ? Loop.UNTIL_WOKEN : LOOK_EVERY_MILLIS;
  }

  private boolean ends(Kept socket, long now) {
    int state = socket.bundle.getState();
    if (state != Bundle.STOPPING && socket.stopped == null) {
      socket.stopped = now;
    }
    boolean late = socket.stopped != null && now - socket.stopped >= socket.limit.toNanos();
    return late || (state != Bundle.ACTIVE && !isReplaced(socket.bundle));
  }

  private static void close(SocketAddress address, ServerSocketChannel socket) {
    try {
      socket.close();
      if (address instanceof UnixDomainSocketAddress file) {
        Files.deleteIfExists(file.getPath());
      }
    } catch (IOException failure) {
      LOG.warn("closing {}: {}", address, failure.toString());
    }
  }

  /** Returns the number of sockets that are kept and not served. */
  synchronized int count() {
    return kept.size();
  }
}
