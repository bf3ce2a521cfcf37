// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.debug;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.execution.BlockExecutor.Follower;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Replay;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Methods that write traces into files of the node's folder for temporary files. */
final class TraceFiles {
  private final ChainReader chain;
  private final Replay replay;
  private final BadBlocks bad;

  TraceFiles(ChainReader chain, Replay replay, BadBlocks bad) {
    this.chain = chain;
    this.replay = replay;
    this.bad = bad;
  }

  Map<String, RpcMethod> methods() {
    Map<String, RpcMethod> m = new LinkedHashMap<>();
    m.put(
        "debug_standardTraceBlockToFile",
        RpcMethod.expensive(
            (p, s) -> {
              Params params = new Params(p);
              return write(params.requiredBlock(0, chain), params.object(1));
            }));
    m.put(
        "debug_standardTraceBadBlockToFile",
        RpcMethod.expensive(
            (p, s) -> {
              Params params = new Params(p);
              return write(bad.find(params.hash(0)), params.object(1));
            }));
    return m;
  }

  private Object write(Block block, Map<String, @Nullable Object> options) throws RpcError {
    Object only = options.get("txHash");
    Hash wanted = only == null ? null : Params.hash("txHash", only);
    Writer writer = new Writer(block, wanted, options);
    int count = block.transactions().size();
    if (wanted != null) {
      int index = 0;
      while (index < count && !block.transactions().get(index).hash().equals(wanted)) {
        index++;
      }
      if (index == count) {
        throw new RpcError(
            RpcError.SERVER_ERROR, "transaction " + wanted + " not found in block " + block.hash());
      }
      count = index + 1;
    }
    try {
      replay.run(block, count, writer);
      return writer.files;
    } finally {
      writer.close();
    }
  }

  /** Opens a file for each transaction that is wanted. */
  private static final class Writer implements Follower {
    private final Block block;
    private final @Nullable Hash wanted;
    private final Map<String, @Nullable Object> options;
    private final List<String> files = new ArrayList<>();
    private @Nullable StandardTracer open;

    Writer(Block block, @Nullable Hash wanted, Map<String, @Nullable Object> options) {
      this.block = block;
      this.wanted = wanted;
      this.options = options;
    }

    @Override
    public @Nullable Tracer tracer(int index) {
      Hash hash = block.transactions().get(index).hash();
      if (wanted != null && !wanted.equals(hash)) {
        return null;
      }
      String prefix =
          "block_"
              + block.hash().toString().substring(0, 10)
              + "-"
              + index
              + "-"
              + hash.toString().substring(0, 10)
              + "-";
      try {
        Path file = Files.createTempFile(prefix, ".jsonl");
        files.add(file.toString());
        StandardTracer tracer = new StandardTracer(file, options);
        open = tracer;
        return tracer;
      } catch (IOException failure) {
        throw new TracerException("cannot make a file for the trace: " + failure.getMessage());
      }
    }

    @Override
    public void onEnd(int index, Supplier<StateChanges> changes) {
      close();
    }

    void close() {
      StandardTracer tracer = open;
      open = null;
      if (tracer != null) {
        try {
          tracer.close();
        } catch (IOException failure) {
          throw new TracerException("cannot write a trace: " + failure.getMessage());
        }
      }
    }
  }
}
