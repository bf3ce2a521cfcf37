// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.Stores;
import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.InvalidConfigurationException;
import dev.patchbay.chain.ChainComponent.Config;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;

/**
 * A value that is not valid is reported as one line, without a stack trace; a failed activation
 * leaves nothing open.
 */
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

  private interface Result {
    @Nullable Object of(String method);
  }

  private static <T> T stub(Class<T> type, Result result) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> result.of(method.getName())));
  }

  /** A store that stays open would have an owner until the process ends. */
  @ParameterizedTest
  @CsvSource({"0,false", "1,false", "10,false", "1,true", "10,true"})
  void anActivationThatFailsClosesItsStore(
      int registered, boolean unregistersFail, @TempDir Path folder) throws IOException {
    Path genesis = folder.resolve("genesis.json");
    Files.writeString(
        genesis,
        """
        {"config": {"chainId": 7, "terminalTotalDifficulty": 0},
         "gasLimit": "0x1c9c380", "difficulty": "0x0", "alloc": {}}
        """);
    Map<String, Object> given = Map.of("genesis", genesis.toString());
    AtomicInteger begun = new AtomicInteger();
    AtomicInteger ended = new AtomicInteger();
    BundleContext context =
        stub(
            BundleContext.class,
            method -> {
              if (!method.equals("registerService")) {
                return stub(Bundle.class, ignored -> null);
              }
              if (begun.get() == registered) {
                throw new IllegalStateException("the bundle is stopped");
              }
              begun.incrementAndGet();
              return stub(
                  ServiceRegistration.class,
                  unregister -> {
                    if (unregistersFail) { // the framework has unregistered it
                      throw new IllegalStateException("the service is unregistered");
                    }
                    ended.incrementAndGet();
                    return null;
                  });
            });
    AtomicInteger opened = new AtomicInteger();
    AtomicInteger closed = new AtomicInteger();
    Stores stores =
        (name, columns, owner) -> {
          opened.incrementAndGet();
          return stub(
              NamedStore.class,
              method -> {
                closed.addAndGet(method.equals("close") ? 1 : 0);
                return null;
              });
        };

    assertThatThrownBy(() -> new ChainComponent(context, config(given), given, stores))
        .isInstanceOf(IllegalStateException.class);

    assertThat(opened).hasValue(1);
    assertThat(closed).as("closings of the store").hasValue(1);
    assertThat(begun).hasValue(registered);
    assertThat(ended)
        .as("services that were unregistered")
        .hasValue(unregistersFail ? 0 : registered);
  }
}
