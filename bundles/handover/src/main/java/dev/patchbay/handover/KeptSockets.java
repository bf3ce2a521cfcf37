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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps listening sockets open between two bundles that serve them, for a limited time. */
@Component(service = ListeningSockets.class, immediate = true) // not to end with its last user
public final class KeptSockets implements ListeningSockets {
  private static final Logger LOG = LoggerFactory.getLogger(KeptSockets.class);

  private final LongSupplier clock;
  private final Loop loop;

  /** By the address that they were asked for; guarded by this. */
  private final Map<SocketAddress, Kept> kept = new HashMap<>();

  private record Kept(ServerSocketChannel socket, long until) {}

  /** Creates an empty collection. */
  @Activate
  public KeptSockets() {
    this(System::nanoTime);
  }

  /**
   * Creates an empty collection.
   *
   * @param clock nanoseconds as of {@link System#nanoTime}
   */
  KeptSockets(LongSupplier clock) {
    this.clock = clock;
    loop =
        new Loop(
            "handover-sockets-0",
            new Failures("closing sockets that nobody serves", LOG::warn, LOG::info),
            this::expire);
    loop.start();
  }

  @Deactivate
  void close() {
    loop.close();
    List<Map.Entry<SocketAddress, Kept>> all;
    synchronized (this) {
      all = List.copyOf(kept.entrySet());
      kept.clear();
    }
    all.forEach(entry -> close(entry.getKey(), entry.getValue().socket));
  }

  @Override
  public Served serve(SocketAddress address, Opener opener) throws IOException {
    Kept waiting;
    synchronized (this) {
      waiting = kept.remove(address);
    }
    ServerSocketChannel socket = waiting == null ? opener.open() : waiting.socket;
    try {
      return new ServedSocket(address, socket);
    } catch (IOException | RuntimeException | Error failure) {
      close(address, socket);
      throw failure;
    }
  }

  private final class ServedSocket implements Served {
    private final SocketAddress address;
    private final ServedChannel channel;
    private volatile @Nullable Duration limit;

    ServedSocket(SocketAddress address, ServerSocketChannel socket) throws IOException {
      this.address = address;
      this.channel = new ServedChannel(socket, this::released);
    }

    @Override
    public ServerSocketChannel channel() {
      return channel;
    }

    @Override
    public void keep(Duration time) {
      limit = time;
    }

    private void released(ServerSocketChannel socket) {
      Duration time = limit;
      if (time == null) {
        KeptSockets.close(address, socket);
      } else {
        KeptSockets.this.keep(address, socket, time);
      }
    }
  }

  private void keep(SocketAddress address, ServerSocketChannel socket, Duration time) {
    synchronized (this) {
      kept.put(address, new Kept(socket, clock.getAsLong() + time.toNanos()));
    }
    loop.wake();
  }

  /** Closes the sockets whose time is over; returns after how many milliseconds the next one is. */
  long expire() {
    List<Map.Entry<SocketAddress, Kept>> late = new ArrayList<>();
    long rest;
    synchronized (this) {
      long now = clock.getAsLong();
      kept.forEach(
          (address, socket) -> {
            if (socket.until - now <= 0) {
              late.add(Map.entry(address, socket));
            }
          });
      late.forEach(entry -> kept.remove(entry.getKey()));
      rest =
          kept.values().stream()
              .mapToLong(socket -> TimeUnit.NANOSECONDS.toMillis(socket.until - now) + 1)
              .min()
              .orElse(Loop.UNTIL_WOKEN);
    }
    for (Map.Entry<SocketAddress, Kept> entry : late) {
      LOG.info("nobody serves {} any more: it is closed", entry.getKey());
      close(entry.getKey(), entry.getValue().socket);
    }
    return rest;
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
