// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.binding.InvalidConfigurationException;
import dev.patchbay.storage.rocksdb.RocksDbBackend.Config;
import java.lang.reflect.Proxy;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A value that is not valid is reported as one line, without a stack trace. */
class RocksDbBackendTest {
  /** Answers as the container does: it throws where a value is no number. */
  private static Config config(Map<String, Object> given) {
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
        "sync.interval.ms|soon|dev.patchbay.storage.rocksdb: sync.interval.ms must be a number between 0 and 60000, not 'soon'",
        "sync.interval.ms|60001|dev.patchbay.storage.rocksdb: sync.interval.ms must be between 0 and 60000, not 60001"
      })
  void aWrongValueIsNamed(String key, String value, String message) {
    Map<String, Object> given = Map.of(key, value);
    assertThatThrownBy(() -> new RocksDbBackend(config(given), given))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessage(message);
  }
}
