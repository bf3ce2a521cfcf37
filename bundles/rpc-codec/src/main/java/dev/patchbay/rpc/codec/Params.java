// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.codec;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.primitives.AccessListEntry;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Authorization;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.Withdrawal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads positional parameters. Every method throws {@link RpcError} with code -32602 and the place
 * and value at fault.
 *
 * <p>Threading: stateless.
 */
public final class Params {
  private final List<@Nullable Object> values;

  /** Reads from the parameters of a call. */
  public Params(List<@Nullable Object> values) {
    this.values = values;
  }

  /** Parses a value of one kind; what it throws becomes an error of the parameter. */
  private interface Parser<T> {
    T parse(String text);
  }

  /** Returns the number of parameters. */
  public int size() {
    return values.size();
  }

  /** Returns a parameter, or null when it is absent. */
  public @Nullable Object optional(int index) {
    return index < values.size() ? values.get(index) : null;
  }

  private Object required(int index) throws RpcError {
    Object value = optional(index);
    if (value == null) {
      throw RpcError.invalidParams("missing value for required argument " + index);
    }
    return value;
  }

  private static <T> T parse(String what, @Nullable Object value, Parser<T> parser)
      throws RpcError {
    if (!(value instanceof String text)) {
      throw RpcError.invalidParams("invalid " + what + ": expected a string, got " + shown(value));
    }
    try {
      return parser.parse(text);
    } catch (IllegalArgumentException malformed) {
      throw RpcError.invalidParams("invalid " + what + ": " + malformed.getMessage());
    }
  }

  private static String shown(@Nullable Object value) {
    return Hex.shown(String.valueOf(value));
  }

  /** Returns an address. */
  public Address address(int index) throws RpcError {
    return address("argument " + index, required(index));
  }

  /** Returns a hash of 32 bytes. */
  public Hash hash(int index) throws RpcError {
    return hash("argument " + index, required(index));
  }

  /** Returns bytes. */
  public Bytes bytes(int index) throws RpcError {
    return bytes("argument " + index, required(index));
  }

  /** Returns a quantity. */
  public UInt256 quantity(int index) throws RpcError {
    return quantity("argument " + index, required(index));
  }

  /** Returns a position: a quantity below 2^31. */
  public int position(int index) throws RpcError {
    UInt256 value = quantity(index);
    if (!value.fitsLong() || value.longValue() < 0 || value.longValue() > Integer.MAX_VALUE) {
      throw RpcError.invalidParams("invalid argument " + index + ": " + value + " is out of range");
    }
    return (int) value.longValue();
  }

  /** Returns a boolean, false when absent. */
  public boolean flag(int index) throws RpcError {
    return flag("argument " + index, optional(index));
  }

  /** Returns an object, or an empty map when absent. */
  public Map<String, @Nullable Object> object(int index) throws RpcError {
    Object value = optional(index);
    return value == null ? Map.of() : object("argument " + index, value);
  }

  /** Returns a list. */
  public List<@Nullable Object> list(int index) throws RpcError {
    return list("argument " + index, required(index));
  }

  /** Returns a list of hashes. */
  public List<Hash> hashes(int index) throws RpcError {
    List<Hash> out = new ArrayList<>();
    for (Object item : list(index)) {
      out.add(hash("argument " + index, item));
    }
    return out;
  }

  /** Reads an address. */
  public static Address address(String what, @Nullable Object value) throws RpcError {
    return parse(what, value, Address::fromHex);
  }

  /** Reads a hash. */
  public static Hash hash(String what, @Nullable Object value) throws RpcError {
    return parse(what, value, Hash::fromHex);
  }

  /** Reads bytes, which are not text yet where a bundle passes a result on. */
  public static Bytes bytes(String what, @Nullable Object value) throws RpcError {
    return value instanceof Bytes known ? known : parse(what, value, Bytes::fromHex);
  }

