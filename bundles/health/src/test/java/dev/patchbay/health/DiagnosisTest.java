// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.Health.Status;
import dev.patchbay.api.node.HealthReport;
import dev.patchbay.api.node.PartHealth;
import dev.patchbay.api.node.PartHealth.Kind;
import dev.patchbay.health.Snapshot.BundleState;
import dev.patchbay.health.Snapshot.CheckState;
import dev.patchbay.health.Snapshot.ComponentState;
import dev.patchbay.health.Snapshot.ConfigurationState;
import dev.patchbay.health.Snapshot.FeatureState;
import dev.patchbay.health.Snapshot.UnknownKeys;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class DiagnosisTest {
  private static final String CHAIN = "dev.patchbay.api.chain.ChainReader";
  private static final String EXECUTOR = "dev.patchbay.api.execution.BlockExecutor";
  private static final String EVM = "dev.patchbay.api.evm.EvmEngine";
  private static final String RULES = "dev.patchbay.api.consensus.ConsensusRules";
  private static final String NAMESPACE = "dev.patchbay.api.rpc.RpcNamespace";

  private final List<CheckState> checks = new ArrayList<>();
  private final List<ComponentState> components = new ArrayList<>();
  private final List<BundleState> bundles = new ArrayList<>();
  private final List<FeatureState> features = new ArrayList<>();
  private final List<ConfigurationState> configurations = new ArrayList<>();
  private final List<UnknownKeys> unknownKeys = new ArrayList<>();
  private final AtomicLong clock = new AtomicLong();
  private final History history = new History(clock::get);

  private HealthReport report() {
    return Diagnosis.of(
        new Snapshot(checks, components, bundles, features, configurations, unknownKeys, history));
  }

  /** Returns the only finding. */
  private PartHealth finding() {
    List<PartHealth> findings = report().findings();
    assertThat(findings).as("one cause is one finding").hasSize(1);
    return findings.get(0);
  }

  private void check(String name, Health health, String... dependencies) {
    checks.add(new CheckState(name, health, Set.of(dependencies)));
  }

  private void bundle(long id, String name, BundleState.State state, String... services) {
    bundles.add(new BundleState(id, name, state, Set.of(services), List.of(), Set.of()));
  }

  private void component(
      long bundle,
      String name,
      ComponentState.State state,
      String failure,
      List<String> services,
      String... missing) {
    components.add(
        new ComponentState(
            "" + components.size(),
            name,
            bundle,
            state,
            failure,
            Set.copyOf(services),
            Map.of("component.name", name),
            List.of(missing).stream()
                .map(service -> new ComponentState.Missing(service, ""))
                .toList(),
            Set.of(),
            List.of("dev.patchbay." + name),
            ""));
  }

  private void unsatisfied(long bundle, String name, List<String> services, String... missing) {
    component(bundle, name, ComponentState.State.UNSATISFIED, "", services, missing);
  }

  @Test
  void aHealthyNodeHasNoFinding() {
    check("chain", Health.healthy("head is block 0"));
    bundle(1, "dev.patchbay.chain", BundleState.State.WORKS, CHAIN);
    bundle(2, "com.example.fragment", BundleState.State.WORKS);
    component(1, "chain", ComponentState.State.WORKS, "", List.of(CHAIN));
    features.add(new FeatureState("patchbay-kernel", true, Set.of(1L), List.of()));
    HealthReport report = report();
    assertThat(report.findings()).isEmpty();
    assertThat(report.worst()).isEqualTo(Status.HEALTHY);
    assertThat(report.parts()).extracting(PartHealth::name).containsExactly("chain");
    assertThat(report.examined())
        .isEqualTo(
            Map.of(
                Kind.CHECK, 1,
                Kind.COMPONENT, 1,
                Kind.BUNDLE, 2,
                Kind.FEATURE, 1,
                Kind.CONFIGURATION, 0));
  }

  @Test
  void aMissingStoreIsTheCauseOfTheChainThatWaitsForIt() {
    check("chain", Health.unavailable("storage unavailable: rocksdb"), "storage.chain", RULES);
    check("storage.chain", Health.unavailable("the chosen backend 'rocksdb' is not installed"));
    check("log.index", Health.degraded("storage unavailable; the node tries again"), "chain");
    PartHealth store = finding();
    assertThat(store.name()).isEqualTo("storage.chain");
    assertThat(store.health().message()).contains("'rocksdb' is not installed");
    assertThat(store.blocked()).containsExactly("chain", "log.index");
    PartHealth chain = report().part("chain").orElseThrow();
    assertThat(chain.causes()).containsExactly("storage.chain");
    assertThat(chain.health().message()).contains("storage unavailable");
  }

  @Test
  void aMissingEvmIsAFinding() {
    check("execution", Health.unavailable("no EVM is installed"), EVM);
    assertThat(finding().name()).isEqualTo("execution");
  }

  @Test
  void aStoppedFeatureIsTheCauseWhenAComponentNeedsIt() {
    bundle(7, "dev.patchbay.tracers", BundleState.State.STOPPED, "T");
    bundle(8, "dev.patchbay.tracer.noop", BundleState.State.NOT_STARTED);
    features.add(new FeatureState("tracers", false, Set.of(7L), List.of()));
    features.add(new FeatureState("noop", false, Set.of(8L), List.of()));
    assertThat(report().findings()).as("an operator has stopped them").isEmpty();
    unsatisfied(9, "rpc.debug.DebugNamespace", List.of(), "T");
    PartHealth stopped = finding();
    assertThat(stopped.title()).isEqualTo("bundle dev.patchbay.tracers");
    assertThat(stopped.nextStep()).isEqualTo("feature:start tracers");
    assertThat(stopped.blocked()).containsExactly("rpc.debug.DebugNamespace");
  }

  @Test
  void aStoppedProviderDoesNotHideWhatACheckReports() {
    bundle(7, "dev.patchbay.consensus.engine", BundleState.State.STOPPED, RULES);
    features.add(new FeatureState("consensus-engine", false, Set.of(7L), List.of()));
    check("chain", Health.unavailable("the rules 'clique' are not installed"), RULES);
    assertThat(finding().name()).isEqualTo("chain");
  }

  @Test
  void missingRulesAreAFinding() {
    check("chain", Health.unavailable("the rules 'clique' are not installed"), RULES);
    assertThat(finding().name()).isEqualTo("chain");
  }

  @Test
  void aSealerWhoseKeyIsUnreadableIsTheCauseOfMissingRules() {
    check("chain", Health.unavailable("the rules 'clique' are not installed"), RULES);
    component(
        4,
        "consensus.poa",
        ComponentState.State.FAILED,
        "the key file /k must hold 64 hexadecimal digits",
        List.of(RULES));
    PartHealth sealer = finding();
    assertThat(sealer.name()).isEqualTo("consensus.poa");
    assertThat(sealer.health())
        .isEqualTo(Health.failed("the key file /k must hold 64 hexadecimal digits"));
    assertThat(sealer.blocked()).containsExactly("chain");
  }

  @Test
  void aBadConfigurationNamesItsFile() {
    components.add(
        new ComponentState(
            "1",
            "rpc.listener~mine",
            5,
            ComponentState.State.FAILED,
            "key port is 70000",
            Set.of(),
            Map.of(),
            List.of(),
            Set.of(),
            List.of("dev.patchbay.rpc.listener"),
            "/data/etc/dev.patchbay.rpc.listener-mine.cfg"));
    PartHealth failed = finding();
    assertThat(failed.name()).isEqualTo("rpc.listener~mine");
    assertThat(failed.health()).isEqualTo(Health.failed("key port is 70000"));
    assertThat(failed.nextStep()).contains("/data/etc/dev.patchbay.rpc.listener-mine.cfg");
  }

  @Test
  void whatWaitsForAFailedComponentIsNoFindingOfItsOwn() {
    bundle(1, "dev.patchbay.chain", BundleState.State.WORKS, CHAIN);
    component(1, "chain", ComponentState.State.FAILED, "the genesis is no JSON", List.of());
    unsatisfied(2, "execution.Execution", List.of(EXECUTOR), CHAIN);
    unsatisfied(3, "rpc.eth.EthNamespace", List.of(NAMESPACE), CHAIN, EXECUTOR);
    check("rpc.listener~http", Health.degraded("no namespace eth"), NAMESPACE);
    PartHealth chain = finding();
    assertThat(chain.name()).isEqualTo("chain");
    assertThat(chain.health().status()).isEqualTo(Status.FAILED);
    assertThat(chain.blocked())
        .containsExactly("execution.Execution", "rpc.eth.EthNamespace", "rpc.listener~http");
    assertThat(report().part("rpc.eth.EthNamespace").orElseThrow().health().message())
        .isEqualTo("lacks ChainReader, BlockExecutor");
  }

  @Test
  void aServiceThatNoBundleProvidesIsOneFinding() {
    unsatisfied(2, "a", List.of(), "com.example.Missing");
    unsatisfied(3, "b", List.of(), "com.example.Missing");
    PartHealth service = finding();
    assertThat(service.title()).isEqualTo("service com.example.Missing");
    assertThat(service.health().status()).isEqualTo(Status.UNAVAILABLE);
    assertThat(service.blocked()).containsExactly("a", "b");
  }

  @Test
  void aTargetThatNoComponentMatchesIsAFindingWithItsFilter() {
    component(2, "provider", ComponentState.State.FAILED, "broken", List.of("S"));
    components.add(
        new ComponentState(
            "waits",
            "a",
            3,
            ComponentState.State.UNSATISFIED,
            "",
            Set.of(),
            Map.of(),
            List.of(
                new ComponentState.Missing("S", "(component.name=provider)"),
                new ComponentState.Missing("S", "(component.name=other)")),
            Set.of(),
            List.of(),
            ""));
    assertThat(report().findings())
        .extracting(PartHealth::name)
        .containsExactly("provider", "S with (component.name=other)");
  }

  @Test
  void componentsThatWaitForEachOtherAreOneFinding() {
    unsatisfied(2, "a", List.of("A"), "B");
    unsatisfied(3, "b", List.of("B"), "A");
    unsatisfied(4, "c", List.of("C"), "A");
    PartHealth first = finding();
    assertThat(first.name()).isEqualTo("a");
    assertThat(first.health().message()).isEqualTo("lacks B, which waits for it");
    assertThat(first.blocked()).containsExactly("b", "c");
  }

  @Test
  void anUnconfiguredComponentCountsWhenAnotherWaitsForIt() {
    component(2, "optional", ComponentState.State.UNCONFIGURED, "", List.of("S"));
    assertThat(report().findings()).isEmpty();
    unsatisfied(3, "a", List.of(), "S");
    PartHealth unconfigured = finding();
    assertThat(unconfigured.name()).isEqualTo("optional");
    assertThat(unconfigured.nextStep()).contains("etc/dev.patchbay.optional.cfg");
  }

  @Test
  void anImmediateComponentWhoseProviderFailsWaitsForIt() {
    component(2, "provider", ComponentState.State.FAILED, "broken", List.of("S"));
    components.add(
        new ComponentState(
            "x",
            "a",
            3,
            ComponentState.State.NOT_ACTIVE,
            "",
            Set.of(),
            Map.of(),
            List.of(),
            Set.of("0"),
            List.of(),
            ""));
    component(4, "activating", ComponentState.State.NOT_ACTIVE, "", List.of());
    assertThat(finding().blocked()).containsExactly("a");
    assertThat(report().part("activating")).isEmpty();
  }

  @Test
  void anActivationThatDoesNotEndIsTheCauseOfWhatLacksItsService() {
    component(4, "hanging", ComponentState.State.NOT_ACTIVE, "", List.of(CHAIN));
    component(5, "other", ComponentState.State.NOT_ACTIVE, "", List.of());
    history.activating(Set.of("0", "1"));
    clock.addAndGet(Duration.ofSeconds(8).toNanos());
    assertThat(report().findings()).isEmpty();
    history.activating(Set.of("0"));
    history.activating(Set.of("0", "1")); // the other one was active meanwhile
    clock.addAndGet(Duration.ofSeconds(7).toNanos());
    unsatisfied(6, "a", List.of(), CHAIN);
    PartHealth hanging = finding();
    assertThat(hanging.name()).isEqualTo("hanging");
    assertThat(hanging.health())
        .isEqualTo(Health.unavailable("its activation has not ended for more than 10 s"));
    clock.addAndGet(Duration.ofSeconds(60).toNanos());
    assertThat(report().findings()).as("no progress to a start that waits").contains(hanging);
    assertThat(hanging.nextStep()).contains("threads");
    assertThat(hanging.blocked()).containsExactly("a");
  }

  @Test
  void anUnresolvedBundleOfAThirdPartyNamesWhatIsMissing() {
    bundles.add(
        new BundleState(
            153,
            "com.example.alone",
            BundleState.State.UNRESOLVED,
            Set.of(),
            List.of("the package no.such.thing"),
            Set.of()));
    bundles.add(
        new BundleState(
            154,
            "com.example.user",
            BundleState.State.UNRESOLVED,
            Set.of(),
            List.of(),
            Set.of(153L)));
    PartHealth alone = finding();
    assertThat(alone.title()).isEqualTo("bundle com.example.alone");
    assertThat(alone.health())
        .isEqualTo(
            Health.failed(
                "the bundle is not active: no installed bundle provides the package no.such.thing"));
    assertThat(alone.blocked()).containsExactly("com.example.user");
  }

  @Test
  void aBundleWhoseStartFailedIsAFinding() {
    bundle(9, "com.example.broken", BundleState.State.NOT_STARTED);
    assertThat(finding().health().status()).isEqualTo(Status.FAILED);
    assertThat(finding().nextStep()).contains("bundle:start 9");
  }

  @Test
  void aStoppedBundleOfAStartedFeatureIsAFinding() {
    bundle(1, "dev.patchbay.chain", BundleState.State.STOPPED, CHAIN);
    features.add(new FeatureState("patchbay-kernel", true, Set.of(1L), List.of()));
    unsatisfied(2, "execution.Execution", List.of(EXECUTOR), CHAIN);
    PartHealth stopped = finding();
    assertThat(stopped.name()).isEqualTo("dev.patchbay.chain");
    assertThat(stopped.health().message()).contains("stopped (feature patchbay-kernel)");
    assertThat(stopped.nextStep()).isEqualTo("bundle:start 1");
    assertThat(stopped.blocked()).containsExactly("execution.Execution");
  }

  @Test
  void anUninstalledBundleOfAFeatureIsTheCauseOfWhatItProvided() {
    history.installed("mvn:dev.patchbay/rpc-server/1", "dev.patchbay.rpc.server");
    history.used("dev.patchbay.rpc.listener", "dev.patchbay.rpc.server");
    history.used(CHAIN, "dev.patchbay.rpc.server");
    features.add(
        new FeatureState(
            "patchbay-rpc-server", true, Set.of(), List.of("mvn:dev.patchbay/rpc-server/1")));
    configurations.add(
        new ConfigurationState(
            "dev.patchbay.rpc.listener", "dev.patchbay.rpc.listener-http.cfg", false));
    unsatisfied(2, "a", List.of(), CHAIN);
    PartHealth uninstalled = finding();
    assertThat(uninstalled.title()).isEqualTo("feature patchbay-rpc-server");
    assertThat(uninstalled.health().message()).contains("dev.patchbay.rpc.server");
    assertThat(uninstalled.blocked()).containsExactly("a", "dev.patchbay.rpc.listener");
  }

  @Test
  void configurationsThatNoComponentAcceptsAreOneFinding() {
    configurations.add(new ConfigurationState("dev.patchbay.rpc.listenr", "listenr-b.cfg", false));
    configurations.add(new ConfigurationState("dev.patchbay.rpc.listenr", "listenr-a.cfg", false));
    configurations.add(new ConfigurationState("dev.patchbay.rpc.listener", "c.cfg", true));
    PartHealth unused = finding();
    assertThat(unused.title()).isEqualTo("configuration dev.patchbay.rpc.listenr");
    assertThat(unused.health().message())
        .isEqualTo("no component accepts listenr-a.cfg, listenr-b.cfg");
  }

  @Test
  void aKeyThatIsNotKnownIsAFindingOfItsConfiguration() {
    unknownKeys.add(
        new UnknownKeys(
            "dev.patchbay.rpc.listener~mine",
            "/etc/mine.cfg",
            new TreeSet<>(Set.of("prot")),
            new TreeSet<>(Set.of("port", "host"))));
    PartHealth unknown = finding();
    assertThat(unknown.title()).isEqualTo("configuration dev.patchbay.rpc.listener~mine");
    assertThat(unknown.health())
        .isEqualTo(Health.degraded("unknown key prot; known are host, port"));
    assertThat(unknown.nextStep()).isEqualTo("correct /etc/mine.cfg");
  }

  @Test
  void theWorstCauseComesFirstAndHealthyPartsLast() {
    check("a", Health.healthy("fine"));
    check("b", Health.degraded("slow"));
    check("c", Health.unavailable("nothing"));
    check("d", Health.failed("broken"));
    check("e", Health.unavailable("waits"), "c");
    check("f", Health.unavailable("nothing"));
    assertThat(report().parts())
        .extracting(PartHealth::name)
        .containsExactly("d", "c", "f", "b", "e", "a");
    assertThat(report().worst()).isEqualTo(Status.FAILED);
  }

  @Test
  void ofSeveralChecksWithOneNameThePreferredOneHasTheName() {
    check("chain", Health.healthy("fine"));
    check("chain", Health.failed("shadowed"));
    assertThat(report().part("chain").orElseThrow().health()).isEqualTo(Health.healthy("fine"));
    assertThat(report().part("chain#2").orElseThrow().health().message()).isEqualTo("shadowed");
  }

  @Test
  void whileTheContainerStartsFeaturesAndConfigurationsAreNotExamined() {
    HealthReport report =
        Diagnosis.of(new Snapshot(checks, components, bundles, null, null, List.of(), history));
    assertThat(report.examined()).doesNotContainKeys(Kind.FEATURE, Kind.CONFIGURATION);
  }

  @Test
  void textOfThirdPartiesIsOneShortLine() {
    component(
        9,
        "com.example\nFAILED",
        ComponentState.State.FAILED,
        "\u001b[2J" + "x".repeat(5_000),
        List.of());
    PartHealth failed = finding();
    assertThat(failed.name()).isEqualTo("com.example\\nFAILED");
    assertThat(failed.health().message()).startsWith("\\u001b[2Jx").hasSizeLessThan(1_100);
  }
}
