// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class ConfigurationValuesTest {
  private static final String NAME = "dev.patchbay.part";

  @interface Config {
    int port();
  }

  private static ConfigurationValues values(String key, Object value) {
    return ConfigurationValues.of(NAME, Map.of(key, value));
  }

  private static void assertInvalid(ThrowingCallable read, String message) {
    assertThatThrownBy(read)
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessage(message)
        .satisfies(failure -> assertThat(failure.getStackTrace()).isEmpty());
  }

  @Test
  void numbersInTheRangeAreRead() {
    ConfigurationValues values = ConfigurationValues.of(NAME, Map.of());
    assertThat(values.integer("port", () -> 0, 0, 65_535)).isZero();
    assertThat(values.integer("port", () -> 65_535, 0, 65_535)).isEqualTo(65_535);
    assertThat(values.number("bytes", () -> 1L << 40, 0, Long.MAX_VALUE)).isEqualTo(1L << 40);
  }

  @Test
  void aNumberOutOfItsRangeNamesTheRange() {
    ConfigurationValues values = ConfigurationValues.of(NAME, Map.of());
    assertInvalid(
        () -> values.integer("port", () -> -1, 0, 65_535),
        "dev.patchbay.part: port must be between 0 and 65535, not -1");
    assertInvalid(
        () -> values.number("bytes", () -> 9, 10, 20),
        "dev.patchbay.part: bytes must be between 10 and 20, not 9");
  }

  /** The container throws when it has to make a number of such a value. */
  @Test
  void whatIsNoNumberIsShown() {
    for (String value : List.of("abc", "", "99999999999", "8545 ")) {
      ConfigurationValues values = values("port", value);
      assertInvalid(
          () -> values.integer("port", () -> Integer.parseInt(value), 0, 65_535),
          "dev.patchbay.part: port must be a number between 0 and 65535, not '" + value + "'");
    }
  }

  /** The container takes each word but true for false. */
  @Test
  void aWordThatIsNeitherTrueNorFalseIsRefused() {
    for (Object value : List.of(true, "true", "TRUE")) {
      assertThat(values("tls", value).flag("tls", () -> true)).isTrue();
    }
    assertThat(values("tls", "false").flag("tls", () -> false)).isFalse();
    assertThat(ConfigurationValues.of(NAME, Map.of()).flag("tls", () -> true)).isTrue();
    for (String value : List.of("yes", "on", "", "1")) {
      assertInvalid(
          () -> values("tls", value).flag("tls", () -> false),
          "dev.patchbay.part: tls must be true or false, not '" + value + "'");
    }
  }

  @Test
  void aTextThatIsMissingOrEmptyIsRefused() {
    ConfigurationValues values = ConfigurationValues.of(NAME, Map.of());
    assertThat(values.text("host", " ::1 ", "an address")).isEqualTo("::1");
    assertInvalid(
        () -> values.text("host", " ", "an address"),
        "dev.patchbay.part: host must be an address, not ' '");
    assertInvalid(
        () -> values.text("host", null, "an address"),
        "dev.patchbay.part: host must be an address, not ''");
  }

  @Test
  void aValueIsOneLineOfLimitedLength() {
    assertInvalid(
        () -> {
          throw values("mode", "a\r\nb\t" + "c".repeat(100)).invalid("mode", "auto or off");
        },
        "dev.patchbay.part: mode must be auto or off, not 'a b " + "c".repeat(76) + "…'");
    assertInvalid(
        () -> {
          throw values("file", "x").unusable("file", "the file x\nis empty");
        },
        "dev.patchbay.part: file: the file x is empty");
  }

  /** Several configurations of a factory differ in their PIDs only. */
  @Test
  void theConfigurationIsNamedByItsPid() {
    ConfigurationValues mine =
        ConfigurationValues.of(NAME, Map.of("service.pid", NAME + "~mine", "prot", 1));
    assertThat(mine.pid()).isEqualTo("dev.patchbay.part~mine");
    assertInvalid(
        () -> mine.integer("port", () -> -1, 0, 1),
        "dev.patchbay.part~mine: port must be between 0 and 1, not -1");
    List<String> warnings = new ArrayList<>();
    mine.reportUnknown(Config.class, warnings::add, "own");
    assertThat(warnings)
        .containsExactly("dev.patchbay.part~mine: unknown key prot; known are [port]");
    warnings.clear();
    values("own", 1).reportUnknown(Config.class, warnings::add, "own");
    assertThat(warnings).isEmpty();
  }

  @Test
  void theOptionOfTheLauncherIsNamedFirst() {
    ConfigurationValues values =
        ConfigurationValues.of(NAME, Map.of("port", "abc"), Map.of("port", "--port"));
    assertThat(values.optionOf("port")).isEqualTo("--port (port of dev.patchbay.part)");
    assertInvalid(
        () -> values.integer("port", () -> Integer.parseInt("abc"), 0, 9),
        "--port (port of dev.patchbay.part): must be a number between 0 and 9, not 'abc'");
    assertInvalid(
        () -> {
          throw values.unusable("port", "is in use");
        },
        "--port (port of dev.patchbay.part): is in use");
  }
}
