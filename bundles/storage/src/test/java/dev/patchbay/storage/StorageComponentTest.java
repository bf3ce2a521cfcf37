// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.InvalidConfigurationException;
import dev.patchbay.storage.StorageComponent.Config;
import java.lang.reflect.Proxy;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A value that is not valid is reported as one line, without a stack trace. */
class StorageComponentTest {
  /** Answers as the container does: it throws where a value is no number. */
  static Config config(Map<String, Object> given) {
    return (Config)
        Proxy.newProxyInstance(
            Config.class.getClassLoader(),
            new Class<?>[] {Config.class},
            (proxy, method, arguments) -> {
              Object value = given.get(method.getName().replace('_', '.'));
              if (value == null) {
                return method.getDefaultValue();
              }
              Class<?> type = method.getReturnType();
              String text = value.toString();
              return type == int.class
                  ? (Object) Integer.valueOf(text)
                  : type == long.class
                      ? (Object) Long.valueOf(text)
                      : type == boolean.class ? (Object) Boolean.valueOf(text) : text;
            });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "default.backend|''|dev.patchbay.storage: default.backend must be memory, mapdb, rocksdb or another backend, not ''",
        "required|chain|dev.patchbay.storage: required must be NAME=BACKEND, or several of them separated by commas, not 'chain'",
        "required|chain=|dev.patchbay.storage: required must be NAME=BACKEND, or several of them separated by commas, not 'chain='"
      })
  void aWrongValueIsNamed(String key, String value, String message) {
    Map<String, Object> given = Map.of(key, value);
    assertThatThrownBy(
            () ->
                StorageComponent.settings(
                    config(given), ConfigurationValues.of("dev.patchbay.storage", given)))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessage(message);
  }
}
