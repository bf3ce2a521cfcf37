// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.primitives.Hex;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The names of the fields of a genesis. A name that looks like a fork, or like a field that this
 * build reads, is refused: without it the node would follow other rules, and so is any unknown name
 * in {@code config.clique}. Any other unknown name has no effect, as in geth. The case of letters
 * does not count, as in geth and Besu.
 *
 * <p>Threading: any thread.
 */
final class GenesisFields {
  private static final Set<String> TOP =
      Set.of(
          "config",
          "nonce",
          "timestamp",
          "extraData",
          "gasLimit",
          "difficulty",
          "mixHash",
          "coinbase",
          "alloc",
          "number",
          "gasUsed",
          "parentHash",
          "baseFeePerGas",
          "excessBlobGas",
          "blobGasUsed",
          "slotNumber");

  private static final Set<String> ACCOUNT = Set.of("balance", "nonce", "code", "storage");
  private static final Set<String> CLIQUE = Set.of("period", "epoch");
  private static final Set<String> OPTIMISM =
      Set.of("eip1559Elasticity", "eip1559Denominator", "eip1559DenominatorCanyon");
  private static final Set<String> BLOBS = Set.of("target", "max", "baseFeeUpdateFraction");

  /** Fields of {@code config} that say what the other fields say, or nothing. */
  private static final List<String> WITHOUT_EFFECT =
      List.of("ethash", "terminalTotalDifficultyPassed", "eip150Hash", "bedrockBlock");

  /** Other names for fields of {@code config}, which Besu reads. */
  private static final Map<String, String> ALIASES =
      Map.of(
          "constantinopleFixBlock", "petersburgBlock", "preMergeForkBlock", "mergeNetsplitBlock");

  /** Other names for fields of {@code config.clique}, which Besu reads. */
  private static final Map<String, String> CLIQUE_ALIASES =
      Map.of("blockperiodseconds", "period", "epochlength", "epoch");

  /**
   * Fields of {@code config} in lower case that look like forks and have no effect on the rules of
   * a block: of op-node, of earlier releases of geth, and of Besu.
   */
  private static final Set<String> FORKS_WITHOUT_EFFECT =
      Set.of(
          "deltatime",
          "pectrablobscheduletime",
          "ewasmblock",
          "catalystblock",
          "mergeforkblock",
          "futureeipstime",
          "experimentaleipstime",
          "terminalblocknumber");

  /** A fork at 2^53 or more never happens, whether this is a block number or a time in seconds. */
  private static final int MAX_FORK_BITS = 53;

  /** Notes of the authors of genesis files for Besu and for development chains, in lower case. */
  private static final Set<String> ACCOUNT_NOTES = Set.of("secretkey", "privatekey", "comment");

  private static final Pattern LIKE_A_FORK =
      Pattern.compile("(?i).*(block|time|timestamp|blocknumber)");
  private static final Pattern FORK_SUFFIX =
      Pattern.compile("(?i)[_-]?(fork)?[_-]?(block|time|timestamp|blocknumber)$");

  /** A shorter name is another name as soon as a letter differs. */
  private static final int MIN_STEM = 4;

  /** Of so many letters of a known name, one may be wrong in a misspelt name. */
  private static final int LETTERS_PER_MISTAKE = 5;

  private final Set<String> config = new LinkedHashSet<>();
  private final List<String> blobForks;
  private final Set<String> unknown = new LinkedHashSet<>();

  /**
   * Creates a check.
   *
   * @param config the fields of {@code config} that this build reads
   * @param blobForks the fields of {@code config.blobSchedule}
   */
  GenesisFields(Collection<String> config, List<String> blobForks) {
    this.config.addAll(config);
    this.config.addAll(WITHOUT_EFFECT);
    this.blobForks = blobForks;
  }

