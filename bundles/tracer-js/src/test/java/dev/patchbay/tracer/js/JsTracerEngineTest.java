// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.js;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.binding.InvalidConfigurationException;
import dev.patchbay.tracer.js.JsTracerEngine.Config;
import java.lang.reflect.Proxy;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A value that is not valid is reported as one line, without a stack trace. */
class JsTracerEngineTest {
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
        "steps|0|dev.patchbay.tracer.js: steps must be between 1 and 9223372036854775807, not 0",
        "seconds|10s|dev.patchbay.tracer.js: seconds must be a number between 1 and 86400, not '10s'",
        "memory.bytes|4G|dev.patchbay.tracer.js: memory.bytes must be a number between 1048576 and 9223372036854775807, not '4G'"
      })
  void aWrongValueIsNamed(String key, String value, String message) {
    Map<String, Object> given = Map.of(key, value);
    assertThatThrownBy(() -> new JsTracerEngine(config(given), given))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessage(message);
  }
}
