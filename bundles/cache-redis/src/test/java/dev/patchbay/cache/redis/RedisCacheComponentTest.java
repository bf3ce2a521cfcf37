// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.cache.redis;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.InvalidConfigurationException;
import dev.patchbay.cache.redis.RedisCacheComponent.Config;
import java.lang.reflect.Proxy;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A value that is not valid is reported as one line, without a stack trace. */
class RedisCacheComponentTest {
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
        "port|abc|dev.patchbay.cache.redis: port must be a number between 1 and 65535, not 'abc'",
        "port|0|dev.patchbay.cache.redis: port must be between 1 and 65535, not 0",
        "database|-1|dev.patchbay.cache.redis: database must be between 0 and 1000000, not -1",
        "timeout.millis|1s|dev.patchbay.cache.redis: timeout.millis must be a number between 1 and 60000, not '1s'",
        "host|''|dev.patchbay.cache.redis: host must be the host of Redis, not ''",
        "tls|yes|dev.patchbay.cache.redis: tls must be true or false, not 'yes'",
        "password.file|/nosuch/file|dev.patchbay.cache.redis: password.file: cannot read the file /nosuch/file (NoSuchFileException)",
        "password.file|/dev/null|dev.patchbay.cache.redis: password.file: the file /dev/null is empty"
      })
  void aWrongValueIsNamed(String key, String value, String message) {
    Map<String, Object> given = Map.of(key, value);
    assertThatThrownBy(
            () ->
                RedisCacheComponent.access(
                    config(given), ConfigurationValues.of("dev.patchbay.cache.redis", given)))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessage(message);
  }
}
