// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads the values of a configuration. A value that is not valid is reported as one line, which
 * names the configuration, the key, the value, and what is allowed: {@code
 * dev.patchbay.rpc.listener~mine: port must be a number between 0 and 65535, not 'abc'}.
 *
 * <p>A number is given as the method of the component property type, since the container throws
 * when it is called and the value is none.
 *
 * <p>Threading: any thread. Immutable.
 */
public final class ConfigurationValues {
  private static final String PID = "service.pid";

  /** How much of a value is shown. */
  private static final int MAX_SHOWN = 80;

  private final String pid;
  private final Map<String, ?> properties;
  private final Map<String, String> options;

  private ConfigurationValues(String pid, Map<String, ?> properties, Map<String, String> options) {
    this.pid = pid;
    this.properties = properties;
    this.options = options;
  }

  /**
   * Returns the values of a component.
   *
   * @param name name of its configuration; that of a factory is the first part of the PID
   * @param properties the properties of the component
   */
  public static ConfigurationValues of(String name, Map<String, ?> properties) {
    return of(name, properties, Map.of());
  }

  /**
   * Returns the values of a component whose keys the launcher has options for.
   *
   * @param options the options by key, for messages
   */
  public static ConfigurationValues of(
      String name, Map<String, ?> properties, Map<String, String> options) {
    String pid =
        properties.get(PID) instanceof String given && given.startsWith(name) ? given : name;
    return new ConfigurationValues(pid, properties, options);
  }

  /**
   * Warns of each key that the component does not know.
   *
   * @param type the component property type
   * @param warn takes a message a key
   * @param own keys that the component itself adds
   * @return these values
   */
  public ConfigurationValues reportUnknown(Class<?> type, Consumer<String> warn, String... own) {
    Map<String, Object> configured = new HashMap<>(properties);
    List.of(own).forEach(configured::remove);
    ConfigurationKeys.report(pid, configured, type, warn);
    return this;
  }

  /** Returns the PID of the configuration; the name of the component when it has none. */
  public String pid() {
    return pid;
  }

  /**
   * Returns a number from {@code min} to {@code max}.
   *
   * @throws InvalidConfigurationException when the value is no such number
   */
  public int integer(String key, IntSupplier value, int min, int max) {
    return (int) number(key, value::getAsInt, min, max);
  }

  /**
   * Returns a number from {@code min} to {@code max}.
   *
   * @throws InvalidConfigurationException when the value is no such number
   */
  public long number(String key, LongSupplier value, long min, long max) {
    String range = "between " + min + " and " + max;
    long number;
    try {
      number = value.getAsLong();
    } catch (RuntimeException unreadable) { // the container has tried to read a number
      throw invalid(key, "a number " + range);
    }
    if (number < min || number > max) {
      throw invalid(key, range, Long.toString(number));
    }
    return number;
  }

  /**
   * Returns a value that is true or false. The container takes any other word for false.
   *
   * @throws InvalidConfigurationException when the value is another word
   */
  public boolean flag(String key, BooleanSupplier value) {
    Object given = properties.get(key);
    if (given != null && !(given instanceof Boolean)) {
      String word = given.toString();
      if (!word.equalsIgnoreCase("true") && !word.equalsIgnoreCase("false")) {
        throw invalid(key, "true or false");
      }
    }
    return value.getAsBoolean();
  }

  /**
   * Returns a text that is not empty.
   *
   * @param allowed what it is, for the message
   * @throws InvalidConfigurationException when the value is missing or empty
   */
  public String text(String key, @Nullable String value, String allowed) {
    if (value == null || value.isBlank()) {
      throw invalid(key, allowed, quoted(value == null ? "" : value));
    }
    return value.strip();
  }

  /** Returns the failure of a key, whose value is that of the properties. */
  public InvalidConfigurationException invalid(String key, String allowed) {
    Object value = properties.get(key);
    return invalid(key, allowed, quoted(value == null ? "" : value.toString()));
  }

  /**
   * Returns the failure of a key.
   *
   * @param allowed what is allowed, after "must be"
   * @param value the value, as it is shown
   */
  public InvalidConfigurationException invalid(String key, String allowed, String value) {
    return new InvalidConfigurationException(
        subject(key) + " must be " + allowed + ", not " + value);
  }

  /**
   * Returns the failure of a key in other words.
   *
   * @param reason what is wrong, with the value
   */
  public InvalidConfigurationException unusable(String key, String reason) {
    return new InvalidConfigurationException(
        subject(key) + (options.containsKey(key) ? " " : ": ") + line(reason));
  }

  /** Returns the option of the launcher for a key, and the key, as a message names them. */
  public String optionOf(String key) {
    return options.get(key) + " (" + key + " of " + pid + ")";
  }

  private String subject(String key) {
    return options.containsKey(key) ? optionOf(key) + ":" : pid + ": " + key;
  }

  /** Returns a value in quotation marks as a message shows it: one line, of limited length. */
  public static String quoted(String value) {
    String line = line(value);
    return "'" + (line.length() > MAX_SHOWN ? line.substring(0, MAX_SHOWN) + "…" : line) + "'";
  }

  private static String line(String text) {
    return text.replaceAll("\\p{Cntrl}+", " ");
  }
}
