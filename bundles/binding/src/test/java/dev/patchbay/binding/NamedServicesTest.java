// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.binding.NamedServices.Registration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NamedServicesTest {
  private final List<String> warnings = new ArrayList<>();
  private final NamedServices<String> services = new NamedServices<>("namespace", warnings::add);

  private static Registration registration(long id, int ranking) {
    return new Registration(id, ranking, "b" + id, "bundle " + id);
  }

  @Test
  void aSecondServiceOfANameIsShadowedAndReported() {
    services.add(registration(1, 0), "eth", "ours");
    services.add(registration(2, 0), "eth", "theirs");
    assertThat(services.get("eth")).isEqualTo("ours");
    assertThat(warnings)
        .containsExactly("namespace eth of bundle 2 is shadowed by that of bundle 1");
  }

  @Test
  void theNextOneTakesThePlaceOfTheOneThatIsRemoved() {
    services.add(registration(1, 0), "eth", "ours");
    services.add(registration(2, 0), "eth", "theirs");
    warnings.clear();
    services.remove(registration(1, 0));
    assertThat(services.get("eth")).isEqualTo("theirs");
    assertThat(warnings)
        .containsExactly("namespace eth of bundle 1 is removed; that of bundle 2 takes its place");
    services.remove(registration(2, 0));
    assertThat(services.get("eth")).isNull();
    assertThat(services.names()).isEmpty();
    assertThat(warnings).hasSize(1);
  }

  @Test
  void theRemovalOfAShadowedServiceChangesNothing() {
    services.add(registration(1, 0), "eth", "ours");
    services.add(registration(2, 0), "eth", "theirs");
    warnings.clear();
    services.remove(registration(2, 0));
    assertThat(services.get("eth")).isEqualTo("ours");
    assertThat(warnings).isEmpty();
  }

  @Test
  void aHigherRankingWinsAndIsReported() {
    services.add(registration(1, 0), "eth", "ours");
    services.add(registration(2, 5), "eth", "theirs");
    assertThat(services.get("eth")).isEqualTo("theirs");
    assertThat(warnings).containsExactly("namespace eth of bundle 2 shadows that of bundle 1");
  }

  @Test
  void aRegistrationOfManyNamesIsReportedInOneLine() {
    Map<String, String> many = new HashMap<>();
    for (int i = 0; i < 9; i++) {
      many.put("eth_m" + i, "");
    }
    services.addAll(registration(1, 0), many);
    services.addAll(registration(2, 0), many);
    assertThat(warnings)
        .containsExactly(
            "namespace eth_m0, eth_m1, eth_m2, eth_m3, eth_m4 and 4 more of bundle 2 is shadowed"
                + " by that of bundle 1");
  }

  @Test
  void propertiesOfAServiceDecide() {
    Registration ranked =
        Registration.of(Map.of("service.id", 7L, "service.ranking", 3, "service.bundleid", 41L));
    assertThat(ranked).isEqualTo(new Registration(7, 3, "", "bundle 41"));
    assertThat(Registration.of(Map.of("service.bundleid", 41L), "com.example.eth").bundle())
        .isEqualTo("bundle com.example.eth (41)");
    assertThat(Registration.of(Map.of()).ranking()).isZero();
  }

  /** The bundle of a registration may not be known any longer when the registration is removed. */
  @Test
  void aRegistrationIsRemovedByItsId() {
    Map<String, Object> properties = Map.of("service.id", 7L, "service.bundleid", 41L);
    services.add(Registration.of(properties, "com.example.eth"), "eth", "ours");
    services.add(registration(9, 0), "eth", "theirs");
    warnings.clear();
    services.remove(Registration.of(properties));
    assertThat(services.get("eth")).isEqualTo("theirs");
    assertThat(warnings)
        .containsExactly(
            "namespace eth of bundle com.example.eth (41) is removed; that of bundle 9 takes its"
                + " place");
  }

  /** In whatever order services come and go: the preferred one of those present is in use. */
  @Test
  void theOrderOfArrivalsDoesNotMatter() {
    Random random = new Random(5);
    List<Registration> present = new ArrayList<>();
    for (int step = 0; step < 5_000; step++) {
      if (present.size() < 6 && random.nextBoolean()) {
        Registration added = registration(step, random.nextInt(3));
        present.add(added);
        services.add(added, "eth", "" + added.id());
      } else if (!present.isEmpty()) {
        services.remove(present.remove(random.nextInt(present.size())));
      }
      String expected =
          present.stream()
              .min(
                  (a, b) ->
                      a.ranking() == b.ranking()
                          ? Long.compare(a.id(), b.id())
                          : Integer.compare(b.ranking(), a.ranking()))
              .map(best -> "" + best.id())
              .orElse(null);
      assertThat(services.get("eth")).as("step " + step).isEqualTo(expected);
    }
  }
}
