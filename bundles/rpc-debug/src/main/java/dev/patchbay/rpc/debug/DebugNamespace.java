// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.debug;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ChainReader.TransactionLocation;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.CallSimulator;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.tracing.TracerRegistry;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Results;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The {@code debug} namespace: traces by whichever tracers are installed, and raw blocks. */
@Component(property = RpcNamespace.NAME + "=debug")
public final class DebugNamespace implements RpcNamespace {
  private final Map<String, RpcMethod> methods = new LinkedHashMap<>();
  private final ChainReader chain;
  private final StateProvider states;
  private final BlockExecutor executor;
  private final TransactionPool pool;

  /** Makes the methods. */
  @Activate
  public DebugNamespace(
      @Reference ChainReader chain,
      @Reference StateProvider states,
      @Reference BlockExecutor executor,
      @Reference CallSimulator simulator,
      @Reference TransactionPool pool,
      @Reference TracerRegistry tracers) {
    this.chain = chain;
    this.states = states;
    this.executor = executor;
    this.pool = pool;
    methods.putAll(new TraceMethods(chain, states, executor, simulator, tracers).methods());
    methods.put("debug_accountAt", RpcMethod.expensive((p, s) -> accountAt(new Params(p))));
    methods.put("debug_getBadBlocks", (p, s) -> badBlocks());
    methods.put("debug_clearTxpool", (p, s) -> Hex.quantity(pool.clear()));
    methods.put("debug_freeOSMemory", (p, s) -> collectGarbage());
    methods.put(
        "debug_getRawBlock", (p, s) -> Hex.encode(new Params(p).requiredBlock(0, chain).encode()));
    methods.put(
        "debug_getRawHeader",
        (p, s) -> Hex.encode(new Params(p).requiredBlock(0, chain).header().encode()));
    methods.put("debug_getRawTransaction", (p, s) -> rawTransaction(new Params(p)));
    methods.put("debug_getRawBlockAccessList", (p, s) -> rawBlockAccessList(new Params(p)));
    methods.put("debug_getRawReceipts", (p, s) -> rawReceipts(new Params(p)));
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }

  private Object badBlocks() {
    List<Object> out = new ArrayList<>();
    for (ChainReader.BadBlock bad : chain.badBlocks()) {
      Map<String, Object> item = new LinkedHashMap<>();
      item.put("hash", bad.block().hash().toString());
      item.put("block", Results.block(bad.block(), true));
      item.put("rlp", Hex.encode(bad.block().encode()));
      item.put("reason", bad.reason());
      out.add(item);
    }
    return out;
  }

  private static @Nullable Object collectGarbage() {
    System.gc();
    return null;
  }

  /** An account when a transaction of a block has ended. */
  private @Nullable Object accountAt(Params params) throws RpcError {
    Block block = params.requiredBlock(0, chain);
    int index = params.position(1);
    Address address = params.address(2);
    if (index >= block.transactions().size()) {
      throw RpcError.invalidParams(
          "transaction index " + index + " of a block with " + block.transactions().size());
    }
    try (StateReader state = states.stateAfter(block.header().parentHash())) {
      if (state == null) {
        throw new RpcError(
            RpcError.SERVER_ERROR, "the state before block " + block.number() + " is not there");
      }
      StateChanges changes = executor.replay(block, index + 1, state, i -> null);
      for (StateChanges.AccountChange change : changes.accounts()) {
        if (change.address().equals(address)) {
          Bytes code = change.newCode();
          return account(
              change.nonce(),
              change.balance(),
              change.codeHash(),
              code == null ? state.code(change.codeHash()) : code);
        }
      }
      Account account = state.account(address);
      return account == null
          ? null
          : account(
              account.nonce(),
              account.balance(),
              account.codeHash(),
              state.code(account.codeHash()));
    } catch (InvalidBlockException broken) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(broken.getMessage()));
    }
  }

  private static Map<String, Object> account(
      long nonce, UInt256 balance, Hash codeHash, Bytes code) {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("code", code.toString());
    out.put("nonce", Hex.quantity(nonce));
    out.put("balance", balance.toHex());
    out.put("codehash", codeHash.toString());
    return out;
  }

  private @Nullable String rawTransaction(Params params) throws RpcError {
    Hash hash = params.hash(0);
    TransactionLocation location = chain.transaction(hash);
    Block block = location == null ? null : chain.block(location.blockHash());
    Transaction found =
        location == null || block == null
            ? pool.get(hash)
            : block.transactions().get(location.index());
    return found == null ? null : Hex.encode(found.encode());
  }

  /** No block has an access list before Amsterdam (EIP-7928). */
  private @Nullable Object rawBlockAccessList(Params params) throws RpcError {
    params.requiredBlock(0, chain);
    return null;
  }

  private Object rawReceipts(Params params) throws RpcError {
    List<Receipt> receipts = chain.receipts(params.requiredBlock(0, chain).hash());
    return receipts == null
        ? List.of()
        : receipts.stream().map(receipt -> Hex.encode(receipt.encode())).toList();
  }
}
