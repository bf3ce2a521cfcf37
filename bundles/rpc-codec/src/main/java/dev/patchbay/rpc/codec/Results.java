// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.codec;

import dev.patchbay.primitives.AccessListEntry;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Authorization;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.Withdrawal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Shapes results as execution-apis does. Threading: stateless. */
public final class Results {
  private Results() {}

  /** Returns a header with the hash that it has. */
  public static Map<String, @Nullable Object> header(BlockHeader h, Hash hash) {
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("hash", hash.toString());
    out.put("parentHash", h.parentHash().toString());
    out.put("sha3Uncles", h.ommersHash().toString());
    out.put("miner", h.coinbase().toString());
    out.put("stateRoot", h.stateRoot().toString());
    out.put("transactionsRoot", h.transactionsRoot().toString());
    out.put("receiptsRoot", h.receiptsRoot().toString());
    out.put("logsBloom", h.logsBloom().toString());
    out.put("difficulty", h.difficulty().toHex());
    out.put("number", Hex.quantity(h.number()));
    out.put("gasLimit", Hex.quantity(h.gasLimit()));
    out.put("gasUsed", Hex.quantity(h.gasUsed()));
    out.put("timestamp", Hex.quantity(h.timestamp()));
    out.put("extraData", h.extraData().toString());
    out.put("mixHash", h.mixHash().toString());
    out.put("nonce", Hex.encode(h.nonceBytes()));
    putIfPresent(out, "baseFeePerGas", h.baseFeePerGas());
    putIfPresent(out, "withdrawalsRoot", h.withdrawalsRoot());
    putIfPresent(out, "blobGasUsed", h.blobGasUsed());
    putIfPresent(out, "excessBlobGas", h.excessBlobGas());
    putIfPresent(out, "parentBeaconBlockRoot", h.parentBeaconBlockRoot());
    putIfPresent(out, "requestsHash", h.requestsHash());
    putIfPresent(out, "blockAccessListHash", h.blockAccessListHash());
    putIfPresent(out, "slotNumber", h.slotNumber());
    return out;
  }

  private static void putIfPresent(
      Map<String, @Nullable Object> out, String name, @Nullable Object value) {
    if (value instanceof UInt256 number) {
      out.put(name, number.toHex());
    } else if (value instanceof Long number) {
      out.put(name, Hex.quantity(number));
    } else if (value != null) {
      out.put(name, value.toString());
    }
  }

  /** Returns a block with whole transactions or their hashes, when none is a deposit. */
  public static Map<String, @Nullable Object> block(Block block, boolean full) {
    return block(block, full, null);
  }

  /**
   * Returns a block with whole transactions or their hashes.
   *
   * @param receipts its receipts, which have the nonces of deposits; null without
   */
  public static Map<String, @Nullable Object> block(
      Block block, boolean full, @Nullable List<Receipt> receipts) {
    Map<String, @Nullable Object> out = header(block.header(), block.hash());
    out.put("size", Hex.quantity(block.encode().length));
    List<Object> transactions = new ArrayList<>();
    int index = 0;
    for (Transaction transaction : block.transactions()) {
      Receipt receipt = receipts == null ? null : receipts.get(index);
      transactions.add(
          full ? transaction(transaction, block, index, receipt) : transaction.hash().toString());
      index++;
    }
    out.put("transactions", transactions);
    out.put("uncles", block.ommers().stream().map(o -> o.computeHash().toString()).toList());
    List<Withdrawal> withdrawals = block.withdrawals();
    if (withdrawals != null) {
      out.put("withdrawals", withdrawals.stream().map(Results::withdrawal).toList());
    }
    return out;
  }