  /**
   * Checks the names of all fields, and writes the known ones in {@code genesis} as this build
   * reads them: a name in other letter case, or an alias of Besu, gets the known name.
   *
   * @return the unknown fields that have no effect, with their paths; a field of several accounts
   *     is there once
   * @throws IllegalArgumentException when a name is misspelt, is there in two spellings, or names a
   *     fork that this build does not know; the message has the closest known name
   */
  Set<String> check(JsonNode genesis) {
    names(genesis, "", TOP);
    JsonNode rules = genesis.path("config");
    names(rules, "config.", config);
    names(object(rules, "config.", "clique"), "config.clique.", CLIQUE);
    names(object(rules, "config.", "optimism"), "config.optimism.", OPTIMISM);
    JsonNode schedule = object(rules, "config.", "blobSchedule");
    names(schedule, "config.blobSchedule.", blobForks);
    for (String fork : blobForks) {
      names(
          object(schedule, "config.blobSchedule.", fork),
          "config.blobSchedule." + fork + ".",
          BLOBS);
    }
    genesis
        .path("alloc")
        .fields()
        .forEachRemaining(
            account -> {
              if (!account.getValue().isObject()) {
                throw new IllegalArgumentException(
                    "field alloc." + account.getKey() + " must be an object");
              }
              object(account.getValue(), "alloc." + account.getKey() + ".", "storage");
              names(account.getValue(), "alloc." + account.getKey() + ".", ACCOUNT);
            });
    return unknown;
  }

  /** Returns an object, or an empty one where there is none. */
  private static JsonNode object(JsonNode parent, String at, String name) {
    JsonNode found = parent.path(name);
    if (found.isObject()) {
      return found;
    }
    if (!found.isMissingNode() && !found.isNull()) {
      throw new IllegalArgumentException("field " + at + name + " must be an object");
    }
    return JsonNodeFactory.instance.objectNode();
  }

  private void names(JsonNode object, String at, Collection<String> known) {
    if (object instanceof ObjectNode fields) {
      Map<String, String> aliases =
          known == config ? ALIASES : known == CLIQUE ? CLIQUE_ALIASES : Map.of();
      spell(fields, at, known, aliases.keySet());
      aliases.forEach((alias, name) -> replaceAlias(fields, at, alias, name));
    }
    for (Iterator<Map.Entry<String, JsonNode>> fields = object.fields(); fields.hasNext(); ) {
      Map.Entry<String, JsonNode> field = fields.next();
      if (!known.contains(field.getKey())) {
        unknown(field.getKey(), field.getValue(), at, known);
      }
    }
  }

  /** Renames the fields whose names differ from known ones in letter case; keeps their order. */
  private static void spell(
      ObjectNode object, String at, Collection<String> known, Set<String> aliases) {
    Map<String, String> spellings = new HashMap<>();
    known.forEach(name -> spellings.put(lower(name), name));
    aliases.forEach(name -> spellings.put(lower(name), name));
    Map<String, JsonNode> spelt = new LinkedHashMap<>();
    Map<String, String> given = new HashMap<>();
    object
        .fields()
        .forEachRemaining(
            field -> {
              String name = field.getKey();
              String right = spellings.getOrDefault(lower(name), name);
              JsonNode before = spelt.get(right);
              if (before != null && !before.isNull() && !field.getValue().isNull()) {
                String other = given.getOrDefault(right, right);
                boolean swapped = name.equals(right);
                throw new IllegalArgumentException(
                    "field "
                        + at
                        + (swapped ? other : name)
                        + " is there twice; the other spelling is "
                        + (swapped ? name : other));
              }
              if (before == null || before.isNull()) {
                spelt.put(right, field.getValue());
                given.put(right, name);
              }
            });
    boolean renamed = spelt.size() != object.size();
    for (Map.Entry<String, String> name : given.entrySet()) {
      renamed |= !name.getKey().equals(name.getValue());
    }
    if (renamed) {
      object.removeAll();
      object.setAll(spelt);
    }
  }

  /** Moves the value of an alias to the known field. */
  private static void replaceAlias(ObjectNode rules, String at, String alias, String name) {
    JsonNode value = rules.remove(alias);
    if (value == null || value.isNull()) {
      return;
    }
    if (rules.hasNonNull(name)) {
      ObjectNode other = JsonNodeFactory.instance.objectNode();
      other.set(alias, value);
      Long from = GenesisFile.scheduledNumber(rules, at, name);
      Long aliased = GenesisFile.scheduledNumber(other, at, alias);
      if (!Objects.equals(from, aliased)) {
        throw new IllegalArgumentException(
            "fields "
                + at
                + name
                + " and "
                + at
                + alias
                + " must be the same: they are "
                + from
                + " and "
                + aliased);
      }
      return;
    }
    rules.set(name, value);
  }

