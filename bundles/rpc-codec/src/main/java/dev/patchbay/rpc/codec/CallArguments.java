// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.codec;

import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.RevertReason;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The call object of {@code eth_call} and its kin, and how their failures are told. Threading:
 * stateless.
 */
public final class CallArguments {
  /** Gas of a call that names none, and the most that one may name. */
  public static final long GAS_CAP = 50_000_000;

  private CallArguments() {}

  /**
   * Returns the call as a transaction with a sender in place of a signature. One that names neither
   * fees nor lists is a legacy transaction.
   *
   * @param gas gas to use in place of what the object says; null for that
   */
  public static Transaction transaction(
      Map<String, @Nullable Object> call, UInt256 chainId, long nonce, @Nullable Long gas)
      throws RpcError {
    return transaction(call, TransactionType.LEGACY, chainId, nonce, gas);
  }

  /**
   * Returns the call as a transaction with a sender in place of a signature.
   *
   * @param fallback the type of a call that names neither fees nor lists
   * @param gas gas to use in place of what the object says; null for that
   */
  public static Transaction transaction(
      Map<String, @Nullable Object> call,
      TransactionType fallback,
      UInt256 chainId,
      long nonce,
      @Nullable Long gas)
      throws RpcError {
    Object input = call.get("input");
    Object data = call.get("data");
    if (input != null && data != null && !input.equals(data)) {
      throw RpcError.invalidParams(
          "both \"data\" and \"input\" are set and not equal. Please use \"input\" to pass transaction call data");
    }
    Object gasPrice = call.get("gasPrice");
    Object maxFee = call.get("maxFeePerGas");
    Object tip = call.get("maxPriorityFeePerGas");
    if (gasPrice != null && (maxFee != null || tip != null)) {
      throw RpcError.invalidParams(
          "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified");
    }
    boolean market = maxFee != null || tip != null;
    Object list = call.get("accessList");
    Object authorizations = call.get("authorizationList");
    Object blobs = call.get("blobVersionedHashes");
    TransactionType type;
    if (authorizations != null) {
      type = TransactionType.SET_CODE;
    } else if (blobs != null) {
      type = TransactionType.BLOB;
    } else if (market) {
      type = TransactionType.FEE_MARKET;
    } else if (list != null) {
      type = gasPrice == null ? fallback : TransactionType.ACCESS_LIST;
      type = type == TransactionType.LEGACY ? TransactionType.ACCESS_LIST : type;
    } else {
      type = gasPrice == null ? fallback : TransactionType.LEGACY;
    }
    Address from =
        call.get("from") == null ? Address.ZERO : Params.address("from", call.get("from"));
    long limit =
        gas != null
            ? gas
            : call.get("gas") == null
                ? GAS_CAP
                : Math.min(GAS_CAP, clamp(Params.quantity("gas", call.get("gas"))));
    Object bytes = input == null ? data : input;
    Transaction.Builder b =
        Transaction.builder(type)
            .chainId(chainId)
            .nonce(
                call.get("nonce") == null ? nonce : Params.quantity64("nonce", call.get("nonce")))
            .gasLimit(limit)
            .to(call.get("to") == null ? null : Params.address("to", call.get("to")))
            .value(
                call.get("value") == null
                    ? UInt256.ZERO
                    : Params.quantity("value", call.get("value")))
            .data(bytes == null ? Bytes.EMPTY : Params.bytes("input", bytes))
            .sender(from);
    if (market) {
      b.maxFeePerGas(maxFee == null ? UInt256.ZERO : Params.quantity("maxFeePerGas", maxFee));
      b.maxPriorityFeePerGas(
          tip == null ? UInt256.ZERO : Params.quantity("maxPriorityFeePerGas", tip));
    } else if (gasPrice != null) {
      b.gasPrice(Params.quantity("gasPrice", gasPrice));
    }
    if (list != null) {
      b.accessList(Params.accessList(list));
    }
    if (authorizations != null) {
      b.authorizations(Params.authorizations(authorizations));
    }
    if (blobs != null) {
      List<Hash> hashes = new ArrayList<>();
      for (Object hash : Params.list("blobVersionedHashes", blobs)) {
        hashes.add(Params.hash("blobVersionedHashes", hash));
      }
      b.blobVersionedHashes(hashes);
    }
    if (call.get("maxFeePerBlobGas") != null) {
      b.maxFeePerBlobGas(Params.quantity("maxFeePerBlobGas", call.get("maxFeePerBlobGas")));
    }
    return b.build();
  }

  private static long clamp(UInt256 gas) {
    return gas.fitsLong() && gas.longValue() >= 0 ? gas.longValue() : Long.MAX_VALUE;
  }

  /** Returns the error of a call that did not succeed: code 3 with the data for a revert. */
  public static RpcError failure(ExecutionResult result) {
    if (result.status() != ExecutionResult.Status.REVERT) {
      return new RpcError(RpcError.SERVER_ERROR, String.valueOf(result.error()));
    }
    String reason = RevertReason.of(result.output());
    String message = reason == null ? "execution reverted" : "execution reverted: " + reason;
    return new RpcError(RpcError.REVERTED, message, result.output().toString());
  }
}