  /** Returns a block as the Engine API shows it, {@code ExecutionPayload}. */
  public static Map<String, @Nullable Object> payload(Block block) {
    BlockHeader h = block.header();
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("parentHash", h.parentHash().toString());
    out.put("feeRecipient", h.coinbase().toString());
    out.put("stateRoot", h.stateRoot().toString());
    out.put("receiptsRoot", h.receiptsRoot().toString());
    out.put("logsBloom", h.logsBloom().toString());
    out.put("prevRandao", h.mixHash().toString());
    out.put("blockNumber", Hex.quantity(h.number()));
    out.put("gasLimit", Hex.quantity(h.gasLimit()));
    out.put("gasUsed", Hex.quantity(h.gasUsed()));
    out.put("timestamp", Hex.quantity(h.timestamp()));
    out.put("extraData", h.extraData().toString());
    putIfPresent(out, "baseFeePerGas", h.baseFeePerGas());
    out.put("blockHash", block.hash().toString());
    out.put("transactions", block.transactions().stream().map(Transaction::encoding).toList());
    List<Withdrawal> withdrawals = block.withdrawals();
    if (withdrawals != null) {
      out.put("withdrawals", withdrawals.stream().map(Results::withdrawal).toList());
    }
    putIfPresent(out, "blobGasUsed", h.blobGasUsed());
    putIfPresent(out, "excessBlobGas", h.excessBlobGas());
    putIfPresent(out, "slotNumber", h.slotNumber());
    return out;
  }

  /** Returns a withdrawal. */
  public static Map<String, Object> withdrawal(Withdrawal w) {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("index", Hex.quantity(w.index()));
    out.put("validatorIndex", Hex.quantity(w.validatorIndex()));
    out.put("address", w.address().toString());
    out.put("amount", Hex.quantity(w.amount()));
    return out;
  }

  /** Returns a transaction that waits in the pool. */
  public static Map<String, @Nullable Object> transaction(Transaction t) {
    return transaction(t, null, 0, null);
  }

  /**
   * Returns a transaction.
   *
   * @param block null for one that waits in the pool
   * @param receipt the receipt of a deposit, which has the nonce of its sender; null without
   */
  public static Map<String, @Nullable Object> transaction(
      Transaction t, @Nullable Block block, int index, @Nullable Receipt receipt) {
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    UInt256 baseFee = block == null ? null : block.header().baseFeePerGas();
    out.put("blockHash", block == null ? null : block.hash().toString());
    out.put("blockNumber", block == null ? null : Hex.quantity(block.number()));
    out.put("blockTimestamp", block == null ? null : Hex.quantity(block.header().timestamp()));
    out.put("from", String.valueOf(t.sender()));
    out.put("gas", Hex.quantity(t.gasLimit()));
    out.put(
        "gasPrice",
        (t.hasFeeMarket() && block != null ? t.effectiveGasPrice(baseFee) : t.maxFeePerGas())
            .toHex());
    if (t.hasFeeMarket()) {
      out.put("maxFeePerGas", t.maxFeePerGas().toHex());
      out.put("maxPriorityFeePerGas", t.maxPriorityFeePerGas().toHex());
    }
    if (t.type() == TransactionType.BLOB) {
      out.put("maxFeePerBlobGas", t.maxFeePerBlobGas().toHex());
      out.put("blobVersionedHashes", t.blobVersionedHashes().stream().map(Hash::toString).toList());
    }
    out.put("hash", t.hash().toString());
    out.put("input", t.data().toString());
    out.put("nonce", Hex.quantity(nonce(t, receipt)));
    Address to = t.to();
    out.put("to", to == null ? null : to.toString());
    out.put("transactionIndex", block == null ? null : Hex.quantity(index));
    out.put("value", t.value().toHex());
    out.put("type", Hex.quantity(t.type().code()));
    Transaction.Deposit deposit = t.deposit();
    if (deposit != null) {
      out.put("sourceHash", deposit.sourceHash().toString());
      out.put("mint", deposit.mint().toHex());
      if (deposit.isSystemTransaction()) {
        out.put("isSystemTx", true);
      }
      putIfPresent(
          out, "depositReceiptVersion", receipt == null ? null : receipt.depositReceiptVersion());
    }
    boolean signedAndTyped = t.type() != TransactionType.LEGACY && deposit == null;
    if (signedAndTyped) {
      out.put("accessList", accessList(t.accessList()));
    }
    UInt256 chainId = t.chainId();
    if (chainId != null) {
      out.put("chainId", chainId.toHex());
    }
    if (t.type() == TransactionType.SET_CODE) {
      out.put(
          "authorizationList", t.authorizations().stream().map(Results::authorization).toList());
    }
    out.put("v", t.v().toHex());
    out.put("r", t.r().toHex());
    out.put("s", t.s().toHex());
    if (signedAndTyped) {
      out.put("yParity", Hex.quantity(t.yParity()));
    }
    return out;
  }

