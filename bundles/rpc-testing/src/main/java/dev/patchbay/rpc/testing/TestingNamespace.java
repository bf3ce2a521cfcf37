// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.testing;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.payload.Payload;
import dev.patchbay.api.payload.PayloadAttributes;
import dev.patchbay.api.payload.PayloadBuilder;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.execution.InvalidTransactionException;
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

/**
 * The {@code testing} namespace: blocks out of given transactions (execution-apis, {@code
 * src/testing}). It lets a client build and commit any block: for tests, never for a public
 * listener.
 */
@Component(property = RpcNamespace.NAME + "=testing")
public final class TestingNamespace implements RpcNamespace {
  private final Map<String, RpcMethod> methods = new LinkedHashMap<>();
  private final ChainReader chain;
  private final PayloadBuilder builder;
  private final BlockImporter importer;

  /** Makes the methods. */
  @Activate
  public TestingNamespace(
      @Reference ChainReader chain,
      @Reference PayloadBuilder builder,
      @Reference BlockImporter importer) {
    this.chain = chain;
    this.builder = builder;
    this.importer = importer;
    methods.put("testing_buildBlockV1", (p, s) -> build(new Params(p)));
    methods.put("testing_commitBlockV1", (p, s) -> commit(new Params(p)));
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }

  /**
   * Parameters: parent hash, attributes, transactions or null for those of the pool, extra data.
   */
  private Object build(Params params) throws RpcError {
    Block parent = chain.block(params.hash(0));
    if (parent == null) {
      throw new RpcError(RpcError.SERVER_ERROR, "parent block not found");
    }
    Payload payload = payload(parent, params, 1);
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("executionPayload", Results.payload(payload.block()));
    out.put("blockValue", payload.value().toHex());
    Map<String, Object> blobs = new LinkedHashMap<>();
    for (String name : new String[] {"commitments", "proofs", "blobs"}) {
      blobs.put(name, List.of());
    }
    out.put("blobsBundle", blobs);
    out.put("executionRequests", payload.requests().stream().map(Hex::encode).toList());
    out.put("shouldOverrideBuilder", false);
    return out;
  }

  /**
   * Parameters as of {@code buildBlockV1} without the parent: the block goes on top of the head.
   */
  private Object commit(Params params) throws RpcError {
    Block block = payload(chain.head(), params, 0).block();
    ImportResult result = importer.importBlock(block);
    if (result instanceof ImportResult.Invalid invalid) {
      throw new RpcError(RpcError.SERVER_ERROR, "the block is not valid: " + invalid.reason());
    }
    if (result instanceof ImportResult.TooEarly early) {
      throw new RpcError(
          RpcError.SERVER_ERROR,
          "the block is too early: its timestamp "
              + early.timestamp()
              + " is ahead of the clock of this node");
    }
    return block.hash().toString();
  }

  private Payload payload(Block parent, Params params, int first) throws RpcError {
    Map<String, @Nullable Object> a = params.object(first);
    long timestamp = Params.quantity64("timestamp", a.get("timestamp"));
    if (Long.compareUnsigned(timestamp, parent.header().timestamp()) <= 0) {
      throw RpcError.invalidParams(
          "invalid timestamp: "
              + Long.toUnsignedString(timestamp)
              + " is not after the parent's "
              + parent.header().timestamp());
    }
    Object root = a.get("parentBeaconBlockRoot");
    Object extra = params.optional(first + 2);
    PayloadAttributes attributes =
        new PayloadAttributes(
            timestamp,
            Params.hash("prevRandao", a.get("prevRandao")),
            Params.address("suggestedFeeRecipient", a.get("suggestedFeeRecipient")),
            Params.withdrawals(a.get("withdrawals")),
            root == null ? Hash.ZERO : Params.hash("parentBeaconBlockRoot", root),
            extra == null ? Bytes.EMPTY : Params.bytes("extraData", extra),
            Params.quantity64OrNull("slotNumber", a.get("slotNumber")),
            Params.quantity64OrNull("targetGasLimit", a.get("targetGasLimit")),
            null);
    if (params.optional(first + 1) == null) {
      return builder.build(parent, attributes);
    }
    List<Transaction> transactions = new ArrayList<>();
    for (Object item : params.list(first + 1)) {
      try {
        transactions.add(Transaction.decode(Params.bytes("transaction", item).toArray()));
      } catch (IllegalArgumentException malformed) {
        throw RpcError.invalidParams("invalid transaction: " + malformed.getMessage());
      }
    }
    try {
      return builder.build(parent, attributes, transactions);
    } catch (InvalidTransactionException invalid) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(invalid.getMessage()));
    }
  }
}