  /** Reads a quantity. */
  public static UInt256 quantity(String what, @Nullable Object value) throws RpcError {
    if (value instanceof Integer || value instanceof Long) {
      long number = ((Number) value).longValue();
      if (number >= 0) {
        return UInt256.of(number);
      }
    }
    return parse(what, value, UInt256::fromHex);
  }

  /** Reads a quantity of at most 64 bits, unsigned. */
  public static long quantity64(String what, @Nullable Object value) throws RpcError {
    UInt256 number = quantity(what, value);
    if (!number.fitsLong()) {
      throw RpcError.invalidParams(
          "invalid " + what + ": " + number.toHex() + " has more than 64 bits");
    }
    return number.longValue();
  }

  /** Reads a quantity of at most 64 bits; null for null. */
  public static @Nullable Long quantity64OrNull(String what, @Nullable Object value)
      throws RpcError {
    return value == null ? null : (Long) quantity64(what, value);
  }

  /** Reads a word: up to 32 bytes in hexadecimal, with or without leading zeros. */
  public static UInt256 word(String what, @Nullable Object value) throws RpcError {
    return parse(what, value, text -> word(what, text));
  }

  private static UInt256 word(String what, String text) {
    if (!text.startsWith("0x") && !text.startsWith("0X")) {
      throw new IllegalArgumentException("hex string without 0x prefix: " + shown(text));
    }
    if (text.length() > 66) {
      throw new IllegalArgumentException(
          "unable to decode " + what + ": hex string too long, want at most 32 bytes");
    }
    return text.length() == 2 ? UInt256.ZERO : UInt256.fromHex(text);
  }

  /** Reads a storage key: up to 32 bytes in hexadecimal, with or without leading zeros. */
  public static UInt256 storageKey(@Nullable Object value) throws RpcError {
    return word("storage key", value);
  }

  /** Reads a boolean; false for null. */
  public static boolean flag(String what, @Nullable Object value) throws RpcError {
    if (value != null && !(value instanceof Boolean)) {
      throw RpcError.invalidParams("invalid " + what + ": expected a boolean, got " + shown(value));
    }
    return Boolean.TRUE.equals(value);
  }

  /** Reads an object. */
  @SuppressWarnings("unchecked") // JSON objects have string keys
  public static Map<String, @Nullable Object> object(String what, @Nullable Object value)
      throws RpcError {
    if (!(value instanceof Map)) {
      throw RpcError.invalidParams("invalid " + what + ": expected an object, got " + shown(value));
    }
    return (Map<String, @Nullable Object>) value;
  }

  /** Reads a list. */
  @SuppressWarnings("unchecked") // JSON arrays hold anything
  public static List<@Nullable Object> list(String what, @Nullable Object value) throws RpcError {
    if (!(value instanceof List)) {
      throw RpcError.invalidParams("invalid " + what + ": expected an array, got " + shown(value));
    }
    return (List<@Nullable Object>) value;
  }

  /** Reads an access list (EIP-2930). */
  public static List<AccessListEntry> accessList(@Nullable Object value) throws RpcError {
    List<AccessListEntry> out = new ArrayList<>();
    for (Object item : list("accessList", value)) {
      Map<String, @Nullable Object> entry = object("accessList", item);
      List<Hash> keys = new ArrayList<>();
      for (Object key : list("storageKeys", entry.get("storageKeys"))) {
        keys.add(hash("storageKeys", key));
      }
      out.add(new AccessListEntry(address("accessList.address", entry.get("address")), keys));
    }
    return out;
  }

  /** Reads a list of authorizations (EIP-7702). */
  public static List<Authorization> authorizations(@Nullable Object value) throws RpcError {
    List<Authorization> out = new ArrayList<>();
    for (Object item : list("authorizationList", value)) {
      Map<String, @Nullable Object> a = object("authorizationList", item);
      UInt256 parity = quantity("authorizationList.yParity", a.get("yParity"));
      out.add(
          new Authorization(
              quantity("authorizationList.chainId", a.get("chainId")),
              address("authorizationList.address", a.get("address")),
              quantity64("authorizationList.nonce", a.get("nonce")),
              (int) parity.min(UInt256.of(255)).longValue(),
              quantity("authorizationList.r", a.get("r")),
              quantity("authorizationList.s", a.get("s"))));
    }
    return out;
  }

