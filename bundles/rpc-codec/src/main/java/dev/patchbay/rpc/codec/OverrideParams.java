// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.codec;

import dev.patchbay.api.execution.AccountOverride;
import dev.patchbay.api.execution.BlockOverride;
import dev.patchbay.api.execution.CallSimulator.Overrides;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.UInt256;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads what a simulation finds different from the chain: state and block overrides
 * (execution-apis). Threading: stateless.
 */
public final class OverrideParams {
  private OverrideParams() {}

  /** Reads both kinds of overrides; null for none. */
  public static Overrides of(@Nullable Object state, @Nullable Object block) throws RpcError {
    return state == null && block == null
        ? Overrides.NONE
        : new Overrides(accounts(state), block(block));
  }

  /** Reads state overrides by address, in their order; null for none. */
  public static Map<Address, AccountOverride> accounts(@Nullable Object value) throws RpcError {
    Map<Address, AccountOverride> out = new LinkedHashMap<>();
    if (value == null) {
      return out;
    }
    for (Map.Entry<String, @Nullable Object> entry :
        Params.object("state override", value).entrySet()) {
      Address address = Params.address("state override", entry.getKey());
      out.put(address, account(address, Params.object("state override", entry.getValue())));
    }
    return out;
  }

  private static AccountOverride account(Address address, Map<String, @Nullable Object> o)
      throws RpcError {
    if (o.get("state") != null && o.get("stateDiff") != null) {
      throw RpcError.invalidParams("account " + address + " has both 'state' and 'stateDiff'");
    }
    boolean whole = o.get("state") != null;
    String name = whole ? "state" : "stateDiff";
    Map<UInt256, UInt256> slots = new LinkedHashMap<>();
    if (o.get(name) != null) {
      for (Map.Entry<String, @Nullable Object> slot : Params.object(name, o.get(name)).entrySet()) {
        slots.put(Params.storageKey(slot.getKey()), Params.word(name, slot.getValue()));
      }
    }
    Object to = o.get("movePrecompileToAddress");
    if (to == null) {
      to = o.get("MovePrecompileToAddress"); // the spelling of the specification's first version
    }
    return new AccountOverride(
        o.get("balance") == null ? null : Params.quantity("balance", o.get("balance")),
        Params.quantity64OrNull("nonce", o.get("nonce")),
        o.get("code") == null ? null : Params.bytes("code", o.get("code")),
        slots,
        whole,
        to == null ? null : Params.address("movePrecompileToAddress", to));
  }

  /** Reads block overrides; null for none. */
  public static BlockOverride block(@Nullable Object value) throws RpcError {
    if (value == null) {
      return BlockOverride.NONE;
    }
    Map<String, @Nullable Object> o = Params.object("block override", value);
    Object baseFee = o.get("baseFeePerGas") == null ? o.get("baseFee") : o.get("baseFeePerGas");
    return new BlockOverride(
        number(o, "number"),
        number(o, "time"),
        number(o, "gasLimit"),
        o.get("feeRecipient") == null
            ? null
            : Params.address("feeRecipient", o.get("feeRecipient")),
        o.get("prevRandao") == null ? null : Params.hash("prevRandao", o.get("prevRandao")),
        o.get("difficulty") == null ? null : Params.quantity("difficulty", o.get("difficulty")),
        baseFee == null ? null : Params.quantity("baseFeePerGas", baseFee),
        o.get("blobBaseFee") == null ? null : Params.quantity("blobBaseFee", o.get("blobBaseFee")));
  }

  private static @Nullable Long number(Map<String, @Nullable Object> object, String name)
      throws RpcError {
    Object value = object.get(name);
    if (value == null) {
      return null;
    }
    long number = Params.quantity64(name, value);
    if (number < 0) {
      throw RpcError.invalidParams(
          "invalid " + name + ": " + Long.toUnsignedString(number) + " is out of range");
    }
    return number;
  }
}
