// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSchedule;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.primitives.execution.StateChanges;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A genesis in geth's format.
 *
 * @param config when which fork holds
 * @param configText the {@code config} object, normalised
 * @param allocation the accounts, as changes to an empty state
 * @param json all of it but the accounts
 * @param unprefixed path of the first storage key or value that is text without {@code 0x}; null
 *     when there is none
 */
record GenesisFile(
    ChainConfig config,
    String configText,
    StateChanges allocation,
    JsonNode json,
    @Nullable String unprefixed) {
  private static final Logger LOG = LoggerFactory.getLogger(GenesisFile.class);
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);

  /** No number of a genesis has more characters, leading zeros included. */
  private static final int MAX_NUMBER_LENGTH = 512;

  /** Characters of 32 bytes in hexadecimal digits. */
  private static final int MAX_WORD_LENGTH = 66;

  /** The block number and the time of a fork that never happens. */
  private static final long NEVER = Long.MAX_VALUE;

  private static final Map<Fork, String> BLOCKS = new EnumMap<>(Fork.class);
  private static final Map<Fork, String> TIMES = new EnumMap<>(Fork.class);

  /** How Jackson begins to say that an object has two fields of one name. */
  private static final String DUPLICATE = "Duplicate field ";

  /** Fields of {@code config} that are read, but for the forks. */
  private static final List<String> CONFIG =
      List.of(
          "chainId",
          "daoForkSupport",
          "terminalTotalDifficulty",
          "blobSchedule",
          "depositContractAddress",
          "clique",
          "optimism");

  private static final List<String> BLOB_FORKS =
      List.of("cancun", "prague", "osaka", "bpo1", "bpo2", "bpo3", "bpo4", "bpo5", "amsterdam");

  /** The forks of the OP Stack from Regolith on, with the fork of Ethereum that comes with each. */
  private static final Map<String, @Nullable Fork> ROLLUP_FORKS = new LinkedHashMap<>();

  /** Gas limit of a genesis that has zero (geth). */
  private static final long DEFAULT_GAS_LIMIT = 4_712_388;

  /** The predeploy L2ToL1MessagePasser. */
  private static final Address MESSAGE_PASSER =
      Address.fromHex("0x4200000000000000000000000000000000000016");

  /** SHA-256 of nothing: the hash of no requests (EIP-7685). */
  static final Hash EMPTY_REQUESTS =
      Hash.fromHex("0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

  /** Keccak-256 of an empty RLP list: the hash of no accesses (EIP-7928). */
  private static final Hash EMPTY_ACCESS_LIST = Hash.keccak(new byte[] {(byte) 0xc0});

  static {
    BLOCKS.put(Fork.HOMESTEAD, "homesteadBlock");
    BLOCKS.put(Fork.TANGERINE_WHISTLE, "eip150Block");
    BLOCKS.put(Fork.SPURIOUS_DRAGON, "eip158Block");
    BLOCKS.put(Fork.BYZANTIUM, "byzantiumBlock");
    BLOCKS.put(Fork.CONSTANTINOPLE, "constantinopleBlock");
    BLOCKS.put(Fork.PETERSBURG, "petersburgBlock");
    BLOCKS.put(Fork.ISTANBUL, "istanbulBlock");
    BLOCKS.put(Fork.MUIR_GLACIER, "muirGlacierBlock");
    BLOCKS.put(Fork.BERLIN, "berlinBlock");
    BLOCKS.put(Fork.LONDON, "londonBlock");
    BLOCKS.put(Fork.ARROW_GLACIER, "arrowGlacierBlock");
    BLOCKS.put(Fork.GRAY_GLACIER, "grayGlacierBlock");
    TIMES.put(Fork.SHANGHAI, "shanghaiTime");
    TIMES.put(Fork.CANCUN, "cancunTime");
    TIMES.put(Fork.PRAGUE, "pragueTime");
    TIMES.put(Fork.OSAKA, "osakaTime");
    TIMES.put(Fork.AMSTERDAM, "amsterdamTime");
    ROLLUP_FORKS.put("regolith", null);
    ROLLUP_FORKS.put("canyon", Fork.SHANGHAI);
    ROLLUP_FORKS.put("ecotone", Fork.CANCUN);
    ROLLUP_FORKS.put("fjord", null);
    ROLLUP_FORKS.put("granite", null);
    ROLLUP_FORKS.put("holocene", null);
    ROLLUP_FORKS.put("isthmus", Fork.PRAGUE);
    ROLLUP_FORKS.put("jovian", null);
    ROLLUP_FORKS.put("karst", null);
    ROLLUP_FORKS.put("interop", null);
  }

  /**
   * Reads a file.
   *
   * @param environment variables that say when forks happen, over what the genesis says; null for
   *     none
   * @throws IllegalArgumentException when it is not a genesis; the message names the file and the
   *     field
   */
  static GenesisFile read(Path file, @Nullable Path environment) {
    JsonNode json = json("genesis file ", file);
    if (environment != null && json instanceof ObjectNode genesis) {
      try {
        checkNames(genesis); // before the environment writes fields by their known names
      } catch (IllegalArgumentException wrong) {
        throw new IllegalArgumentException("genesis file " + file + ": " + wrong.getMessage());
      }
      JsonNode variables = json("fork environment ", environment);
      try {
        ForkEnvironment.apply(variables, genesis);
      } catch (IllegalArgumentException wrong) {
        throw new IllegalArgumentException(
            "fork environment " + environment + ": " + wrong.getMessage());
      }
    }
    try {
      return parse(json);
    } catch (IllegalArgumentException | ArithmeticException wrong) {
      throw new IllegalArgumentException("genesis file " + file + ": " + wrong.getMessage());
    }
  }

  private static JsonNode json(String what, Path file) {
    try {
      return JSON.readTree(Files.readString(file));
    } catch (JsonProcessingException malformed) {
      String message = malformed.getOriginalMessage();
      if (message.startsWith(DUPLICATE)) {
        throw new IllegalArgumentException(
            what
                + file
                + " has the field "
                + message.substring(DUPLICATE.length())
                + " twice, the second time in line "
                + malformed.getLocation().getLineNr());
      }
      throw new IllegalArgumentException(what + file + " is not JSON: " + message);
    } catch (IOException unreadable) {
      throw new IllegalArgumentException(what + file + " cannot be read: " + unreadable);
    }
  }

  /** Checks and spells the names of all fields; see {@link GenesisFields#check}. */
  private static Set<String> checkNames(JsonNode json) {
    List<String> known = new ArrayList<>(CONFIG);
    known.addAll(ForkOrder.FORKS);
    known.addAll(ForkOrder.ROLLUP_FORKS);
    return new GenesisFields(known, BLOB_FORKS).check(json);
  }

  /**
   * Parses a genesis.
   *
   * @param json the genesis; its fields get the names that this build reads, whatever their letter
   *     case
   * @throws IllegalArgumentException when a field is missing, malformed, misspelt or there twice,
   *     or forks are out of order; the message names the field
   */
  static GenesisFile parse(JsonNode json) {
    Set<String> unknown = checkNames(json);
    JsonNode config = json.get("config");
    if (config == null || !config.isObject()) {
      throw new IllegalArgumentException("field config is missing");
    }
    if (!json.path("alloc").isObject()) {
      throw new IllegalArgumentException("field alloc is missing");
    }
    ForkOrder.check(ForkOrder.read(config), config.hasNonNull("optimism"));
    if (!unknown.isEmpty()) {
      LOG.warn("the genesis has fields that are not known and have no effect: {}", unknown);
    }
    // as text the accounts would take more memory than anything else, for as long as the node runs
    ObjectNode rest = JSON.createObjectNode();
    rest.setAll((ObjectNode) json);
    rest.remove("alloc");
    GenesisFile file =
        new GenesisFile(
            config(config),
            config.toString(),
            allocation(json.get("alloc")),
            rest,
            unprefixedStorage(json.get("alloc")));
    Block block = file.block(Hash.ZERO, account -> Hash.ZERO); // its fields are checked here, too
    ChainConfig.Clique clique = file.config.clique();
    if (clique != null) {
      CliqueGenesis.check(clique, block.header().extraData());
    }
    return file;
  }

  /**
   * Returns whether a field names a fork at a block number whose rules include all earlier forks.
   */
  static boolean isRuleBlock(String name) {
    return BLOCKS.containsValue(name);
  }

  /** Reads a {@code config} object; the names of its fields and the order are not checked. */
  static ChainConfig config(JsonNode json) {
    Map<Fork, Long> blocks = forks(json, BLOCKS);
    Map<Fork, Long> times = forks(json, TIMES);
    ChainConfig.Rollup rollup = rollup(json, times);
    UInt256 ttd = field(json, "terminalTotalDifficulty", GenesisFile::number, null);
    JsonNode clique = json.hasNonNull("clique") ? json.get("clique") : null;
    if (times.containsKey(Fork.AMSTERDAM) && (clique != null || rollup != null)) {
      throw new IllegalArgumentException(
          "field config.amsterdamTime is for chains of beacon blocks, whose slots it shows; this is "
              + (clique != null ? "one of Clique" : "a rollup"));
    }
    if (ttd != null && ttd.isZero() && clique == null) {
      blocks.put(Fork.PARIS, 0L);
    }
    TreeMap<Long, BlobSchedule> blobs = new TreeMap<>();
    JsonNode schedule = json.path("blobSchedule");
    // in order: of two that start at once, the later holds
    for (String name : BLOB_FORKS) {
      Long time = scheduled(json, name + "Time");
      BlobSchedule entry = blobSchedule(schedule, name);
      if (time != null && entry != null) {
        blobs.put(time, entry);
      }
    }
    ChainConfig.Clique poa = null;
    if (clique != null) {
      poa =
          new ChainConfig.Clique(
              required(clique, "config.clique.", "period", GenesisFile::longNumber),
              checked("config.clique.", clique, "epoch", GenesisFile::longNumber, 30_000L));
    }
    return new ChainConfig(
        required(json, "config.", "chainId", GenesisFile::number),
        blocks,
        times,
        ttd,
        blobs,
        field(json, "depositContractAddress", GenesisFile::address, null),
        poa,
        json.path("daoForkSupport").asBoolean() ? scheduled(json, "daoForkBlock") : null,
        scheduled(json, "mergeNetsplitBlock"),
        clique != null,
        rollup);
  }

  /**
   * Reads what a rollup of the OP Stack has besides; null for other chains. A fork of Ethereum that
   * comes with one of its own is added where it is not named.
   */
  private static ChainConfig.@Nullable Rollup rollup(JsonNode json, Map<Fork, Long> times) {
    JsonNode optimism = json.get("optimism");
    if (optimism == null || optimism.isNull()) {
      return null;
    }
    Map<String, Long> own = new HashMap<>();
    ROLLUP_FORKS.forEach(
        (name, fork) -> {
          Long from = scheduled(json, name + "Time");
          if (from != null) {
            own.put(name, from);
          }
          Long named = fork == null ? null : times.get(fork);
          if (named != null && !named.equals(from)) {
            throw new IllegalArgumentException(
                "field config."
                    + TIMES.get(fork)
                    + " is "
                    + named
                    + ", on a rollup it must be the same as "
                    + name
                    + "Time, which is "
                    + (from == null ? "missing" : from));
          }
          if (fork != null && from != null) {
            times.put(fork, from);
          }
        });
    String at = "config.optimism.";
    long denominator = positive(optimism, at, "eip1559Denominator");
    return new ChainConfig.Rollup(
        positive(optimism, at, "eip1559Elasticity"),
        denominator,
        optimism.hasNonNull("eip1559DenominatorCanyon")
            ? positive(optimism, at, "eip1559DenominatorCanyon")
            : denominator,
        own);
  }

  private static long positive(JsonNode json, String at, String name) {
    long value = required(json, at, name, GenesisFile::longNumber);
    if (value < 1 || value > 0xffffffffL) {
      throw new IllegalArgumentException(
          "field " + at + name + " is " + value + ", it must be 1 to 4294967295");
    }
    return value;
  }

  /** Returns the blob parameters of a fork; Osaka without any of its own keeps Prague's. */
  private static @Nullable BlobSchedule blobSchedule(JsonNode schedule, String name) {
    JsonNode entry = schedule.get(name);
    if (entry == null || entry.isNull()) {
      return switch (name) {
        case "cancun" -> BlobSchedule.CANCUN;
        case "prague" -> BlobSchedule.PRAGUE;
        case "osaka" -> blobSchedule(schedule, "prague");
        default -> null;
      };
    }
    String at = "config.blobSchedule." + name + ".";
    return new BlobSchedule(
        required(entry, at, "target", GenesisFile::longNumber).intValue(),
        required(entry, at, "max", GenesisFile::longNumber).intValue(),
        required(entry, at, "baseFeeUpdateFraction", GenesisFile::longNumber));
  }

  private static Map<Fork, Long> forks(JsonNode json, Map<Fork, String> names) {
    Map<Fork, Long> out = new EnumMap<>(Fork.class);
    names.forEach(
        (fork, name) -> {
          Long from = scheduled(json, name);
          if (from != null) {
            out.put(fork, from);
          }
        });
    return out;
  }

  private static StateChanges allocation(JsonNode alloc) {
    List<StateChanges.AccountChange> accounts = new ArrayList<>();
    Map<Address, String> names = new HashMap<>();
    for (Iterator<Map.Entry<String, JsonNode>> fields = alloc.fields(); fields.hasNext(); ) {
      Map.Entry<String, JsonNode> entry = fields.next();
      String name = entry.getKey();
      String at = "alloc." + Hex.shown(name) + ".";
      Address address;
      try {
        address = Address.fromHex(prefixed(name));
      } catch (IllegalArgumentException malformed) {
        throw new IllegalArgumentException(
            "field alloc has an invalid address: " + Hex.shown(name));
      }
      String other = names.put(address, name);
      if (other != null) {
        throw new IllegalArgumentException(
            "field alloc has an account twice, as " + other + " and " + name);
      }
      JsonNode json = entry.getValue();
      Bytes code = checked(at, json, "code", GenesisFile::bytes, Bytes.EMPTY);
      accounts.add(
          new StateChanges.AccountChange(
              address,
              null,
              true,
              checked(at, json, "nonce", orZero(GenesisFile::unsignedLong, 0L), 0L),
              checked(at, json, "balance", orZero(GenesisFile::number, UInt256.ZERO), UInt256.ZERO),
              code.isEmpty() ? Account.EMPTY_CODE : code.keccak(),
              code.isEmpty() ? null : code,
              false,
              storage(at + "storage", json.path("storage"))));
    }
    return new StateChanges(accounts);
  }

  private static Map<UInt256, UInt256> storage(String at, JsonNode json) {
    Map<UInt256, UInt256> out = new HashMap<>();
    Map<UInt256, String> names = new HashMap<>();
    for (Iterator<Map.Entry<String, JsonNode>> slots = json.fields(); slots.hasNext(); ) {
      Map.Entry<String, JsonNode> slot = slots.next();
      String name = slot.getKey();
      UInt256 key;
      try {
        key = word(name);
      } catch (IllegalArgumentException malformed) {
        throw new IllegalArgumentException(
            "field " + at + " has an invalid key: " + malformed.getMessage());
      }
      String other = names.put(key, name);
      if (other != null) {
        throw new IllegalArgumentException(
            "field " + at + " has a key twice, as " + other + " and " + name);
      }
      JsonNode value = slot.getValue();
      try {
        out.put(key, value.isTextual() ? word(value.textValue()) : number(value));
      } catch (IllegalArgumentException | ArithmeticException malformed) {
        throw new IllegalArgumentException(
            "field " + at + "." + name + " is not valid: " + malformed.getMessage());
      }
    }
    return out;
  }

  /** Returns the path of the first storage key or value that is text without {@code 0x}. */
  private static @Nullable String unprefixedStorage(JsonNode alloc) {
    for (Map.Entry<String, JsonNode> account : alloc.properties()) {
      for (Map.Entry<String, JsonNode> slot : account.getValue().path("storage").properties()) {
        String key = slot.getKey();
        JsonNode value = slot.getValue();
        if (isUnprefixed(key) || (value.isTextual() && isUnprefixed(value.textValue()))) {
          return "alloc." + account.getKey() + ".storage." + key;
        }
      }
    }
    return null;
  }

  private static boolean isUnprefixed(String text) {
    return !text.isEmpty() && !prefixed(text).equals(text);
  }

  /** Returns the timestamp of the genesis block, in seconds since the Unix epoch. */
  long timestamp() {
    return field(json, "timestamp", orZero(GenesisFile::longNumber, 0L), 0L);
  }

  /**
   * Returns the genesis block over the state of the allocation. Its header has the fields of the
   * fork that is active at its time (geth and op-geth, {@code Genesis.ToBlock}).
   *
   * @param storageRoots returns the storage root of an account of the allocation; that of an empty
   *     trie when the allocation has no such account
   */
  Block block(Hash stateRoot, Function<Address, Hash> storageRoots) {
    long timestamp = timestamp();
    long gasLimit = required(json, "", "gasLimit", orZero(GenesisFile::longNumber, 0L));
    Fork fork = config.forkAt(0, timestamp);
    boolean shanghai = fork.includes(Fork.SHANGHAI);
    boolean cancun = fork.includes(Fork.CANCUN);
    boolean amsterdam = fork.includes(Fork.AMSTERDAM);
    BlockHeader header =
        BlockHeader.builder()
            .parentHash(field(json, "parentHash", GenesisFile::hash, Hash.ZERO))
            .coinbase(field(json, "coinbase", GenesisFile::address, Address.ZERO))
            .stateRoot(stateRoot)
            .difficulty(
                field(json, "difficulty", orZero(GenesisFile::number, UInt256.ZERO), UInt256.ZERO))
            .number(field(json, "number", orZero(GenesisFile::longNumber, 0L), 0L))
            .gasLimit(gasLimit == 0 ? DEFAULT_GAS_LIMIT : gasLimit)
            .gasUsed(field(json, "gasUsed", orZero(GenesisFile::longNumber, 0L), 0L))
            .timestamp(timestamp)
            .extraData(field(json, "extraData", GenesisFile::bytes, Bytes.EMPTY))
            .mixHash(field(json, "mixHash", GenesisFile::hash, Hash.ZERO))
            .nonce(field(json, "nonce", orZero(GenesisFile::unsignedLong, 0L), 0L))
            .baseFeePerGas(
                field(
                    json,
                    "baseFeePerGas",
                    orZero(GenesisFile::number, UInt256.ZERO),
                    fork.includes(Fork.LONDON) ? FeeMarket.INITIAL_BASE_FEE : null))
            .withdrawalsRoot(shanghai ? withdrawalsRoot(timestamp, storageRoots) : null)
            .blobGasUsed(
                cancun ? field(json, "blobGasUsed", orZero(GenesisFile::longNumber, 0L), 0L) : null)
            .excessBlobGas(
                cancun
                    ? field(json, "excessBlobGas", orZero(GenesisFile::longNumber, 0L), 0L)
                    : null)
            .parentBeaconBlockRoot(cancun ? Hash.ZERO : null)
            .requestsHash(fork.includes(Fork.PRAGUE) ? EMPTY_REQUESTS : null)
            .blockAccessListHash(amsterdam ? EMPTY_ACCESS_LIST : null)
            .slotNumber(
                amsterdam
                    ? field(json, "slotNumber", orZero(GenesisFile::longNumber, 0L), 0L)
                    : null)
            .build();
    return new Block(header, List.of(), List.of(), shanghai ? List.of() : null);
  }

  /**
   * Returns the withdrawals root of the genesis block: of an empty list (EIP-4895), or the storage
   * root of the message passer (OP Stack specification, Isthmus).
   */
  private Hash withdrawalsRoot(long timestamp, Function<Address, Hash> storageRoots) {
    ChainConfig.Rollup rollup = config.rollup();
    Long isthmus = rollup == null ? null : rollup.forkTimes().get("isthmus");
    boolean ofMessagePasser = isthmus != null && Long.compareUnsigned(timestamp, isthmus) >= 0;
    return ofMessagePasser ? storageRoots.apply(MESSAGE_PASSER) : Account.EMPTY_ROOT;
  }

  private static <T> T required(
      JsonNode json, String at, String name, Function<JsonNode, T> parser) {
    if (!json.has(name)) {
      throw new IllegalArgumentException("field " + at + name + " is missing");
    }
    T value = checked(at, json, name, parser, null);
    if (value == null) {
      throw new IllegalArgumentException("field " + at + name + " is null");
    }
    return value;
  }

  private static <T> T field(
      JsonNode json, String name, Function<JsonNode, T> parser, @Nullable T fallback) {
    return checked("", json, name, parser, fallback);
  }

  @SuppressWarnings("NullAway") // absent with a null fallback: the caller asked for null
  private static <T> T checked(
      String at, JsonNode json, String name, Function<JsonNode, T> parser, @Nullable T fallback) {
    JsonNode node = json.get(name);
    if (node == null || node.isNull()) {
      return fallback;
    }
    try {
      return parser.apply(node);
    } catch (IllegalArgumentException | ArithmeticException malformed) {
      throw new IllegalArgumentException(
          "field " + at + name + " is not valid: " + malformed.getMessage());
    }
  }

  /**
   * Returns a parser that reads an empty string as zero, as geth does in a block and in accounts.
   */
  private static <T> Function<JsonNode, T> orZero(Function<JsonNode, T> parser, T zero) {
    return node -> node.isTextual() && node.textValue().isEmpty() ? zero : parser.apply(node);
  }

  /**
   * Returns when a fork happens: a block number or a timestamp in seconds. A number of 2^63 or more
   * is returned as {@link #NEVER}, a missing one as null.
   *
   * @throws IllegalArgumentException when the field is not a number; the message names it
   */
  static @Nullable Long fork(JsonNode config, String name) {
    return scheduledNumber(config, "config.", name);
  }

  /** Returns what {@link #fork} does, of a field of another object. */
  static @Nullable Long scheduledNumber(JsonNode object, String at, String name) {
    return checked(at, object, name, GenesisFile::forkNumber, null);
  }

  /** Returns when a fork happens; null when it is missing or never happens. */
  private static @Nullable Long scheduled(JsonNode config, String name) {
    Long from = fork(config, name);
    return from == null || from == NEVER ? null : from;
  }

  private static Long forkNumber(JsonNode node) {
    UInt256 number = number(node);
    return number.bitLength() < Long.SIZE ? number.longValue() : NEVER;
  }

  /** Returns hexadecimal text with {@code 0x}, which it may be without. */
  private static String prefixed(String text) {
    return text.startsWith("0x") || text.startsWith("0X") ? text : "0x" + text;
  }

  private static String digits(JsonNode node) {
    if (!node.isTextual()) {
      throw new IllegalArgumentException(
          "not a string of hexadecimal digits: " + Hex.shown(node.toString()));
    }
    return prefixed(node.textValue());
  }

  private static Bytes bytes(JsonNode node) {
    return Bytes.fromHex(digits(node));
  }

  private static Hash hash(JsonNode node) {
    return Hash.fromHex(digits(node));
  }

  private static Address address(JsonNode node) {
    return Address.fromHex(digits(node));
  }

  /**
   * Reads a key or a value of a storage: at most 32 bytes in hexadecimal digits (as geth). An odd
   * number of digits is padded with a zero (as Besu and reth do).
   */
  private static UInt256 word(String text) {
    String digits = prefixed(text);
    if (digits.length() > MAX_WORD_LENGTH) {
      throw new IllegalArgumentException(
          "number of " + (digits.length() - 1) / 2 + " bytes, at most 32 fit: " + Hex.shown(text));
    }
    return UInt256.ofBytes(
        Hex.decode(digits.length() % 2 == 0 ? digits : "0x0" + digits.substring(2)));
  }

  /**
   * Reads a number of at most 256 bits, decimal or hexadecimal with {@code 0x}.
   *
   * @throws IllegalArgumentException when it is not one
   */
  static UInt256 number(JsonNode node) {
    String text = node.asText();
    if (text.length() > MAX_NUMBER_LENGTH) {
      throw new IllegalArgumentException("number out of range: " + Hex.shown(text));
    }
    if (text.startsWith("0x") || text.startsWith("0X")) {
      String digits = withoutZeros(text.substring(2));
      return digits.isEmpty() ? UInt256.ZERO : UInt256.fromHex("0x" + digits);
    }
    return UInt256.fromDecimal(withoutZeros(text));
  }

  /** Returns digits without the zeros before the last digit. */
  private static String withoutZeros(String digits) {
    int from = 0;
    while (from < digits.length() - 1 && digits.charAt(from) == '0') {
      from++;
    }
    return digits.substring(from);
  }

  private static Long unsignedLong(JsonNode node) {
    UInt256 number = number(node);
    if (!number.fitsLong()) {
      throw new IllegalArgumentException("number out of range: " + number);
    }
    return number.longValue();
  }

  private static Long longNumber(JsonNode node) {
    long value = unsignedLong(node);
    if (value < 0) {
      throw new IllegalArgumentException("number out of range: " + Long.toUnsignedString(value));
    }
    return value;
  }
}
