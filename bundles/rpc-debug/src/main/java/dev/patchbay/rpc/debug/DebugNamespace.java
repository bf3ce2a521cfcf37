// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.debug;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ChainReader.TransactionLocation;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.CallSimulator;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.tracing.TracerRegistry;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Replay;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * The {@code debug} namespace: traces by whichever tracers are installed, raw blocks, states, and
 * the head set back.
 */
@Component(property = RpcNamespace.NAME + "=debug")
public final class DebugNamespace implements RpcNamespace {
  private final Map<String, RpcMethod> methods = new LinkedHashMap<>();
  private final ChainReader chain;
  private final TransactionPool pool;
  private final ChainTraces chainTraces;

  /** Makes the methods. */
  @Activate
  public DebugNamespace(
      @Reference ChainReader chain,
      @Reference BlockImporter importer,
      @Reference StateProvider states,
      @Reference BlockExecutor executor,
      @Reference CallSimulator simulator,
      @Reference TransactionPool pool,
      @Reference TracerRegistry tracers) {
    this.chain = chain;
    this.pool = pool;
    Replay replay = new Replay(states, executor, tracers);
    BadBlocks bad = new BadBlocks(chain);
    TraceMethods traces = new TraceMethods(chain, states, simulator, replay, bad);
    chainTraces = new ChainTraces(chain, replay, traces);
    methods.putAll(traces.methods());
    methods.putAll(new StateMethods(chain, states, replay, importer).methods());
    methods.putAll(new TraceFiles(chain, replay, bad).methods());
    methods.putAll(chainTraces.methods());
    Witness witness = new Witness(chain, states, executor);
    methods.put(
        "debug_executionWitness",
        RpcMethod.expensive((p, s) -> witness.of(new Params(p).requiredBlock(0, chain))));
    methods.put("debug_getBadBlocks", (p, s) -> bad.all());
    methods.put("debug_clearTxpool", (p, s) -> Hex.quantity(pool.clear()));
    methods.put("debug_freeOSMemory", (p, s) -> Heap.collect());
    methods.put("debug_setGCPercent", (p, s) -> Heap.setPercent(new Params(p)));
    methods.put(
        "debug_getRawBlock", (p, s) -> Hex.encode(new Params(p).requiredBlock(0, chain).encode()));
    methods.put(
        "debug_getRawHeader",
        (p, s) -> Hex.encode(new Params(p).requiredHeader(0, chain).header().encode()));
    methods.put("debug_getRawTransaction", (p, s) -> rawTransaction(new Params(p)));
    methods.put(
        "debug_getRawBlockAccessList",
        RpcMethod.expensive((p, s) -> rawBlockAccessList(new Params(p), executor)));
    methods.put("debug_getRawReceipts", (p, s) -> rawReceipts(new Params(p)));
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }

  @Deactivate
  void close() {
    chainTraces.close();
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

  private @Nullable Object rawBlockAccessList(Params params, BlockExecutor executor)
      throws RpcError {
    Bytes list = executor.accessList(params.requiredBlock(0, chain));
    return list == null ? null : list.toString();
  }

  private Object rawReceipts(Params params) throws RpcError {
    List<Receipt> receipts = chain.receipts(params.requiredBlock(0, chain).hash());
    return receipts == null
        ? List.of()
        : receipts.stream().map(receipt -> Hex.encode(receipt.encode())).toList();
  }
}
