// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.InvalidConfigurationException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ChronosSettingsTest {
  /** The configuration as the container makes it: the values of a file, and defaults. */
  private static ChronosSettings settings(String... values) {
    Map<String, String> given = new HashMap<>();
    for (int i = 0; i < values.length; i += 2) {
      given.put(values[i], values[i + 1]);
    }
    ChronosComponent.Config config =
        (ChronosComponent.Config)
            Proxy.newProxyInstance(
                ChronosComponent.Config.class.getClassLoader(),
                new Class<?>[] {ChronosComponent.Config.class},
                (proxy, method, args) -> {
                  String value = given.get(method.getName().replace('_', '.'));
                  if (value == null) {
                    return method.getDefaultValue();
                  }
                  Class<?> type = method.getReturnType();
                  if (type == int.class) {
                    return Integer.parseInt(value);
                  }
                  if (type == boolean.class) {
                    return Boolean.parseBoolean(value);
                  }
                  return type == String.class ? value : new String[] {value};
                });
    return ChronosSettings.of(config, ConfigurationValues.of(ChronosComponent.NAME, given));
  }

  private static void fails(String key, String value, String why) {
    assertThatThrownBy(() -> settings(key, value))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessage("dev.patchbay.p2p.chronos: " + key + why);
  }

  @Test
  void withoutAValueTheNodeListensOnLoopback() {
    ChronosSettings settings = settings();
    assertThat(settings.host()).isEqualTo("127.0.0.1");
    assertThat(settings.port()).isEqualTo(30_403);
    assertThat(settings.peers()).isEmpty();
    assertThat(settings.strict()).isFalse();
    assertThat(settings.lines()).isFalse();
    assertThat(settings.confirmations()).isEqualTo(LocalChain.AUTOMATIC);
    assertThat(settings.tls()).isNull();
    assertThat(settings.maxConnections()).isEqualTo(25);
  }

  @Test
  void valuesAreTaken() {
    assertThat(settings("peers", "10.0.0.1:1, [fd00::1]:2\nnode-3.example:3").peers())
        .containsExactly(
            new HostPort("10.0.0.1", 1),
            new HostPort("fd00::1", 2),
            new HostPort("node-3.example", 3));
    assertThat(settings("confirmations", "0").confirmations()).isZero();
    assertThat(settings("strict", "true", "newline", "true").lines()).isTrue();
    assertThat(settings("tls.certificate", "/a", "tls.key", "/b", "tls.trust", "/c").tls().key())
        .hasToString("/b");
  }

  @Test
  void aWrongValueIsNamedWithItsKey() {
    fails("host", "localhost", " must be an IP address such as 127.0.0.1, not 'localhost'");
    fails("port", "65536", " must be between -1 and 65535, not 65536");
    fails("port", "x", " must be a number between -1 and 65535, not 'x'");
    fails("peers", "10.0.0.1", ": must be HOST:PORT, not '10.0.0.1'");
    fails("peers", "10.0.0.1:1,10.0.0.2:0", ": must be HOST:PORT, not '10.0.0.2:0'");
    fails("strict", "yes", " must be true or false, not 'yes'");
    fails("newline", "1", " must be true or false, not '1'");
    for (String value : new String[] {"-1", "1000001", "many", "", "1.5"}) {
      fails(
          "confirmations",
          value,
          " must be auto, or a number between 0 and 1000000, not '" + value + "'");
    }
    fails("max.connections", "0", " must be between 1 and 1000, not 0");
  }

  @Test
  void tlsNeedsEachOfItsFiles() {
    String[] keys = {"tls.certificate", "tls.key", "tls.trust"};
    for (int missing = 0; missing < keys.length; missing++) {
      List<String> given = new ArrayList<>();
      for (String key : keys) {
        given.addAll(key.equals(keys[missing]) ? List.of(key, " ") : List.of(key, "/a"));
      }
      assertThatThrownBy(() -> settings(given.toArray(String[]::new)))
          .hasMessage(
              "dev.patchbay.p2p.chronos: "
                  + keys[missing]
                  + ": is missing; TLS needs tls.certificate, tls.key and tls.trust");
    }
  }
}
