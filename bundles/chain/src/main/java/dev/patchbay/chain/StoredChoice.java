// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.ChainChoices;
import dev.patchbay.api.chain.ChainChoices.Provider;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.binding.ChosenService;
import dev.patchbay.binding.ChosenService.Choice;
import dev.patchbay.binding.NamedServices.Registration;
import dev.patchbay.primitives.Hex;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A service that the chain needs, chosen by its name and its bundle, and the record of the choice
 * in {@link Columns#META}. The record has the name from the genesis block on, and the bundle from
 * the first block that is written after it is chosen.
 *
 * <p>Threading: any thread; the methods that read or write the record under the import lock.
 *
 * @param <T> the type of the service
 */
final class StoredChoice<T> {
  private static final Logger LOG = LoggerFactory.getLogger(StoredChoice.class);

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,200}");

  private final byte[] key;
  private final Terms terms;
  private final ChosenService<T> services;

  /** The record in the store; null when there is none. Guarded by the import lock. */
  private byte @Nullable [] stored;

  /** Whether a store was opened before. Guarded by the import lock. */
  private boolean opened;

  /** The record in the batch that is written now. Guarded by the import lock. */
  private byte @Nullable [] writing;

  /**
   * What messages call the service.
   *
   * @param noun the kind of service, with its article
   * @param are the verb that goes with it: is or are
   * @param command the shell command that chooses another one
   * @param fixedName whether the genesis decides the name, and only the bundle can be chosen
   */
  record Terms(String noun, String are, String command, boolean fixedName) {}

  /**
   * Creates a choice without a record.
   *
   * @param key the key of the record
   * @param name the name of the service, while no record says another one
   */
  StoredChoice(byte[] key, Terms terms, String name) {
    this.key = key;
    this.terms = terms;
    this.services = new ChosenService<>(name);
  }

  /** Returns whether a service can be chosen by a name. */
  static boolean isName(String name) {
    return NAME.matcher(name).matches();
  }

  // ---- services

  /** Adds a service; one whose name, or whose bundle, has a malformed name cannot be chosen. */
  void add(Registration registration, String name, T service) {
    if (!isName(name) || !isName(registration.symbolicName())) {
      LOG.warn(
          "{} '{}' of {} cannot be chosen: the name, or the symbolic name of the bundle, is missing"
              + " or malformed",
          terms.noun(),
          Hex.shown(name),
          registration.bundle());
      return;
    }
    services.add(registration, name, service);
    Choice chosen = services.choice();
    boolean unused =
        chosen.bundle() != null && !chosen.bundle().equals(registration.symbolicName());
    if (unused && chosen.name().equals(name)) {
      LOG.info(
          "{} '{}' of {} is not used: the chain uses {}",
          terms.noun(),
          name,
          registration.bundle(),
          chosen);
    }
  }

  /**
   * Removes the service of a registration.
   *
   * @return what is missing now, and what to do; null when the service was not in use
   */
  @Nullable String remove(Registration registration) {
    return services.remove(registration) ? missing(services.choice()) : null;
  }

  /**
   * Returns the service that is chosen.
   *
   * @throws NotReadyException when it is not installed; the message says what to do
   */
  T require() {
    T service = services.get();
    if (service == null) {
      throw new NotReadyException(missing(services.choice()));
    }
    return service;
  }

  private String missing(Choice choice) {
    List<Choice> sameName = services.registered(choice.name());
    if (choice.bundle() == null && sameName.size() > 1) {
      return terms.noun()
          + " "
          + choice
          + " "
          + terms.are()
          + " provided by several bundles: "
          + bundles(sameName)
          + "; choose one with "
          + terms.command();
    }
    List<Choice> others = terms.fixedName() ? sameName : services.registered();
    return terms.noun()
        + " "
        + choice
        + " "
        + terms.are()
        + " not installed; start or install "
        + (choice.bundle() == null ? "a bundle with this name" : "this bundle")
        + (others.isEmpty() ? "" : ", or choose with " + terms.command() + ": " + list(others));
  }

  private static String bundles(List<Choice> choices) {
    return choices.stream().map(Choice::bundle).collect(Collectors.joining(", "));
  }

  private static String list(List<Choice> choices) {
    return choices.isEmpty()
        ? "none"
        : choices.stream().map(Choice::toString).collect(Collectors.joining(", "));
  }

  /** Describes the choice for operators. */
  ChainChoices.Choice describe() {
    boolean available = services.get() != null;
    return new ChainChoices.Choice(
        provider(services.choice()),
        available,
        services.registered().stream().map(StoredChoice::provider).toList());
  }

  private static Provider provider(Choice choice) {
    return new Provider(choice.name(), choice.bundle());
  }

  /** Returns what is chosen. */
  Choice choice() {
    return services.choice();
  }

  /**
   * Returns an installed service.
   *
   * @param bundle the symbolic name of its bundle; null when only one provides the name
   * @throws IllegalArgumentException when it is not installed, or several bundles provide it
   */
  Choice find(String name, @Nullable String bundle) {
    List<Choice> found =
        services.registered(name).stream()
            .filter(choice -> bundle == null || bundle.equals(choice.bundle()))
            .toList();
    if (found.isEmpty()) {
      throw new IllegalArgumentException(
          terms.noun()
              + " "
              + new Choice(name, bundle)
              + " "
              + terms.are()
              + " not installed; installed: "
              + list(services.registered())
              + (terms.fixedName() ? "; the genesis decides the name" : ""));
    }
    if (found.size() > 1) {
      throw new IllegalArgumentException(
          terms.noun()
              + " '"
              + name
              + "' "
              + terms.are()
              + " provided by several bundles: "
              + bundles(found)
              + "; name one of them");
    }
    return found.get(0);
  }

  // ---- the record

  /** Writes a name into a record of a store that names no bundle: no block was executed by it. */
  void correct(KeyValueStore store, String name) {
    byte[] value = store.get(Columns.META, key);
    Choice read = value == null ? null : parse(value);
    if (read != null && read.bundle() == null && !read.name().equals(name)) {
      WriteBatch batch = new WriteBatch();
      batch.put(Columns.META, key, encode(new Choice(name, null)));
      store.write(batch);
      LOG.info("{} of the new chain is '{}' from now on; before: {}", terms.noun(), name, read);
    }
  }

  /**
   * Reads the record of a store that is opened; without one, what is chosen now stays chosen.
   *
   * @param required a name that the record must have; null for any
   * @param hint ends the message that it has another one
   * @throws StorageException when the record is damaged, or has another name
   */
  void open(KeyReader store, @Nullable String required, String hint) {
    byte[] value = store.get(Columns.META, key);
    if (value != null) {
      Choice read = parse(value);
      if (read == null) {
        throw new StorageException(
            "the record of "
                + terms.noun()
                + " that the chain uses cannot be read"
                + ChainStore.damaged());
      }
      if (required != null && !required.equals(read.name())) {
        throw new StorageException(
            "the chain uses " + terms.noun() + " " + read + ", not '" + required + "'" + hint);
      }
      if (read.bundle() != null || !read.name().equals(services.choice().name())) {
        Choice before = services.choice();
        services.choose(read); // a record without a bundle is older than a choice in memory
        if (opened && !read.equals(before)) { // writing a choice, and writing it back, has failed
          LOG.warn(
              "{} of the chain {} {} from now on, as the store has it; before: {}",
              terms.noun(),
              terms.are(),
              read,
              before);
        }
      }
    }
    stored = value;
    opened = true;
  }

  /**
   * Adds the record to a batch, when the store has another one, or none. Chooses the only bundle
   * that provides the name, unless one is chosen.
   */
  void addTo(WriteSet writes) {
    services.chooseOnly();
    byte[] record = encode(services.choice());
    writing = record;
    if (!Arrays.equals(record, stored)) {
      writes.put(Columns.META, key, record);
    }
  }

  /** Notes that the store may have any record: one is being written. */
  void setUnknown() {
    stored = null;
  }

  /** Notes that the store has the record that was added last. */
  void written() {
    stored = writing;
  }

  /** Notes which record the store has; null for none. */
  void setStored(byte @Nullable [] record) {
    stored = record;
  }

  /** Chooses another service, whose record the store has. */
  void set(Choice next) {
    stored = encode(next);
    services.choose(next);
  }

  byte[] key() {
    return key;
  }

  /** Returns the record of a choice: the name, the bundle, and a checksum of both. */
  static byte[] encode(Choice choice) {
    String text = choice.name() + " " + Objects.requireNonNullElse(choice.bundle(), "") + " ";
    return (text + checksum(text)).getBytes(StandardCharsets.US_ASCII);
  }

  /** Reads a record; returns null when it is damaged. */
  static @Nullable Choice parse(byte[] record) {
    String[] parts = new String(record, StandardCharsets.US_ASCII).split(" ", -1);
    if (parts.length != 3) {
      return null;
    }
    Choice choice = new Choice(parts[0], parts[1].isEmpty() ? null : parts[1]);
    return Arrays.equals(encode(choice), record) ? choice : null;
  }

  private static String checksum(String text) {
    CRC32 crc = new CRC32();
    crc.update(text.getBytes(StandardCharsets.US_ASCII));
    return String.format("%08x", crc.getValue());
  }
}
