// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.peers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.p2p.BlockBroadcaster;
import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerEvents;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerListener;
import dev.patchbay.api.p2p.Peers;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;

/** The component in a container of a few methods. */
class PeersComponentTest {
  private final Map<Class<?>, Object> services = new LinkedHashMap<>();

  private final BundleContext container =
      proxy(
          BundleContext.class,
          arguments -> {
            services.put((Class<?>) arguments[0], arguments[1]);
            return proxy(ServiceRegistration.class, none -> services.remove(arguments[0]));
          });

  private interface Calls {
    Object call(Object[] arguments);
  }

  private static <T> T proxy(Class<T> type, Calls calls) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> {
              Object result = calls.call(arguments);
              return method.getReturnType() == void.class ? null : result;
            }));
  }

  private static final class Recorder implements PeerListener {
    final BlockingQueue<PeerEvent> seen = new LinkedBlockingQueue<>();

    @Override
    public Set<Class<? extends PeerEvent>> events() {
      return Set.of(PeerEvent.PeerConnected.class, PeerEvent.PeerDisconnected.class);
    }

    @Override
    public void peerEvent(PeerEvent event) {
      seen.add(event);
    }

    @Override
    public void eventsLost(long count) {
      throw new AssertionError(count + " events are lost");
    }

    PeerEvent next() throws InterruptedException {
      return seen.poll(60, TimeUnit.SECONDS);
    }
  }

  @Test
  void networksAndListenersComeAndGo() throws InterruptedException {
    PeersComponent component = new PeersComponent(container);
    assertThat(services)
        .containsOnlyKeys(PeerEvents.class, Peers.class, BlockBroadcaster.class, HealthCheck.class);
    Peers peers = (Peers) services.get(Peers.class);
    PeerEvents events = (PeerEvents) services.get(PeerEvents.class);
    FakeNetwork first = new FakeNetwork("devp2p", List.of("a"));
    FakeNetwork successor = new FakeNetwork("devp2p", List.of("a", "b"));
    component.addNetwork(first);
    Recorder recorder = new Recorder();
    component.addListener(recorder);
    PeerEvent.PeerConnected connected =
        new PeerEvent.PeerConnected(
            new PeerId("devp2p", "a"), new InetSocketAddress(InetAddress.getLoopbackAddress(), 1));
    events.connected(connected);
    assertThat(recorder.next()).isEqualTo(connected);

    component.addNetwork(successor); // bound before its predecessor is unbound
    component.removeNetwork(first);
    assertThat(peers.count()).isEqualTo(2);
    component.removeNetwork(successor);
    assertThat(peers.count()).isZero();
    assertThat(recorder.next()).isInstanceOf(PeerEvent.PeerDisconnected.class);
    assertThat(recorder.seen).isEmpty();
    assertThat(((HealthCheck) services.get(HealthCheck.class)).check().isWorking()).isTrue();

    component.close();
    component.close();
    assertThat(services).isEmpty();
    assertThat(Thread.getAllStackTraces().keySet())
        .extracting(Thread::getName)
        .noneMatch(name -> name.startsWith("peers-events-"));
  }
}
