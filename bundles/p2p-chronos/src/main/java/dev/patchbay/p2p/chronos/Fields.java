// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.UInt256;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Reads the members of an object that a peer has sent. Numbers are quantities as JSON-RPC has them:
 * {@code 0x} and digits without leading zeros.
 *
 * @param members the members by name
 */
record Fields(Map<?, ?> members) {
  private static final int MAX_LONG_DIGITS = 16;
  private static final int MAX_DIGITS = 64;

  /**
   * Reads an object.
   *
   * @throws WireException when it is none
   */
  static Fields of(@Nullable Object value, String what) throws WireException {
    if (value instanceof Map<?, ?> map) {
      return new Fields(map);
    }
    throw invalid(what + " is no object");
  }

  /** Returns what a peer is sent whose data has the wrong form; the connection goes on. */
  static WireException invalid(String reason) {
    return WireException.of("bad_data", reason);
  }

  /** Returns a number of JSON, up to 2^53 - 1, or a quantity, up to 2^63 - 1. */
  static long number(@Nullable Object value, String what) throws WireException {
    if (value instanceof Long number && number >= 0 && number <= Json.MAX_ID) {
      return number;
    }
    if (value instanceof String text) {
      return quantity(text, what);
    }
    throw invalid(what + " is no integer from 0 to 2^53 - 1");
  }

  /** Returns a hash. */
  static Hash hash(@Nullable Object value, String what) throws WireException {
    if (value instanceof String text) {
      try {
        return Hash.fromHex(text);
      } catch (IllegalArgumentException malformed) {
        throw invalid(what + ": " + malformed.getMessage());
      }
    }
    throw invalid(what + " is no string");
  }

  /** Returns a number of 63 bits. */
  private static long quantity(String text, String what) throws WireException {
    checkQuantity(text, what, MAX_LONG_DIGITS);
    long number = Long.parseUnsignedLong(text, 2, text.length(), 16);
    if (number < 0) {
      throw invalid(what + " is above 2^63 - 1");
    }
    return number;
  }

  private static void checkQuantity(String text, String what, int digits) throws WireException {
    boolean isQuantity =
        text.startsWith("0x")
            && text.length() > 2
            && text.length() <= 2 + digits
            && (text.charAt(2) != '0' || text.length() == 3)
            && text.chars().skip(2).allMatch(HexFormat::isHexDigit);
    if (!isQuantity) {
      throw invalid(what + " is no number of at most " + 4 * digits + " bits: " + Hex.shown(text));
    }
  }

  /** Returns whether there is a member, which may be null. */
  boolean has(String name) {
    return members.containsKey(name);
  }

  private String text(String name) throws WireException {
    if (members.get(name) instanceof String text) {
      return text;
    }
    throw invalid(name + (has(name) ? " is no string" : " is missing"));
  }

  private <T> T parsed(String name, Function<String, T> parser) throws WireException {
    String text = text(name);
    try {
      return parser.apply(text);
    } catch (IllegalArgumentException malformed) {
      throw invalid(name + ": " + malformed.getMessage());
    }
  }

  long number(String name) throws WireException {
    return number(members.get(name), name);
  }

  /** Returns a number of 63 bits, written as a quantity. */
  long quantity(String name) throws WireException {
    return quantity(text(name), name);
  }

  UInt256 uint256(String name) throws WireException {
    String text = text(name);
    checkQuantity(text, name, MAX_DIGITS);
    return UInt256.fromHex(text);
  }

  Hash hash(String name) throws WireException {
    return hash(members.get(name), name);
  }

  Address address(String name) throws WireException {
    return parsed(name, Address::fromHex);
  }

  Bytes bytes(String name) throws WireException {
    return parsed(name, Bytes::fromHex);
  }

  /** Returns bytes of a fixed size. */
  byte[] fixed(String name, int size) throws WireException {
    Bytes bytes = bytes(name);
    if (bytes.size() != size) {
      throw invalid(name + " must be " + size + " bytes, not " + bytes.size());
    }
    return bytes.toArray();
  }

  List<?> list(String name) throws WireException {
    if (members.get(name) instanceof List<?> list) {
      return list;
    }
    throw invalid(name + (has(name) ? " is no array" : " is missing"));
  }

  @Nullable Hash hashOrNull(String name) throws WireException {
    return has(name) ? hash(name) : null;
  }

  @Nullable Long quantityOrNull(String name) throws WireException {
    return has(name) ? (Long) quantity(name) : null;
  }

  @Nullable UInt256 uint256OrNull(String name) throws WireException {
    return has(name) ? uint256(name) : null;
  }
}
