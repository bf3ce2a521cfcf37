// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.InvalidConfigurationException;
import dev.patchbay.txpool.TransactionPoolComponent.Config;
import java.lang.reflect.Proxy;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A value that is not valid is reported as one line, without a stack trace. */
class PoolSettingsTest {
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
        "max.transactions|many|dev.patchbay.txpool: max.transactions must be a number between 1 and 10000000, not 'many'",
        "max.transactions|0|dev.patchbay.txpool: max.transactions must be between 1 and 10000000, not 0",
        "max.queued|-1|dev.patchbay.txpool: max.queued must be between 0 and 10000000, not -1",
        "max.sender.transactions|''|dev.patchbay.txpool: max.sender.transactions must be a number between 1 and 1000000, not ''",
        "max.blobs|1.5|dev.patchbay.txpool: max.blobs must be a number between 0 and 100000, not '1.5'",
        "heap.percent|26|dev.patchbay.txpool: heap.percent must be between 1 and 25, not 26",
        "min.tip|1 gwei|dev.patchbay.txpool: min.tip must be a number between 0 and 9223372036854775807, not '1 gwei'",
        "price.bump.percent|1001|dev.patchbay.txpool: price.bump.percent must be between 0 and 1000, not 1001",
        "blob.price.bump.percent|x|dev.patchbay.txpool: blob.price.bump.percent must be a number between 0 and 1000, not 'x'",
        "queued.seconds|9999999999|dev.patchbay.txpool: queued.seconds must be a number between 1 and 2147483647, not '9999999999'"
      })
  void aWrongValueIsNamed(String key, String value, String message) {
    assertThatThrownBy(() -> settings(Map.of(key, value), 1L << 29))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessage(message);
  }

  private static PoolSettings settings(Map<String, Object> given, long heapBytes) {
    return PoolSettings.of(
        config(given), ConfigurationValues.of("dev.patchbay.txpool", given), heapBytes);
  }

  /** Whatever the configuration says, also those that are kept for a reorg. */
  @Test
  void blobsStayInTheirShareOfTheHeap() {
    for (long heap : new long[] {1L << 20, 1L << 26, 1L << 29, 1L << 34}) {
      for (int percent : new int[] {1, 10, 25}) {
        for (int blobs : new int[] {0, 1, 256, 100_000}) {
          PoolSettings settings =
              settings(Map.of("heap.percent", percent, "max.blobs", blobs), heap);
          assertThat(settings.blobLimits().blobs()).isLessThanOrEqualTo(blobs);
          assertThat((settings.blobLimits().blobs() + settings.leftBlobs()) * 140_000L)
              .as("%d bytes, %d %%, %d blobs", heap, percent, blobs)
              .isLessThanOrEqualTo(heap / 100 * percent);
        }
      }
    }
    PoolSettings usual = settings(Map.of(), 494L << 20);
    assertThat(usual.blobLimits().blobs()).isEqualTo(256);
    assertThat(usual.leftBlobs()).isEqualTo(113);
  }
}
