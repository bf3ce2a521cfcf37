// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.InvalidConfigurationException;
import dev.patchbay.chain.ChainComponent.Config;
import java.lang.reflect.Proxy;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A value that is not valid is reported as one line, without a stack trace. */
class ChainComponentTest {
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
        "history|all|dev.patchbay.chain: history must be a number between 0 and 9223372036854775807, not 'all'",
        "history.blocks|-1|dev.patchbay.chain: history.blocks must be between 0 and 9223372036854775807, not -1",
        "history.transactions|''|dev.patchbay.chain: history.transactions must be a number between 0 and 9223372036854775807, not ''"
      })
  void aWrongValueIsNamed(String key, String value, String message) {
    Map<String, Object> given = Map.of(key, value);
    assertThatThrownBy(
            () ->
                ChainComponent.windows(
                    config(given), ConfigurationValues.of("dev.patchbay.chain", given)))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessage(message);
  }
}