  private static long nonce(Transaction t, @Nullable Receipt receipt) {
    Long ofDeposit = receipt == null ? null : receipt.depositNonce();
    return ofDeposit == null ? t.nonce() : ofDeposit;
  }

  /** Returns an access list. */
  public static List<Map<String, Object>> accessList(List<AccessListEntry> list) {
    List<Map<String, Object>> out = new ArrayList<>();
    for (AccessListEntry entry : list) {
      Map<String, Object> item = new LinkedHashMap<>();
      item.put("address", entry.address().toString());
      item.put("storageKeys", entry.storageKeys().stream().map(Hash::toString).toList());
      out.add(item);
    }
    return out;
  }

  private static Map<String, Object> authorization(Authorization a) {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("chainId", a.chainId().toHex());
    out.put("address", a.address().toString());
    out.put("nonce", Hex.quantity(a.nonce()));
    out.put("yParity", Hex.quantity(a.yParity()));
    out.put("r", a.r().toHex());
    out.put("s", a.s().toHex());
    return out;
  }

  /**
   * Returns the receipt of a transaction.
   *
   * @param receipts the receipts of the block
   * @param blobBaseFee wei per blob gas of the block
   */
  public static Map<String, @Nullable Object> receipt(
      Block block, List<Receipt> receipts, int index, UInt256 blobBaseFee) {
    Transaction t = block.transactions().get(index);
    Receipt receipt = receipts.get(index);
    long before = index == 0 ? 0 : receipts.get(index - 1).cumulativeGasUsed();
    int firstLog = 0;
    for (int i = 0; i < index; i++) {
      firstLog += receipts.get(i).logs().size();
    }
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("blockHash", block.hash().toString());
    out.put("blockNumber", Hex.quantity(block.number()));
    Address from = t.sender();
    out.put(
        "contractAddress",
        t.isCreation() && from != null
            ? Address.ofCreation(from, nonce(t, receipt)).toString()
            : null);
    out.put("cumulativeGasUsed", Hex.quantity(receipt.cumulativeGasUsed()));
    out.put("effectiveGasPrice", t.effectiveGasPrice(block.header().baseFeePerGas()).toHex());
    out.put("from", String.valueOf(from));
    out.put("gasUsed", Hex.quantity(receipt.cumulativeGasUsed() - before));
    if (t.type() == TransactionType.BLOB) {
      out.put("blobGasUsed", Hex.quantity(131_072L * t.blobVersionedHashes().size()));
      out.put("blobGasPrice", blobBaseFee.toHex());
    }
    List<Object> logs = new ArrayList<>();
    for (Log log : receipt.logs()) {
      logs.add(log(log, block, index, firstLog++, false));
    }
    out.put("logs", logs);
    out.put("logsBloom", receipt.logsBloom().toString());
    Hash root = receipt.postState();
    if (root != null) {
      out.put("root", root.toString());
    } else {
      out.put("status", receipt.success() ? "0x1" : "0x0");
    }
    Address to = t.to();
    out.put("to", to == null ? null : to.toString());
    out.put("transactionHash", t.hash().toString());
    out.put("transactionIndex", Hex.quantity(index));
    out.put("type", Hex.quantity(t.type().code()));
    putIfPresent(out, "depositNonce", receipt.depositNonce());
    putIfPresent(out, "depositReceiptVersion", receipt.depositReceiptVersion());
    return out;
  }

  /**
   * Returns a log.
   *
   * @param transaction index of its transaction in the block
   * @param index index of the log in the block
   * @param removed whether its block is no longer canonical
   */
  public static Map<String, @Nullable Object> log(
      Log log, Block block, int transaction, int index, boolean removed) {
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("address", log.address().toString());
    out.put("topics", log.topics().stream().map(Hash::toString).toList());
    out.put("data", log.data().toString());
    out.put("blockNumber", Hex.quantity(block.number()));
    out.put("transactionHash", block.transactions().get(transaction).hash().toString());
    out.put("transactionIndex", Hex.quantity(transaction));
    out.put("blockHash", block.hash().toString());
    out.put("blockTimestamp", Hex.quantity(block.header().timestamp()));
    out.put("logIndex", Hex.quantity(index));
    out.put("removed", removed);
    return out;
  }
}
