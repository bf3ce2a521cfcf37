// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.ChainChoices;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthReport;
import dev.patchbay.api.node.PartHealth;
import dev.patchbay.api.node.SyncStatus;
import dev.patchbay.api.storage.StorageControl;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.UInt256;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;

/** What {@code patchbay:status} prints of a chain, without a framework. */
class StatusCommandTest {
  private static final String DOWNLOAD = "block 99 of 600, 40 blocks a second, 13 s left";

  /** The services that are registered, by the names of their types. */
  private final Map<String, Object> services = new HashMap<>();

  /** Returns an object whose methods return what is given by their names, and null else. */
  private static <T> T fake(Class<T> type, Map<String, ?> results) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, args) -> results.get(method.getName())));
  }

  private BundleContext context() {
    Map<ServiceReference<?>, Object> references = new IdentityHashMap<>();
    return (BundleContext)
        Proxy.newProxyInstance(
            BundleContext.class.getClassLoader(),
            new Class<?>[] {BundleContext.class},
            (proxy, method, args) -> {
              if (method.getName().equals("getService")) {
                return references.get(args[0]);
              }
              Object service = services.get(((Class<?>) args[0]).getName());
              ServiceReference<?> reference = fake(ServiceReference.class, Map.of());
              references.put(reference, service);
              if (method.getName().equals("getServiceReferences")) {
                return service == null ? List.of() : List.of(reference);
              }
              return service == null ? null : reference;
            });
  }

  private <T> void register(Class<T> type, T service) {
    services.put(type.getName(), service);
  }

  private List<String> status(boolean isDriven, @Nullable SyncStatus sync) {
    ChainConfig config =
        new ChainConfig(
            UInt256.ONE,
            Map.of(),
            Map.of(),
            null,
            new TreeMap<>(),
            null,
            isDriven ? null : new ChainConfig.Clique(1, 30_000),
            null,
            null,
            true,
            null);
    assertThat(config.isDriven()).isEqualTo(isDriven);
    Block head = new Block(BlockHeader.builder().number(99).build(), List.of(), List.of(), null);
    register(ChainReader.class, fake(ChainReader.class, Map.of("config", config, "head", head)));
    register(
        StorageControl.class,
        fake(
            StorageControl.class,
            Map.of(
                "names",
                List.of(),
                "progress",
                new StorageControl.Progress(StorageControl.Stage.IDLE, "", "", "", 0, 0, 0, ""))));
    ChainChoices.Choice rules =
        new ChainChoices.Choice(new ChainChoices.Provider("rules", null), true, List.of());
    register(ChainChoices.class, fake(ChainChoices.class, Map.of("rules", rules)));
    if (sync != null) {
      register(SyncStatus.class, sync);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    StatusCommand.print(
        new Services(context()), new PrintStream(out, true, StandardCharsets.UTF_8));
    return out.toString(StandardCharsets.UTF_8).lines().toList();
  }

  private static SyncStatus downloading() {
    return fake(
        SyncStatus.class,
        Map.of("progress", new SyncStatus.Progress(0, 99, 600), "describe", DOWNLOAD));
  }

  @Test
  void aDownloadIsShownOnAllChains() {
    for (boolean isDriven : new boolean[] {true, false}) {
      assertThat(status(isDriven, downloading()))
          .contains("head       99 " + BlockHeader.builder().number(99).build().computeHash())
          .containsOnlyOnce("sync       " + DOWNLOAD);
    }
  }

  @Test
  void withoutADownloadItsLineSaysWhy() {
    assertThat(status(true, () -> null)).contains("sync       no peers to download from");
  }

  @Test
  void withoutSyncThereIsNoLine() {
    assertThat(status(true, null)).noneMatch(line -> line.startsWith("sync"));
  }

  @Test
  void aStatusWithoutWordsIsDescribedByItsNumbers() {
    assertThat(status(true, () -> new SyncStatus.Progress(0, 99, 600)))
        .contains("sync       block 99 of 600");
  }

  private static HealthReport report(PartHealth... parts) {
    return new HealthReport(Arrays.asList(parts), Map.of());
  }

  private static PartHealth check(String name, Health health) {
    return new PartHealth(PartHealth.Kind.CHECK, name, health);
  }

  @Test
  void peersAreOffWithoutANetwork() {
    assertThat(StatusCommand.withoutNetwork(report())).isEqualTo("off");
    PartHealth other = check("rpc.listener~http", Health.failed("the port is in use"));
    assertThat(StatusCommand.withoutNetwork(report(other))).isEqualTo("off");
  }

  @Test
  void aNetworkThatFailedIsNotOff() {
    PartHealth failed = check("p2p.devp2p", Health.failed("devp2p does not start: a reason"));
    assertThat(StatusCommand.withoutNetwork(report(failed)))
        .isEqualTo("failed: devp2p does not start: a reason");
  }
}
