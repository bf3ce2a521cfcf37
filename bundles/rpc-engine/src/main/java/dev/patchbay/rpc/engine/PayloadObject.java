// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.engine;

import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bloom;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.execution.Requests;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.trie.Roots;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An {@code ExecutionPayload} object (execution-apis, {@code src/engine}), whose hash is not
 * checked yet.
 *
 * @param header the header, without the roots of the lists that are not given
 * @param blockHash the hash that the block is said to have
 * @param transactions encoded transactions
 * @param withdrawals null before Shanghai
 */
record PayloadObject(
    BlockHeader header,
    Hash blockHash,
    List<Bytes> transactions,
    @Nullable List<Withdrawal> withdrawals) {

  /** A payload is no block, whatever the state: the client is told so, and no ancestor is. */
  static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedException(String reason) {
      super(reason, null, false, false);
    }
  }

  /** The hash of a payload is another than it says. */
  static final class WrongHashException extends Exception {
    private static final long serialVersionUID = 1L;

    WrongHashException(String reason) {
      super(reason, null, false, false);
    }
  }

  /**
   * Reads an object.
   *
   * @param version 1: without withdrawals; 2: with them or without; 3: with blob gas besides; 4:
   *     with the block access list and the slot besides
   * @throws RpcError with -32602 when a field is missing, malformed, or of another version
   */
  static PayloadObject read(Map<String, @Nullable Object> p, int version) throws RpcError {
    Object withdrawals = p.get("withdrawals");
    if (version == 1 && withdrawals != null) {
      throw RpcError.invalidParams("withdrawals are not a field of ExecutionPayloadV1");
    }
    if (version >= 3 && withdrawals == null) {
      throw RpcError.invalidParams("missing withdrawals");
    }
    Object withdrawalsRoot = p.get("withdrawalsRoot"); // of a rollup: that of a state
    Long blobGasUsed = number(p, "blobGasUsed", version, 3);
    Long excessBlobGas = number(p, "excessBlobGas", version, 3);
    Long slotNumber = number(p, "slotNumber", version, 4);
    Object accessList = given(p, "blockAccessList", version, 4);
    List<Bytes> transactions = new ArrayList<>();
    for (Object item : Params.list("transactions", p.get("transactions"))) {
      transactions.add(Params.bytes("transactions", item));
    }
    Bytes bloom = Params.bytes("logsBloom", p.get("logsBloom"));
    if (bloom.size() != Bloom.SIZE) {
      throw RpcError.invalidParams(
          "invalid logsBloom: it has " + bloom.size() + " bytes, not " + Bloom.SIZE);
    }
    BlockHeader header =
        BlockHeader.builder()
            .parentHash(Params.hash("parentHash", p.get("parentHash")))
            .coinbase(Params.address("feeRecipient", p.get("feeRecipient")))
            .stateRoot(Params.hash("stateRoot", p.get("stateRoot")))
            .transactionsRoot(Hash.ZERO)
            .receiptsRoot(Params.hash("receiptsRoot", p.get("receiptsRoot")))
            .logsBloom(Bloom.wrap(bloom.toArray()))
            .number(Params.quantity64("blockNumber", p.get("blockNumber")))
            .gasLimit(Params.quantity64("gasLimit", p.get("gasLimit")))
            .gasUsed(Params.quantity64("gasUsed", p.get("gasUsed")))
            .timestamp(Params.quantity64("timestamp", p.get("timestamp")))
            .extraData(Params.bytes("extraData", p.get("extraData")))
            .mixHash(Params.hash("prevRandao", p.get("prevRandao")))
            .baseFeePerGas(Params.quantity("baseFeePerGas", p.get("baseFeePerGas")))
            .blobGasUsed(blobGasUsed)
            .excessBlobGas(excessBlobGas)
            .blockAccessListHash(
                version < 4 ? null : Params.bytes("blockAccessList", accessList).keccak())
            .slotNumber(slotNumber)
            .withdrawalsRoot(
                withdrawalsRoot == null ? null : Params.hash("withdrawalsRoot", withdrawalsRoot))
            .build();
    return new PayloadObject(
        header,
        Params.hash("blockHash", p.get("blockHash")),
        transactions,
        withdrawals == null ? null : Params.withdrawals(withdrawals));
  }

  /** Returns the value of a field that a version brought; null in those before it. */
  private static @Nullable Object given(
      Map<String, @Nullable Object> p, String field, int version, int since) throws RpcError {
    Object value = p.get(field);
    if (version < since && value != null) {
      throw RpcError.invalidParams(field + " is not a field of ExecutionPayloadV" + version);
    }
    return value;
  }

  private static @Nullable Long number(
      Map<String, @Nullable Object> p, String field, int version, int since) throws RpcError {
    Object value = given(p, field, version, since);
    return version < since ? null : (Long) Params.quantity64(field, value);
  }

  private @Nullable Hash withdrawalsRoot() {
    Hash given = header.withdrawalsRoot();
    return given != null || withdrawals == null ? given : Roots.ofWithdrawals(withdrawals);
  }

  long timestamp() {
    return header.timestamp();
  }

  /**
   * Makes the block.
   *
   * @param blobs versioned hashes of the blobs that its transactions are to name; null before
   *     Cancun
   * @param beaconRoot parent beacon block root; null before Cancun
   * @param requests the requests, each with its type byte; null before Prague
   * @throws MalformedException when a transaction cannot be decoded, or names other blobs
   * @throws WrongHashException when its hash is another than it says
   */
  Block block(
      @Nullable List<Hash> blobs, @Nullable Hash beaconRoot, @Nullable List<byte[]> requests)
      throws MalformedException, WrongHashException {
    List<Transaction> decoded = new ArrayList<>();
    List<Hash> named = new ArrayList<>();
    for (Bytes encoded : transactions) {
      try {
        Transaction transaction = Transaction.decode(encoded.unsafeArray());
        decoded.add(transaction);
        named.addAll(transaction.blobVersionedHashes());
      } catch (IllegalArgumentException malformed) {
        throw new MalformedException(
            "transaction " + decoded.size() + " cannot be decoded: " + malformed.getMessage());
      }
    }
    if (blobs != null && !blobs.equals(named)) {
      throw new MalformedException(
          "the transactions name blobs " + named + ", the versioned hashes are " + blobs);
    }
    BlockHeader whole =
        header.toBuilder()
            .transactionsRoot(Roots.ofTransactions(decoded))
            .withdrawalsRoot(withdrawalsRoot())
            .parentBeaconBlockRoot(beaconRoot)
            .requestsHash(requests == null ? null : Requests.hash(requests))
            .build();
    Block block = new Block(whole, decoded, List.of(), withdrawals);
    if (!block.hash().equals(blockHash)) {
      throw new WrongHashException(
          "blockhash mismatch: the payload says " + blockHash + ", its hash is " + block.hash());
    }
    return block;
  }
}
