// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.binding.NamedServices.Registration;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Bundle;

class MethodsTest {
  private static final RpcMethod METHOD = (params, session) -> "result";

  private final List<String> warnings = new ArrayList<>();
  private final Methods methods =
      new Methods(
          new Replacements(() -> new Bundle[0], Duration.ZERO, () -> 0),
          () -> Duration.ZERO,
          warnings::add);

  private static Registration registration(long id, int ranking) {
    return Registration.of(
        Map.of("service.id", id, "service.ranking", ranking, "service.bundleid", 57L));
  }

  @Test
  void aNameWithoutANamespaceIsLeftOutAndItsBundleNamed() {
    methods.add(registration(1, 0), () -> Map.of("call", METHOD, "my_call", METHOD));
    assertThat(methods.namespaces()).containsExactly("my");
    assertThat(methods.get("my_call")).isNotNull();
    assertThat(methods.get("call")).isNull();
    assertThat(warnings).singleElement().asString().contains("method call of bundle 57 ");
  }

  @Test
  void aNamespaceWhoseRankingHasChangedIsRemoved() {
    methods.add(registration(1, 0), () -> Map.of("my_call", METHOD));
    methods.remove(registration(1, 5));
    assertThat(methods.get("my_call")).isNull();
    assertThat(methods.namespaces()).isEmpty();
  }
}
