// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.engine;

import dev.patchbay.api.payload.PayloadAttributes;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.rpc.codec.Params;
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
 */
record AttributesObject(
    long timestamp,
    Hash prevRandao,
    Address feeRecipient,
    @Nullable List<Withdrawal> withdrawals,
    @Nullable Hash beaconRoot) {

  /**
   * Reads an object.
   *
   * @param version 1: without withdrawals; 2: with them or without; 3: with the beacon root besides
   * @throws RpcError with -38003 when a field is missing, malformed, or of another version
   */
  static AttributesObject read(Map<String, @Nullable Object> a, int version) throws RpcError {
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
      if (version == 3 && withdrawals == null) {
        throw RpcError.invalidParams("missing withdrawals");
      }
      return new AttributesObject(
          Params.quantity64("timestamp", a.get("timestamp")),
          Params.hash("prevRandao", a.get("prevRandao")),
          Params.address("suggestedFeeRecipient", a.get("suggestedFeeRecipient")),
          withdrawals == null ? null : Params.withdrawals(withdrawals),
          version < 3 ? null : Params.hash("parentBeaconBlockRoot", root));
    } catch (RpcError malformed) {
      throw EngineErrors.invalidAttributes(String.valueOf(malformed.getMessage()));
    }
  }

  PayloadAttributes attributes() {
    return new PayloadAttributes(
        timestamp,
        prevRandao,
        feeRecipient,
        withdrawals == null ? List.of() : withdrawals,
        beaconRoot == null ? Hash.ZERO : beaconRoot,
        Bytes.EMPTY);
  }
}
