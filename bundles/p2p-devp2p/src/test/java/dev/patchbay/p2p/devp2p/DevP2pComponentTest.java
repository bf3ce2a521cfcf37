// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.p2p.Network;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.Version;

/** The component in a container of a few methods. */
class DevP2pComponentTest {
  @TempDir Path folder;

  private final Map<Class<?>, Object> services = new LinkedHashMap<>();

  private BundleContext container() {
    return proxy(
        BundleContext.class,
        (method, arguments) ->
            switch (method) {
              case "getProperty" -> folder.toString();
              case "getBundle" -> proxy(Bundle.class, (name, none) -> new Version(1, 2, 3));
              case "registerService" -> {
                services.put((Class<?>) arguments[0], arguments[1]);
                yield proxy(
                    ServiceRegistration.class, (name, none) -> services.remove(arguments[0]));
              }
              default -> throw new UnsupportedOperationException(method);
            });
  }

  private interface Calls {
    Object call(String method, Object[] arguments);
  }

  private static <T> T proxy(Class<T> type, Calls calls) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> calls.call(method.getName(), arguments)));
  }

  private DevP2pComponent start() throws IOException {
    return new DevP2pComponent(
        container(), DevP2pSettingsTest.Values.of("127.0.0.1", 0, 5), Map.of("port", 0));
  }

  @Test
  void theNetworkIsRegisteredAndKeepsItsIdentity() throws IOException {
    DevP2pComponent component = start();
    Network network = (Network) services.get(Network.class);
    assertThat(network.name()).isEqualTo("devp2p");
    assertThat(network.isListening()).isTrue();
    assertThat(network.localNode().host()).isEqualTo("127.0.0.1");
    HealthCheck check = (HealthCheck) services.get(HealthCheck.class);
    assertThat(check.name()).isEqualTo("p2p.devp2p");
    assertThat(check.check().isWorking()).isTrue();
    String id = network.localNode().id();
    assertThat(folder.resolve("p2p_key")).exists();
    component.close();
    component.close();
    assertThat(services).isEmpty();

    DevP2pComponent restarted = start();
    assertThat(((Network) services.get(Network.class)).localNode().id()).isEqualTo(id);
    restarted.close();
  }

  @Test
  void aKeyThatOthersCanReadIsReported() throws IOException {
    start().close();
    Path key = folder.resolve("p2p_key");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(key)))
        .isEqualTo("rw-------");
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));
    DevP2pComponent component = start();
    Health health = ((HealthCheck) services.get(HealthCheck.class)).check();
    assertThat(health.status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(health.message()).contains("chmod 600 " + key);
    component.close();
  }

  @Test
  void aFolderThatCannotBeUsedIsReported() throws IOException {
    Files.writeString(folder.resolve("p2p"), "a file in place of the folder");
    DevP2pComponent component = start();
    Health health = ((HealthCheck) services.get(HealthCheck.class)).check();
    assertThat(health.status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(health.message()).contains(folder.resolve("p2p") + " cannot be used");
    component.close();
  }

  @Test
  void aDamagedKeyIsRefused() throws IOException {
    Files.writeString(folder.resolve("p2p_key"), "damaged");
    DevP2pComponent component = start();
    assertThat(failure()).contains(folder.resolve("p2p_key").toString());
    component.close();
    assertThat(services).isEmpty();
    assertThat(folder.resolve("p2p_key")).hasContent("damaged");
  }

  /** An exception would be logged with a stack trace. */
  @Test
  void aWrongValueIsReportedByTheHealth() throws Exception {
    DevP2pComponent component =
        new DevP2pComponent(
            container(), DevP2pSettingsTest.Values.of("127.0.0.1", 0, 5_000), Map.of());
    assertThat(failure())
        .isEqualTo(
            "devp2p does not start: --max-peers (max.peers of dev.patchbay.p2p.devp2p): must be"
                + " between 0 and 1000, not 5000");
    TestProtocol protocol = NetworkFixture.protocol();
    Map<String, Object> properties = Map.of("service.id", 1L);
    component.addProtocol(protocol, properties);
    component.removeProtocol(protocol, properties);
    component.close();
    assertThat(services).isEmpty();
    assertThat(NetworkFixture.threads()).isEmpty();
  }

  /** Returns the message of the health of a component without a network. */
  private String failure() {
    assertThat(services).doesNotContainKey(Network.class);
    HealthCheck check = (HealthCheck) services.get(HealthCheck.class);
    assertThat(check.name()).isEqualTo("p2p.devp2p");
    assertThat(check.check().status()).isEqualTo(Health.Status.FAILED);
    return check.check().message();
  }
}