  /** Reads withdrawals (EIP-4895); none for null. */
  public static List<Withdrawal> withdrawals(@Nullable Object value) throws RpcError {
    List<Withdrawal> out = new ArrayList<>();
    if (value == null) {
      return out;
    }
    for (Object item : list("withdrawals", value)) {
      Map<String, @Nullable Object> w = object("withdrawal", item);
      out.add(
          new Withdrawal(
              quantity64("withdrawal.index", w.get("index")),
              quantity64("withdrawal.validatorIndex", w.get("validatorIndex")),
              address("withdrawal.address", w.get("address")),
              quantity64("withdrawal.amount", w.get("amount"))));
    }
    return out;
  }

  /**
   * Finds a block by tag, number, hash or the object of EIP-1898; {@code latest} when absent.
   *
   * @return the block, or null when there is no such block
   */
  public @Nullable Block block(int index, ChainReader chain) throws RpcError {
    return block(optional(index), chain);
  }

  /** Finds a block by tag, number, hash or the object of EIP-1898; {@code latest} for null. */
  public static @Nullable Block block(@Nullable Object value, ChainReader chain) throws RpcError {
    if (value instanceof Map) {
      Map<String, @Nullable Object> object = object("block", value);
      if (object.get("blockHash") != null) {
        return chain.block(hash("blockHash", object.get("blockHash")));
      }
      return block(object.get("blockNumber"), chain);
    }
    if (value == null) {
      return chain.head();
    }
    if (value.equals("latest") || value.equals("pending")) {
      return chain.head();
    }
    if (value.equals("safe") || value.equals("finalized")) {
      return marked(String.valueOf(value), chain);
    }
    if (value.equals("earliest")) {
      return chain.genesis();
    }
    if (String.valueOf(value).length() == 66) {
      return chain.block(hash("block", value));
    }
    UInt256 number = quantity("block number", value);
    if (!number.fitsLong() || number.longValue() < 0) {
      return null;
    }
    return chain.block(number.longValue());
  }

  /** Finds a block. */
  public interface Finder {
    /** Returns the block, or null when there is no such block. */
    @Nullable Block find() throws RpcError;
  }

  /**
   * Finds a block of which the header is needed alone, or the state after it. When its body has
   * been pruned, the block that is returned has the header and an empty body.
   *
   * @return null when there is no such block
   */
  public static @Nullable Block headerOf(ChainReader chain, Finder finder) throws RpcError {
    try {
      return finder.find();
    } catch (PrunedException pruned) {
      BlockHeader header = chain.header(pruned.number());
      return header == null ? null : new Block(header, List.of(), List.of(), null);
    }
  }

  /**
   * Finds a block that a call needs, but for its body, as {@link #headerOf}; an error says that
   * there is none.
   */
  public Block requiredHeader(int index, ChainReader chain) throws RpcError {
    Block block = headerOf(chain, () -> block(index, chain));
    if (block == null) {
      throw new RpcError(RpcError.SERVER_ERROR, "header not found");
    }
    return block;
  }

  /**
   * Returns the block that a consensus client called by a name.
   *
   * @param tag {@code safe} or {@code finalized}
   */
  public static Block marked(String tag, ChainReader chain) throws RpcError {
    Block block = tag.equals("safe") ? chain.safe() : chain.finalized();
    if (block == null) {
      throw new RpcError(RpcError.SERVER_ERROR, tag + " block not found");
    }
    return block;
  }

  /** Finds a block that a call needs; an error says that there is none. */
  public Block requiredBlock(int index, ChainReader chain) throws RpcError {
    Block block = block(index, chain);
    if (block == null) {
      throw new RpcError(RpcError.SERVER_ERROR, "header not found");
    }
    return block;
  }
}
