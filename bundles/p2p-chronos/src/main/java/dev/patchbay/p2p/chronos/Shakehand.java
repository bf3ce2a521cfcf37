// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a node states in SHAKEHAND.
 *
 * @param timestamp its clock, milliseconds since the Unix epoch
 * @param height number of its latest block
 * @param address its address
 * @param chain which chain it has; null when it does not state it
 * @param headHash hash of its latest block; null when it does not state it
 */
record Shakehand(
    long timestamp,
    long height,
    Address address,
    @Nullable ChainId chain,
    @Nullable Hash headHash) {
  private static final long VERSION = 1;

  /**
   * Names a chain.
   *
   * @param id its chain id
   * @param genesis hash of its genesis block
   */
  record ChainId(UInt256 id, Hash genesis) {}

  /** Returns the data of the message. */
  Map<String, Object> write() {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("timestamp", timestamp);
    out.put("height", height);
    out.put("address", address.toString());
    if (chain != null) {
      out.put("version", VERSION);
      UInt256 id = chain.id;
      boolean isExact = id.fitsLong() && id.longValue() >= 0 && id.longValue() <= Json.MAX_ID;
      out.put("chainId", isExact ? (Object) id.longValue() : id.toHex());
      out.put("genesis", chain.genesis.toString());
    }
    if (headHash != null) {
      out.put("headHash", headHash.toString());
    }
    return out;
  }

  /** Returns the same with another address. */
  Shakehand withAddress(Address other) {
    return new Shakehand(timestamp, height, other, chain, headHash);
  }

  /** Returns the same at another time, in milliseconds since the Unix epoch. */
  Shakehand withTimestamp(long now) {
    return new Shakehand(now, height, address, chain, headHash);
  }

  /**
   * Reads the data of the message, and checks it.
   *
   * @param own the chain of this node
   * @param strict whether a peer must state all members
   * @throws WireException when the peer cannot be one; it ends the connection
   */
  static Shakehand read(@Nullable Object data, ChainId own, boolean strict) throws WireException {
    try {
      return read(Fields.of(data, "the data of SHAKEHAND"), own, strict);
    } catch (WireException invalid) {
      throw invalid.closes() ? invalid : WireException.closing(invalid.code(), invalid.reason());
    }
  }

  private static Shakehand read(Fields f, ChainId own, boolean strict) throws WireException {
    boolean hasAll = f.has("version") && f.has("chainId") && f.has("genesis") && f.has("headHash");
    if (strict && !hasAll) {
      throw WireException.closing(
          "incomplete_shakehand", "version, chainId, genesis and headHash are required here");
    }
    if (f.has("version") && f.number("version") != VERSION) {
      throw WireException.closing("unsupported_version", "this node speaks version 1");
    }
    if (f.has("chainId") && !chainId(f).equals(own.id)) {
      throw WireException.closing("wrong_chain", "the chain id here is " + own.id);
    }
    if (f.has("genesis") && !f.hash("genesis").equals(own.genesis)) {
      throw WireException.closing("wrong_chain", "the genesis block here is " + own.genesis);
    }
    boolean statesChain = f.has("chainId") && f.has("genesis");
    return new Shakehand(
        f.number("timestamp"),
        f.number("height"),
        f.address("address"),
        statesChain ? own : null,
        f.hashOrNull("headHash"));
  }

  private static UInt256 chainId(Fields f) throws WireException {
    return f.members().get("chainId") instanceof Long
        ? UInt256.of(f.number("chainId"))
        : f.uint256("chainId");
  }
}
