// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.rpc.RpcNamespace;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.osgi.framework.Bundle;

/** A listener as the container would open it, for one namespace after the other. */
public final class Ports implements AutoCloseable {
  /** The TCP port. */
  public final int port;

  private final Dispatcher dispatcher;
  private final Listener listener;

  /** Opens a port that asks for tokens. */
  public Ports(String namespace, Path secret) throws IOException {
    port = freePort();
    dispatcher =
        new Dispatcher(
            config(Dispatcher.Config.class, Map.of()),
            Map.of(),
            new Replacements(() -> new Bundle[0], Duration.ZERO, System::nanoTime));
    Map<String, Object> keys =
        Map.of(
            "port",
            port,
            "namespaces",
            namespace,
            "jwt_secret",
            secret.toString(),
            "max_body_bytes",
            1 << 27);
    listener =
        new Listener(
            dispatcher,
            (address, limit, opener) -> opener.open(),
            config(Listener.Config.class, keys),
            Map.of("port", port));
  }

  /** Returns a port that no other process takes meanwhile: systems connect from higher ones. */
  private static int freePort() {
    while (true) {
      try (ServerSocket free =
          new ServerSocket(ThreadLocalRandom.current().nextInt(10_000, 20_000))) {
        return free.getLocalPort();
      } catch (IOException taken) {
        // another one
      }
    }
  }

  /** Returns a configuration of some keys, the others at their defaults. */
  private static <T> T config(Class<T> type, Map<String, Object> keys) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, key, none) -> keys.getOrDefault(key.getName(), key.getDefaultValue())));
  }

  /** Serves a namespace in place of another, which may be null. */
  public void serve(RpcNamespace before, RpcNamespace next) {
    if (before != null) {
      dispatcher.removeNamespace(before, properties(before));
    }
    dispatcher.addNamespace(next, properties(next));
  }

  private static Map<String, Object> properties(RpcNamespace namespace) {
    return Map.of("service.id", (long) System.identityHashCode(namespace));
  }

  @Override
  public void close() {
    listener.close();
    dispatcher.close();
  }
}