  private void unknown(String name, JsonNode value, String at, Collection<String> known) {
    boolean forks = known == config;
    if (at.isEmpty() && name.equalsIgnoreCase("stateHash")) {
      throw new IllegalArgumentException(
          "field stateHash is not supported: the state of the genesis must be in alloc");
    }
    if (value.isNull() || (at.startsWith("alloc.") && ACCOUNT_NOTES.contains(lower(name)))) {
      return;
    }
    if (at.isEmpty() && config.stream().anyMatch(name::equalsIgnoreCase)) {
      throw new IllegalArgumentException("field " + name + " belongs into config");
    }
    boolean likeFork = forks && LIKE_A_FORK.matcher(name).matches();
    boolean withoutEffect =
        forks && (FORKS_WITHOUT_EFFECT.contains(lower(name)) || (likeFork && neverHappens(value)));
    if (!withoutEffect) {
      refuseMisspelt(name, at, known, likeFork);
    }
    if (known == CLIQUE) { // validators that read the field would follow other rules
      throw new IllegalArgumentException(
          "field "
              + at
              + Hex.shown(name)
              + " is not known; its value is "
              + Hex.shown(value.toString())
              + ". The known fields are period and epoch, or blockperiodseconds and epochlength");
    }
    unknown.add((at.startsWith("alloc.") ? "alloc.*." : at) + Hex.shown(name));
  }

  /** Refuses a name that is near to a known one, or looks like that of a fork. */
  private void refuseMisspelt(String name, String at, Collection<String> known, boolean likeFork) {
    String near = near(name, known, known == config);
    if (near == null && at.isEmpty()) {
      near = near(name, config, true);
    }
    if (near != null) {
      throw new IllegalArgumentException(
          "field " + at + Hex.shown(name) + " is not known; the closest known field is " + near);
    }
    if (likeFork) {
      throw new IllegalArgumentException(
          "field "
              + at
              + Hex.shown(name)
              + " is not known: this build has no such fork; the closest known field is "
              + closest(name, known));
    }
  }

  /** Returns whether a value is a block number or a time that no chain reaches. */
  private static boolean neverHappens(JsonNode value) {
    try {
      return GenesisFile.number(value).bitLength() > MAX_FORK_BITS;
    } catch (IllegalArgumentException | ArithmeticException malformed) {
      return false;
    }
  }

  /** Returns the known name that a name was meant to be; null when it is another word. */
  private static @Nullable String near(String name, Collection<String> known, boolean forks) {
    String closest = closest(name, known);
    if (distance(lower(name), lower(closest)) <= mistakes(closest)) {
      return closest;
    }
    if (forks) {
      String stem = stem(name);
      for (String candidate : known) {
        String other = stem(candidate);
        boolean fork = !other.equals(lower(candidate));
        boolean like =
            Math.min(stem.length(), other.length()) < MIN_STEM
                ? stem.equals(other)
                : distance(stem, other) <= mistakes(other);
        if (fork && like) {
          return candidate;
        }
      }
    }
    return null;
  }

  /** Returns the known name that differs in the fewest letters. */
  static String closest(String name, Collection<String> known) {
    List<String> candidates = new ArrayList<>(known);
    candidates.sort(String::compareTo);
    String found = "";
    int best = Integer.MAX_VALUE;
    for (String candidate : candidates) {
      int distance = distance(lower(name), lower(candidate));
      if (distance < best) {
        best = distance;
        found = candidate;
      }
    }
    return found;
  }

  /** Returns whether a name is a known one with a few letters wrong. */
  static boolean isNear(String name, String known) {
    return distance(lower(name), lower(known)) <= mistakes(known);
  }

  private static int mistakes(String known) {
    return Math.max(1, known.length() / LETTERS_PER_MISTAKE);
  }

  private static String lower(String name) {
    return name.toLowerCase(Locale.ROOT);
  }

  private static String stem(String name) {
    return FORK_SUFFIX.matcher(lower(name)).replaceFirst("");
  }

  /** Returns how many letters are missing, added, replaced or swapped with the next one. */
  private static int distance(String a, String b) {
    if (Math.abs(a.length() - b.length()) > b.length()) {
      return Math.max(a.length(), b.length()); // a long name is not compared letter by letter
    }
    int[][] steps = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          steps[i][j] = i + j;
          continue;
        }
        int replaced = steps[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        steps[i][j] = Math.min(replaced, 1 + Math.min(steps[i - 1][j], steps[i][j - 1]));
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          steps[i][j] = Math.min(steps[i][j], steps[i - 2][j - 2] + 1);
        }
      }
    }
    return steps[a.length()][b.length()];
  }
}
