// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.node.SyncStatus;
import dev.patchbay.api.payload.PayloadBuilder;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;

/** A node that seals goes on, whatever the sealer, the builder or the importer throws. */
@Timeout(60)
class SealingTest {
  private final List<HealthCheck> health = new ArrayList<>();
  private final BlockingQueue<Block> imported = new LinkedBlockingQueue<>();
  private volatile Block head = block(0);

  static Stream<Throwable> errors() {
    return Stream.of(
        new OutOfMemoryError("Java heap space"),
        new StackOverflowError(),
        new NoClassDefFoundError("dev/patchbay/Exchanged"),
        new AssertionError("an assertion"),
        new IllegalStateException("a state"));
  }

  @SuppressWarnings("unchecked")
  static <E extends Throwable> void sneak(Throwable failure) throws E {
    throw (E) failure;
  }

  static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException interrupted) {
      throw new IllegalStateException(interrupted);
    }
  }

  private static Block block(long number) {
    return new Block(
        BlockHeader.builder().number(number).timestamp(number).build(), List.of(), List.of(), null);
  }

  private Sealing sealing(
      PayloadBuilder builder, BlockImporter importer, @Nullable SyncStatus sync) {
    ChainConfig config =
        new ChainConfig(
            UInt256.ONE,
            Map.of(),
            Map.of(),
            null,
            new TreeMap<>(),
            null,
            new ChainConfig.Clique(1, 30_000),
            null,
            null,
            true,
            null);
    ServiceRegistration<?> registration =
        Stubs.of(ServiceRegistration.class, Map.of("unregister", args -> null));
    BundleContext context =
        Stubs.of(
            BundleContext.class,
            Map.of(
                "registerService",
                args -> {
                  if (args[1] instanceof HealthCheck check) {
                    health.add(check);
                  }
                  return registration;
                }));
    Sealing sealing =
        new Sealing(
            context,
            Stubs.of(ChainReader.class, Map.of("head", args -> head, "config", args -> config)),
            importer,
            builder);
    sealing.sync = sync;
    sealing.sealer =
        Stubs.of(
            BlockSealer.class,
            Map.of(
                "prepare",
                args ->
                    new BlockSealer.Template(
                        1, Address.ZERO, UInt256.ONE, Bytes.EMPTY, 0, Address.ZERO),
                "seal",
                args -> args[0]));
    return sealing;
  }

  @ParameterizedTest
  @MethodSource("errors")
  void theBlockAfterAnErrorIsSealed(Throwable error) throws Exception {
    CountDownLatch second = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    boolean[] thrown = {false};
    PayloadBuilder builder =
        Stubs.of(
            PayloadBuilder.class,
            Map.of(
                "build",
                args -> {
                  if (!thrown[0]) {
                    thrown[0] = true;
                    SealingTest.<RuntimeException>sneak(error);
                  }
                  second.countDown();
                  await(go);
                  return block(head.number() + 1);
                },
                "accepted",
                args -> null));
    BlockImporter importer =
        Stubs.of(
            BlockImporter.class,
            Map.of(
                "importBlock",
                args -> {
                  head = (Block) args[0];
                  imported.add(head);
                  return new ImportResult.Imported(true);
                }));
    Sealing sealing = sealing(builder, importer, null);
    await(second);
    assertThat(health.get(0).name()).isEqualTo("payload.sealing");
    assertThat(health.get(0).check().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(health.get(0).check().message()).contains(error.getClass().getSimpleName());
    go.countDown();
    assertThat(imported.take().number()).isEqualTo(1);
    assertThat(imported.take().number()).isEqualTo(2);
    assertThat(health.get(0).check().status()).isEqualTo(Health.Status.HEALTHY);
    sealing.stop();
  }

  @Test
  void aNodeThatIsBehindItsPeersDoesNotSeal() throws Exception {
    SyncStatus.Progress[] progress = {new SyncStatus.Progress(0, 0, 100)};
    CountDownLatch asked = new CountDownLatch(3);
    PayloadBuilder builder =
        Stubs.of(
            PayloadBuilder.class,
            Map.of("build", args -> block(head.number() + 1), "accepted", args -> null));
    BlockImporter importer =
        Stubs.of(
            BlockImporter.class,
            Map.of(
                "importBlock",
                args -> {
                  assertThat(progress[0]).as("the progress when a block is sealed").isNull();
                  head = (Block) args[0];
                  imported.add(head);
                  return new ImportResult.Imported(true);
                }));
    SyncStatus status =
        () -> {
          asked.countDown();
          return progress[0];
        };
    Sealing sealing = sealing(builder, importer, status);
    await(asked);
    assertThat(imported).isEmpty();
    progress[0] = null;
    assertThat(imported.take().number()).isEqualTo(1);
    sealing.stop();
  }
}
