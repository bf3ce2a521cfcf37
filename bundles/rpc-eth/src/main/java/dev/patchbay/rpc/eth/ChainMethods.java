// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ChainReader.TransactionLocation;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.consensus.RollupRules;
import dev.patchbay.api.node.SyncStatus;
import dev.patchbay.api.rpc.RpcConstant;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Account;
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
  private final ChainReader chain;
  private final ProtocolSchedule schedule;
  private final StateProvider states;
  private final TransactionPool pool;
  private final Supplier<@Nullable BlockSealer> sealer;
  private final Supplier<@Nullable SyncStatus> sync;

  ChainMethods(
      ChainReader chain,
      ProtocolSchedule schedule,
      StateProvider states,
      TransactionPool pool,
      Supplier<@Nullable BlockSealer> sealer,
      Supplier<@Nullable SyncStatus> sync) {
    this.chain = chain;
    this.schedule = schedule;
    this.states = states;
    this.pool = pool;
    this.sealer = sealer;
    this.sync = sync;
  }

  private Object syncing() {
    SyncStatus status = sync.get();
    SyncStatus.Progress progress = status == null ? null : status.progress();
    return progress == null
        ? false
        : Map.of(
            "startingBlock", Hex.quantity(progress.startingBlock()),
            "currentBlock", Hex.quantity(progress.currentBlock()),
            "highestBlock", Hex.quantity(progress.highestBlock()));
  }

  Map<String, RpcMethod> methods() {
    Map<String, RpcMethod> m = new LinkedHashMap<>();
    m.put("eth_chainId", (p, s) -> chain.config().chainId().toHex());
    m.put("eth_blockNumber", (p, s) -> Hex.quantity(chain.head().number()));
    m.put("eth_syncing", (p, s) -> syncing());
    m.put("eth_accounts", (p, s) -> List.of());
    m.put("eth_mining", (p, s) -> sealer.get() != null);
    m.put("eth_hashrate", (p, s) -> "0x0");
    m.put("eth_protocolVersion", (p, s) -> "0x44");
    m.put("eth_coinbase", (p, s) -> coinbase());
    m.put("eth_getBlockByHash", (p, s) -> getBlock(chain.block(new Params(p).hash(0)), p));
    m.put("eth_getBlockByNumber", (p, s) -> getBlock(numbered(p), p));
    m.put("eth_getHeaderByHash", (p, s) -> header(() -> chain.block(new Params(p).hash(0))));
    m.put("eth_getHeaderByNumber", (p, s) -> header(() -> numbered(p)));
    m.put("eth_getBlockReceipts", (p, s) -> receipts(new Params(p).block(0, chain)));
    m.put(
        "eth_getBlockTransactionCountByHash", (p, s) -> count(chain.block(new Params(p).hash(0))));
    m.put("eth_getBlockTransactionCountByNumber", (p, s) -> count(numbered(p)));
    m.put("eth_getUncleCountByBlockHash", (p, s) -> ommers(chain.block(new Params(p).hash(0))));
    m.put("eth_getUncleCountByBlockNumber", (p, s) -> ommers(numbered(p)));
    m.put(
        "eth_getUncleByBlockHashAndIndex",
        (p, s) -> ommer(chain.block(new Params(p).hash(0)), new Params(p).position(1)));
    m.put(
        "eth_getUncleByBlockNumberAndIndex",
        (p, s) -> ommer(numbered(p), new Params(p).position(1)));
    m.put("eth_getTransactionByHash", (p, s) -> transaction(new Params(p).hash(0)));
    m.put(
        "eth_getTransactionByBlockHashAndIndex",
        (p, s) -> at(chain.block(new Params(p).hash(0)), new Params(p).position(1)));
    m.put(
        "eth_getTransactionByBlockNumberAndIndex",
        (p, s) -> at(numbered(p), new Params(p).position(1)));
    m.put("eth_getRawTransactionByHash", (p, s) -> raw(new Params(p).hash(0)));
    m.put(
        "eth_getRawTransactionByBlockHashAndIndex",
        (p, s) -> rawAt(chain.block(new Params(p).hash(0)), new Params(p).position(1)));
    m.put(
        "eth_getRawTransactionByBlockNumberAndIndex",
        (p, s) -> rawAt(numbered(p), new Params(p).position(1)));
    m.put("eth_getTransactionBySenderAndNonce", (p, s) -> bySenderAndNonce(new Params(p)));
    m.put("eth_getBlockAccessList", (p, s) -> blockAccessList(new Params(p)));
    m.put("eth_getTransactionReceipt", (p, s) -> constantReceipt(new Params(p).hash(0)));
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

  private @Nullable Object getBlock(@Nullable Block block, List<@Nullable Object> p)
      throws RpcError {
    boolean full = new Params(p).flag(1);
    return block == null
        ? null
        : new RpcConstant(
            "block/" + block.hash() + (full ? "/full" : ""),
            () -> Results.block(block, full, full ? receiptsIfShown(block) : null));
  }

  /** Returns the receipts of a block whose transactions are shown with something of them. */
  private @Nullable List<Receipt> receiptsIfShown(Block block) {
    boolean deposits = block.transactions().stream().anyMatch(t -> t.deposit() != null);
    return deposits ? chain.receipts(block.hash()) : null;
  }

  private @Nullable Object header(Params.Finder finder) throws RpcError {
    Block block = Params.headerOf(chain, finder);
    return block == null ? null : Results.header(block.header(), block.hash());
  }

  private static @Nullable String count(@Nullable Block block) {
    return block == null ? null : Hex.quantity(block.transactions().size());
  }

  private static @Nullable String ommers(@Nullable Block block) {
    return block == null ? null : Hex.quantity(block.ommers().size());
  }

  private static @Nullable Object ommer(@Nullable Block block, int index) {
    if (block == null || index >= block.ommers().size()) {
      return null;
    }
    return Results.block(new Block(block.ommers().get(index), List.of(), List.of(), null), false);
  }

  private static @Nullable String rawAt(@Nullable Block block, int index) {
    return block == null || index >= block.transactions().size()
        ? null
        : Hex.encode(block.transactions().get(index).encode());
  }

  /** No block has an access list before Amsterdam (EIP-7928). */
  private @Nullable Object blockAccessList(Params params) throws RpcError {
    params.requiredBlock(0, chain);
    return null;
  }

  /**
   * Looks in the pool, then for the block that moved the sender's nonce past the one asked for, by
   * bisection over the states that are kept.
   */
  private @Nullable Object bySenderAndNonce(Params params) throws RpcError {
    Address sender = params.address(0);
    long nonce = Params.quantity64("argument 1", params.optional(1));
    for (Transaction pending : pool.content(sender).pending()) {
      if (pending.nonce() == nonce) {
        return Results.transaction(pending);
      }
    }
    long low = states.retention().oldestBlock();
    long high = chain.head().number();
    if (Long.compareUnsigned(nonceAfter(high, sender), nonce) <= 0) {
      return null;
    }
    while (low < high) {
      long middle = low + (high - low) / 2;
      if (Long.compareUnsigned(nonceAfter(middle, sender), nonce) > 0) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    Block block = chain.block(low);
    for (int i = 0; block != null && i < block.transactions().size(); i++) {
      Transaction transaction = block.transactions().get(i);
      if (transaction.nonce() == nonce && sender.equals(transaction.sender())) {
        return at(block, i);
      }
    }
    return null;
  }

  private long nonceAfter(long number, Address sender) {
    Hash hash = chain.canonicalHash(number);
    try (StateReader state = hash == null ? null : states.stateAt(hash)) {
      Account account = state == null ? null : state.account(sender);
      return account == null ? 0 : account.nonce();
    }
  }

  private @Nullable Object transaction(Hash hash) {
    TransactionLocation location = chain.transaction(hash);
    if (location != null) {
      return at(chain.block(location.blockHash()), location.index());
    }
    Transaction pending = pool.get(hash);
    return pending == null ? null : Results.transaction(pending);
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

  private @Nullable Object at(@Nullable Block block, int index) {
    if (block == null || index >= block.transactions().size()) {
      return null;
    }
    List<Receipt> receipts = receiptsIfShown(block);
    return Results.transaction(
        block.transactions().get(index),
        block,
        index,
        receipts == null ? null : receipts.get(index));
  }

  private UInt256 blobBaseFee(Block block) {
    Long excess = block.header().excessBlobGas();
    return excess == null
        ? UInt256.ZERO
        : FeeMarket.blobBaseFee(excess, chain.config().blobScheduleAt(block.header().timestamp()));
  }

  private @Nullable Object constantReceipt(Hash hash) {
    TransactionLocation location = chain.transaction(hash);
    Block block = location == null ? null : chain.block(location.blockHash());
    List<Receipt> receipts = location == null ? null : chain.receipts(location.blockHash());
    return location == null || block == null || receipts == null
        ? null
        : new RpcConstant(
            "receipt/" + location.blockHash() + "/" + location.index(),
            () -> receipt(block, receipts, location.index()));
  }

  private Map<String, @Nullable Object> receipt(Block block, List<Receipt> receipts, int index) {
    Map<String, @Nullable Object> out = Results.receipt(block, receipts, index, blobBaseFee(block));
    // the rules of other chains are not asked: they may not be installed
    if (chain.config().rollup() != null && schedule.rules() instanceof RollupRules rollup) {
      out.putAll(rollup.receiptFields(block, index, chain.config()));
    }
    return out;
  }

  @Nullable Object receipt(Hash hash) {
    return constantReceipt(hash) instanceof RpcConstant constant ? constant.value().get() : null;
  }

  private @Nullable Object receipts(@Nullable Block block) {
    return block == null || chain.receipts(block.hash()) == null
        ? null
        : new RpcConstant("receipts/" + block.hash(), () -> receiptsOf(block));
  }

  /** Returns the receipts of a block, none when it is not there. */
  List<Object> receiptsOf(Block block) {
    List<Receipt> receipts = chain.receipts(block.hash());
    List<Object> out = new ArrayList<>();
    for (int i = 0; receipts != null && i < receipts.size(); i++) {
      out.add(receipt(block, receipts, i));
    }
    return out;
  }
}
