// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.engine;

import dev.patchbay.api.payload.PayloadAttributes;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.rpc.codec.Params;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A {@code PayloadAttributes} object (execution-apis, {@code src/engine}).
 *
 * @param timestamp seconds since the Unix epoch
 * @param prevRandao previous RANDAO
 * @param feeRecipient account that fees go to
 * @param withdrawals null before Shanghai
 * @param beaconRoot parent beacon block root; null before Cancun
 * @param slotNumber slot of the beacon block; null before Amsterdam
 * @param targetGasLimit gas limit towards which the block moves; null before Amsterdam
 * @param rollup what the sequencer of a rollup says; null on other chains
 */
record AttributesObject(
    long timestamp,
    Hash prevRandao,
    Address feeRecipient,
    @Nullable List<Withdrawal> withdrawals,
    @Nullable Hash beaconRoot,
    @Nullable Long slotNumber,
    @Nullable Long targetGasLimit,
    PayloadAttributes.@Nullable Rollup rollup) {

  /**
   * Reads an object.
   *
   * @param version 1: without withdrawals; 2: with them or without; 3: with the beacon root
   *     besides; 4: with the slot and the target of the gas limit besides
   * @param rollup whether they are those of a rollup
   * @throws RpcError with -38003 when a field is missing, malformed, or of another version
   */
  static AttributesObject read(Map<String, @Nullable Object> a, int version, boolean rollup)
      throws RpcError {
    try {
      Object withdrawals = a.get("withdrawals");
      Object root = a.get("parentBeaconBlockRoot");
      if (version == 1 && withdrawals != null) {
        throw RpcError.invalidParams("withdrawals are not a field of PayloadAttributesV1");
      }
      if (version < 3 && root != null) {
        throw RpcError.invalidParams(
            "parentBeaconBlockRoot is not a field of PayloadAttributesV" + version);
      }
      if (version >= 3 && withdrawals == null) {
        throw RpcError.invalidParams("missing withdrawals");
      }
      return new AttributesObject(
          Params.quantity64("timestamp", a.get("timestamp")),
          Params.hash("prevRandao", a.get("prevRandao")),
          Params.address("suggestedFeeRecipient", a.get("suggestedFeeRecipient")),
          withdrawals == null ? null : Params.withdrawals(withdrawals),
          version < 3 ? null : Params.hash("parentBeaconBlockRoot", root),
          fromV4(a, "slotNumber", version),
          fromV4(a, "targetGasLimit", version),
          rollup ? rollup(a) : null);
    } catch (RpcError malformed) {
      throw EngineErrors.invalidAttributes(String.valueOf(malformed.getMessage()));
    }
  }

  private static @Nullable Long fromV4(Map<String, @Nullable Object> a, String name, int version)
      throws RpcError {
    Object value = a.get(name);
    if (version < 4 && value != null) {
      throw RpcError.invalidParams(name + " is not a field of PayloadAttributesV" + version);
    }
    return version < 4 ? null : (Long) Params.quantity64(name, value);
  }

  private static PayloadAttributes.Rollup rollup(Map<String, @Nullable Object> a) throws RpcError {
    List<Transaction> transactions = new ArrayList<>();
    Object listed = a.get("transactions");
    for (Object item : listed == null ? List.of() : Params.list("transactions", listed)) {
      Bytes encoded = Params.bytes("transactions", item);
      try {
        transactions.add(Transaction.decode(encoded.unsafeArray()));
      } catch (IllegalArgumentException malformed) {
        throw RpcError.invalidParams(
            "transaction " + transactions.size() + " cannot be decoded: " + malformed.getMessage());
      }
    }
    Object closed = a.get("noTxPool");
    if (closed != null && !(closed instanceof Boolean)) {
      throw RpcError.invalidParams("invalid noTxPool: " + closed);
    }
    Object params = a.get("eip1559Params");
    return new PayloadAttributes.Rollup(
        transactions,
        Boolean.TRUE.equals(closed),
        Params.quantity64("gasLimit", a.get("gasLimit")),
        params == null ? null : Params.bytes("eip1559Params", params),
        Params.quantity64OrNull("minBaseFee", a.get("minBaseFee")));
  }

  PayloadAttributes attributes() {
    return new PayloadAttributes(
        timestamp,
        prevRandao,
        feeRecipient,
        withdrawals == null ? List.of() : withdrawals,
        beaconRoot == null ? Hash.ZERO : beaconRoot,
        Bytes.EMPTY,
        slotNumber,
        targetGasLimit,
        rollup);
  }
}
