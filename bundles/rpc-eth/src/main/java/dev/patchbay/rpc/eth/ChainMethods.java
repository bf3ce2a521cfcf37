// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ChainReader.TransactionLocation;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Results;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Methods about blocks and transactions. */
final class ChainMethods {
  private static final int ERROR_NONCE_TOO_LOW = -32001;
  private static final int ERROR_FUNDS = -32002;
  private static final int ERROR_GAS_LIMIT = -32003;
  private static final int ERROR_UNDERPRICED = -32004;

  private final ChainReader chain;
  private final TransactionPool pool;
  private final Supplier<@Nullable BlockSealer> sealer;

  ChainMethods(ChainReader chain, TransactionPool pool, Supplier<@Nullable BlockSealer> sealer) {
    this.chain = chain;
    this.pool = pool;
    this.sealer = sealer;
  }

  Map<String, RpcMethod> methods() {
    Map<String, RpcMethod> m = new LinkedHashMap<>();
    m.put("eth_chainId", (p, s) -> chain.config().chainId().toHex());
    m.put("eth_blockNumber", (p, s) -> Hex.quantity(chain.head().number()));
    m.put("eth_syncing", (p, s) -> false);
    m.put("eth_accounts", (p, s) -> List.of());
    m.put("eth_mining", (p, s) -> sealer.get() != null);
    m.put("eth_hashrate", (p, s) -> "0x0");
    m.put("eth_protocolVersion", (p, s) -> "0x44");
    m.put("eth_coinbase", (p, s) -> coinbase());
    m.put("eth_getBlockByHash", (p, s) -> getBlock(chain.block(new Params(p).hash(0)), p));
    m.put("eth_getBlockByNumber", (p, s) -> getBlock(numbered(p), p));
    m.put("eth_getHeaderByHash", (p, s) -> header(chain.block(new Params(p).hash(0))));
    m.put("eth_getHeaderByNumber", (p, s) -> header(numbered(p)));
    m.put("eth_getBlockReceipts", (p, s) -> receipts(new Params(p).block(0, chain)));
    m.put(
        "eth_getBlockTransactionCountByHash", (p, s) -> count(chain.block(new Params(p).hash(0))));
    m.put("eth_getBlockTransactionCountByNumber", (p, s) -> count(numbered(p)));
    m.put("eth_getUncleCountByBlockHash", (p, s) -> ommers(chain.block(new Params(p).hash(0))));
    m.put("eth_getUncleCountByBlockNumber", (p, s) -> ommers(numbered(p)));
    m.put("eth_getUncleByBlockHashAndIndex", (p, s) -> null);
    m.put("eth_getUncleByBlockNumberAndIndex", (p, s) -> null);
    m.put("eth_getTransactionByHash", (p, s) -> transaction(new Params(p).hash(0)));
    m.put(
        "eth_getTransactionByBlockHashAndIndex",
        (p, s) -> at(chain.block(new Params(p).hash(0)), new Params(p).position(1)));
    m.put(
        "eth_getTransactionByBlockNumberAndIndex",
        (p, s) -> at(numbered(p), new Params(p).position(1)));
    m.put("eth_getRawTransactionByHash", (p, s) -> raw(new Params(p).hash(0)));
    m.put("eth_getTransactionReceipt", (p, s) -> receipt(new Params(p).hash(0)));
    m.put("eth_sendRawTransaction", (p, s) -> send(new Params(p)));
    return m;
  }

  private @Nullable Block numbered(List<@Nullable Object> p) throws RpcError {
    Params params = new Params(p);
    if (params.optional(0) == null) {
      throw RpcError.invalidParams("missing value for required argument 0");
    }
    return params.block(0, chain);
  }

  private String coinbase() {
    BlockSealer current = sealer.get();
    return (current == null ? Address.ZERO : current.signer()).toString();
  }

  private static @Nullable Object getBlock(@Nullable Block block, List<@Nullable Object> p)
      throws RpcError {
    boolean full = new Params(p).flag(1);
    return block == null ? null : Results.block(block, full);
  }

  private static @Nullable Object header(@Nullable Block block) {
    return block == null ? null : Results.header(block.header(), block.hash());
  }

  private static @Nullable String count(@Nullable Block block) {
    return block == null ? null : Hex.quantity(block.transactions().size());
  }

  private static @Nullable String ommers(@Nullable Block block) {
    return block == null ? null : Hex.quantity(block.ommers().size());
  }

  private @Nullable Object transaction(Hash hash) {
    TransactionLocation location = chain.transaction(hash);
    if (location != null) {
      return at(chain.block(location.blockHash()), location.index());
    }
    Transaction pending = pool.get(hash);
    return pending == null ? null : Results.transaction(pending, null, 0);
  }

  private @Nullable String raw(Hash hash) {
    TransactionLocation location = chain.transaction(hash);
    Block block = location == null ? null : chain.block(location.blockHash());
    Transaction found =
        location != null && block != null
            ? block.transactions().get(location.index())
            : pool.get(hash);
    return found == null ? null : Hex.encode(found.encode());
  }

  private static @Nullable Object at(@Nullable Block block, int index) {
    return block == null || index >= block.transactions().size()
        ? null
        : Results.transaction(block.transactions().get(index), block, index);
  }

  private UInt256 blobBaseFee(Block block) {
    Long excess = block.header().excessBlobGas();
    return excess == null
        ? UInt256.ZERO
        : FeeMarket.blobBaseFee(excess, chain.config().blobScheduleAt(block.header().timestamp()));
  }

  private @Nullable Object receipt(Hash hash) {
    TransactionLocation location = chain.transaction(hash);
    Block block = location == null ? null : chain.block(location.blockHash());
    List<Receipt> receipts = location == null ? null : chain.receipts(location.blockHash());
    return location == null || block == null || receipts == null
        ? null
        : Results.receipt(block, receipts, location.index(), blobBaseFee(block));
  }

  private @Nullable Object receipts(@Nullable Block block) {
    List<Receipt> receipts = block == null ? null : chain.receipts(block.hash());
    if (block == null || receipts == null) {
      return null;
    }
    List<Object> out = new ArrayList<>();
    for (int i = 0; i < receipts.size(); i++) {
      out.add(Results.receipt(block, receipts, i, blobBaseFee(block)));
    }
    return out;
  }

  private String send(Params params) throws RpcError {
    Transaction transaction;
    try {
      transaction = Transaction.decode(params.bytes(0).toArray());
    } catch (IllegalArgumentException malformed) {
      throw RpcError.invalidParams("invalid transaction: " + malformed.getMessage());
    }
    AddResult result = pool.add(transaction);
    if (result instanceof AddResult.Rejected rejected) {
      int code =
          switch (rejected.reason()) {
            case NONCE_TOO_LOW -> ERROR_NONCE_TOO_LOW;
            case INSUFFICIENT_FUNDS -> ERROR_FUNDS;
            case GAS_LIMIT -> ERROR_GAS_LIMIT;
            case UNDERPRICED -> ERROR_UNDERPRICED;
            case POOL_FULL -> RpcError.LIMIT_EXCEEDED;
            case ALREADY_KNOWN, INVALID -> RpcError.SERVER_ERROR;
          };
      throw new RpcError(code, rejected.message(), Map.of("reason", rejected.reason().name()));
    }
    return transaction.hash().toString();
  }
}
