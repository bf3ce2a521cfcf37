// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.api.txpool.PoolListener;
import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.InvalidConfigurationException;
import dev.patchbay.primitives.UInt256;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;

class EthComponentTest {
  private final List<Object> services = new ArrayList<>();
  private final BundleContext context =
      proxy(
          BundleContext.class,
          args -> {
            Object service = args[1];
            services.add(service);
            return proxy(ServiceRegistration.class, none -> services.remove(service));
          });

  private interface Body {
    Object call(Object[] args);
  }

  @SuppressWarnings("unchecked") // a proxy of an interface is of that interface
  private static <T> T proxy(Class<T> type, Body body) {
    return (T)
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, args) -> {
              Object result = body.call(args);
              return method.getReturnType() == void.class ? null : result;
            });
  }

  private <T> List<T> registered(Class<T> type) {
    return services.stream().filter(type::isInstance).map(type::cast).toList();
  }

  private EthComponent component(String blockGossip) {
    EthComponent.Config config = proxy(EthComponent.Config.class, none -> blockGossip);
    return new EthComponent(context, config, Map.of());
  }

  private static long threads() {
    Predicate<Thread> own = thread -> thread.getName().startsWith("p2p-eth-");
    return Thread.getAllStackTraces().keySet().stream().filter(own).count();
  }

  @Test
  void registersAServiceForEachVersionAndEndsItsThreads() {
    long before = threads();
    EthComponent component = component("auto");
    assertThat(registered(WireProtocol.class))
        .extracting(protocol -> protocol.capability().toString())
        .containsExactly("eth/68", "eth/69", "eth/70", "eth/71");
    assertThat(registered(PoolListener.class)).hasSize(1);
    HealthCheck check = registered(HealthCheck.class).get(0);
    assertThat(check.name()).isEqualTo("p2p.eth");
    assertThat(check.check().status()).isEqualTo(Health.Status.HEALTHY);
    assertThat(threads()).isEqualTo(before + 3);
    component.close();
    assertThat(services).isEmpty();
    assertThat(threads()).isEqualTo(before);
    component.close();
  }

  @Test
  void chainAndPoolMayComeAndGo() throws PeerBreachException {
    EthComponent component = component("auto");
    try {
      WireProtocol protocol = registered(WireProtocol.class).get(0);
      assertThatThrownBy(() -> protocol.connected(new FakeConnection("a")))
          .isInstanceOf(PeerBreachException.class);
      FakeChain chain = new FakeChain(3);
      chain.networkId = UInt256.of(5);
      FakeChain successor = new FakeChain(4);
      component.setChain(chain);
      component.setPool(new FakePool());
      FakeConnection connection = new FakeConnection("b");
      protocol.connected(connection);
      Status status = Status.decode(EthVersion.ETH_68, connection.sent.get(0).payload());
      assertThat(status.networkId()).isEqualTo(5);
      component.setChain(successor); // bound before its predecessor is unbound
      component.unsetChain(chain);
      FakeConnection next = new FakeConnection("c");
      protocol.connected(next);
      assertThat(Status.decode(EthVersion.ETH_68, next.sent.get(0).payload()).head().latestHash())
          .isEqualTo(successor.head().hash());
    } finally {
      component.close();
    }
  }

  @Test
  void aBlockGossipThatIsNoModeIsRefusedWithItsValue() {
    for (String value : List.of("on", "", "FULL", "full,off")) {
      assertThatThrownBy(() -> component(value))
          .isInstanceOf(InvalidConfigurationException.class)
          .hasMessage(
              "dev.patchbay.p2p.eth: block.gossip must be auto, announce, full or off, not '"
                  + value
                  + "'");
    }
    assertThat(services).isEmpty();
    assertThat(
            BlockGossipMode.of(" announce ", ConfigurationValues.of(EthComponent.NAME, Map.of())))
        .isEqualTo(BlockGossipMode.ANNOUNCE);
  }
}
