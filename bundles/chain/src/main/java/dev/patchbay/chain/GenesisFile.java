// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

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
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.primitives.execution.StateChanges;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A genesis in geth's format.
 *
 * @param config when which fork holds
 * @param configText the {@code config} object, normalised
 * @param allocation the accounts, as changes to an empty state
 * @param json all of it but the accounts
 */
record GenesisFile(ChainConfig config, String configText, StateChanges allocation, JsonNode json) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Map<Fork, String> BLOCKS = new EnumMap<>(Fork.class);
  private static final Map<Fork, String> TIMES = new EnumMap<>(Fork.class);
  private static final List<String> BLOB_FORKS =
      List.of("cancun", "prague", "osaka", "bpo1", "bpo2", "bpo3", "bpo4", "bpo5", "amsterdam");

  /** The forks of the OP Stack from Regolith on, with the fork of Ethereum that comes with each. */
  private static final Map<String, @Nullable Fork> ROLLUP_FORKS = new LinkedHashMap<>();

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
      throw new IllegalArgumentException(
          what + file + " is not JSON: " + malformed.getOriginalMessage());
    } catch (IOException unreadable) {
      throw new IllegalArgumentException(what + file + " cannot be read: " + unreadable);
    }
  }

  static GenesisFile parse(JsonNode json) {
    JsonNode config = json.get("config");
    if (config == null || !config.isObject()) {
      throw new IllegalArgumentException("field config is missing");
    }
    if (!json.path("alloc").isObject()) {
      throw new IllegalArgumentException("field alloc is missing");
    }
    // as text the accounts would take more memory than anything else, for as long as the node runs
    ObjectNode rest = JSON.createObjectNode();
    rest.setAll((ObjectNode) json);
    rest.remove("alloc");
    return new GenesisFile(config(config), config.toString(), allocation(json.get("alloc")), rest);
  }

  private static ChainConfig config(JsonNode json) {
    Map<Fork, Long> blocks = forks(json, BLOCKS);
    Map<Fork, Long> times = forks(json, TIMES);
    ChainConfig.Rollup rollup = rollup(json, times);
    UInt256 ttd = field(json, "terminalTotalDifficulty", GenesisFile::number, null);
    JsonNode clique = json.get("clique");
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
      Long time = field(json, name + "Time", GenesisFile::longNumber, null);
      BlobSchedule entry = blobSchedule(schedule, name);
      if (time != null && entry != null) {
        blobs.put(time, entry);
      }
    }
    ChainConfig.Clique poa = null;
    if (clique != null) {
      poa =
          new ChainConfig.Clique(
              required(clique, "clique.", "period", GenesisFile::longNumber),
              field(clique, "epoch", GenesisFile::longNumber, 30_000L));
    }
    return new ChainConfig(
        required(json, "config.", "chainId", GenesisFile::number),
        blocks,
        times,
        ttd,
        blobs,
        field(json, "depositContractAddress", node -> Address.fromHex(node.asText()), null),
        poa,
        json.path("daoForkSupport").asBoolean()
            ? field(json, "daoForkBlock", GenesisFile::longNumber, null)
            : null,
        field(json, "mergeNetsplitBlock", GenesisFile::longNumber, null),
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
          Long from = field(json, name + "Time", GenesisFile::longNumber, null);
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
        optimism.has("eip1559DenominatorCanyon")
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
    if (entry == null) {
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
          Long from = field(json, name, GenesisFile::longNumber, null);
          if (from != null) {
            out.put(fork, from);
          }
        });
    return out;
  }

  private static StateChanges allocation(JsonNode alloc) {
    List<StateChanges.AccountChange> accounts = new ArrayList<>();
    for (Iterator<Map.Entry<String, JsonNode>> fields = alloc.fields(); fields.hasNext(); ) {
      Map.Entry<String, JsonNode> entry = fields.next();
      String name = entry.getKey();
      String at = "alloc." + name + ".";
      Address address;
      try {
        address = Address.fromHex(name.startsWith("0x") ? name : "0x" + name);
      } catch (IllegalArgumentException malformed) {
        throw new IllegalArgumentException("field alloc has an invalid address: " + name);
      }
      JsonNode json = entry.getValue();
      Bytes code = checked(at, json, "code", n -> Bytes.fromHex(n.asText()), Bytes.EMPTY);
      Map<UInt256, UInt256> storage = new HashMap<>();
      json.path("storage")
          .fields()
          .forEachRemaining(
              slot -> storage.put(UInt256.fromHex(slot.getKey()), number(slot.getValue())));
      accounts.add(
          new StateChanges.AccountChange(
              address,
              null,
              true,
              checked(at, json, "nonce", GenesisFile::unsignedLong, 0L),
              checked(at, json, "balance", GenesisFile::number, UInt256.ZERO),
              code.isEmpty() ? Account.EMPTY_CODE : code.keccak(),
              code.isEmpty() ? null : code,
              false,
              storage));
    }
    return new StateChanges(accounts);
  }

  /** Returns the genesis block over the state root of the allocation. */
  Block block(Hash stateRoot) {
    long timestamp = field(json, "timestamp", GenesisFile::longNumber, 0L);
    Fork fork = config.forkAt(0, timestamp);
    boolean shanghai = fork.includes(Fork.SHANGHAI);
    boolean cancun = fork.includes(Fork.CANCUN);
    boolean amsterdam = fork.includes(Fork.AMSTERDAM);
    BlockHeader header =
        BlockHeader.builder()
            .parentHash(field(json, "parentHash", n -> Hash.fromHex(n.asText()), Hash.ZERO))
            .coinbase(field(json, "coinbase", n -> Address.fromHex(n.asText()), Address.ZERO))
            .stateRoot(stateRoot)
            .difficulty(field(json, "difficulty", GenesisFile::number, UInt256.ZERO))
            .number(field(json, "number", GenesisFile::longNumber, 0L))
            .gasLimit(required(json, "", "gasLimit", GenesisFile::longNumber))
            .gasUsed(field(json, "gasUsed", GenesisFile::longNumber, 0L))
            .timestamp(timestamp)
            .extraData(field(json, "extraData", n -> Bytes.fromHex(n.asText()), Bytes.EMPTY))
            .mixHash(field(json, "mixHash", n -> Hash.fromHex(n.asText()), Hash.ZERO))
            .nonce(field(json, "nonce", n -> number(n).longValue(), 0L))
            .baseFeePerGas(
                fork.includes(Fork.LONDON)
                    ? field(json, "baseFeePerGas", GenesisFile::number, FeeMarket.INITIAL_BASE_FEE)
                    : null)
            .withdrawalsRoot(shanghai ? Account.EMPTY_ROOT : null)
            .blobGasUsed(cancun ? field(json, "blobGasUsed", GenesisFile::longNumber, 0L) : null)
            .excessBlobGas(
                cancun ? field(json, "excessBlobGas", GenesisFile::longNumber, 0L) : null)
            .parentBeaconBlockRoot(cancun ? Hash.ZERO : null)
            .requestsHash(fork.includes(Fork.PRAGUE) ? EMPTY_REQUESTS : null)
            .blockAccessListHash(amsterdam ? EMPTY_ACCESS_LIST : null)
            .slotNumber(amsterdam ? field(json, "slotNumber", GenesisFile::longNumber, 0L) : null)
            .build();
    return new Block(header, List.of(), List.of(), shanghai ? List.of() : null);
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

  private static UInt256 number(JsonNode node) {
    String text = node.asText();
    if (text.startsWith("0x")) {
      return text.length() == 2 ? UInt256.ZERO : UInt256.fromHex(text);
    }
    try {
      return UInt256.of(new BigInteger(text));
    } catch (NumberFormatException malformed) {
      throw new IllegalArgumentException("not a number: " + text);
    }
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
