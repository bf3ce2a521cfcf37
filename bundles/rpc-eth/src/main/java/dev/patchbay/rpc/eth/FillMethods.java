// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.execution.CallSimulator.Overrides;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.rpc.codec.CallArguments;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Results;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code eth_fillTransaction}: completes a transaction, for a client that signs it itself. */
final class FillMethods {
  private final ChainReader chain;
  private final TransactionPool pool;
  private final FeeMethods fees;
  private final CallMethods calls;

  FillMethods(ChainReader chain, TransactionPool pool, FeeMethods fees, CallMethods calls) {
    this.chain = chain;
    this.pool = pool;
    this.fees = fees;
    this.calls = calls;
  }

  Map<String, RpcMethod> methods() {
    return Map.of("eth_fillTransaction", (p, s) -> fill(new Params(p)));
  }

  private Object fill(Params params) throws RpcError {
    Map<String, @Nullable Object> call = new HashMap<>(params.object(0));
    UInt256 chainId = chain.config().chainId();
    if (call.get("chainId") != null) {
      UInt256 asked = Params.quantity("chainId", call.get("chainId"));
      if (!asked.equals(chainId)) {
        throw RpcError.invalidParams(
            "chainId does not match node's (have=" + asked + ", want=" + chainId + ")");
      }
    }
    Block head = chain.head();
    boolean market = head.header().baseFeePerGas() != null;
    if (call.get("gasPrice") == null && market) {
      fillFees(call);
    } else if (call.get("gasPrice") == null) {
      call.put("gasPrice", fees.tip().toHex());
    }
    Address from =
        call.get("from") == null ? Address.ZERO : Params.address("from", call.get("from"));
    Long next = pool.nextNonce(from);
    long nonce = next == null ? calls.nonce(head, from) : next;
    Long gas = call.get("gas") == null ? (Long) calls.estimate(call, head, Overrides.NONE) : null;
    Transaction transaction =
        CallArguments.transaction(
            call,
            market ? TransactionType.FEE_MARKET : TransactionType.LEGACY,
            chainId,
            nonce,
            gas);
    Map<String, @Nullable Object> shown = Results.transaction(transaction);
    for (String ofBlock :
        new String[] {"blockHash", "blockNumber", "blockTimestamp", "transactionIndex", "from"}) {
      shown.remove(ofBlock);
    }
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("raw", Hex.encode(transaction.encode()));
    out.put("tx", shown);
    return out;
  }

  /** Pays for two doublings of the base fee, as wallets do. */
  private void fillFees(Map<String, @Nullable Object> call) throws RpcError {
    if (call.get("maxPriorityFeePerGas") == null) {
      UInt256 tip = fees.tip();
      if (call.get("maxFeePerGas") != null) {
        tip = tip.min(Params.quantity("maxFeePerGas", call.get("maxFeePerGas")));
      }
      call.put("maxPriorityFeePerGas", tip.toHex());
    }
    if (call.get("maxFeePerGas") == null) {
      UInt256 tip = Params.quantity("maxPriorityFeePerGas", call.get("maxPriorityFeePerGas"));
      UInt256 baseFee = fees.nextBaseFee();
      call.put("maxFeePerGas", baseFee.add(baseFee).add(tip).toHex());
    }
  }
}
