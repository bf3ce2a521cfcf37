// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bloom;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.rpc.codec.Results;
import dev.patchbay.trie.Roots;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Blocks as messages carry them: the header as the block object of JSON-RPC, and the transactions
 * as canonical encodings (EIP-2718). The hash in the object is not read: a block has the hash that
 * its header gives. Threading: stateless.
 */
final class BlockJson {
  private static final String HEADER = "block_header";
  private static final String TRANSACTIONS = "transactions";
  private static final int NONCE_BYTES = 8;

  /** Members of a header that forks have appended, in the order of the RLP list. */
  private static final List<String> OPTIONAL =
      List.of(
          "baseFeePerGas",
          "withdrawalsRoot",
          "blobGasUsed",
          "excessBlobGas",
          "parentBeaconBlockRoot",
          "requestsHash",
          "blockAccessListHash",
          "slotNumber");

  private BlockJson() {}

  /** Returns a block; null for one with ommers, which the protocol cannot carry. */
  static @Nullable Map<String, Object> write(Block block) {
    if (!block.ommers().isEmpty()) {
      return null;
    }
    Map<String, @Nullable Object> header = Results.header(block.header(), block.hash());
    header.put("uncles", List.of());
    List<Withdrawal> withdrawals = block.withdrawals();
    if (withdrawals != null) {
      header.put("withdrawals", withdrawals.stream().map(Results::withdrawal).toList());
    }
    Map<String, Object> out = new LinkedHashMap<>();
    out.put(HEADER, header);
    out.put(TRANSACTIONS, block.transactions().stream().map(Transaction::encoding).toList());
    return out;
  }

  /**
   * Returns the message with a block; null for one that the protocol cannot carry: it has ommers,
   * or the message exceeds the limit of a frame.
   *
   * @param id id of the request; null for none
   */
  static byte @Nullable [] message(MessageCode code, Block block, @Nullable Long id) {
    Map<String, Object> json = write(block);
    byte[] message = json == null ? null : Json.write(code, json, id);
    return message == null || message.length > Limits.MAX_BLOCK_FRAME ? null : message;
  }

  /**
   * Reads a block.
   *
   * @param isRollup whether the chain is a rollup: its blocks have no withdrawals of the kind of
   *     Shanghai, and the root in the header may be that of a storage trie (Isthmus)
   * @throws WireException when it has the wrong form, or its body is not the one of its header
   */
  static Block read(boolean isRollup, @Nullable Object data) throws WireException {
    Fields block = Fields.of(data, "the block");
    Fields header = Fields.of(block.members().get(HEADER), HEADER);
    checkOptional(header);
    List<Transaction> transactions = new ArrayList<>();
    for (Object item : block.list(TRANSACTIONS)) {
      transactions.add(transaction(item));
    }
    Block read =
        new Block(
            header(header),
            transactions,
            List.of(),
            header.has("withdrawals") ? withdrawals(header.list("withdrawals")) : null);
    checkBody(isRollup, read);
    return read;
  }

  private static void checkOptional(Fields header) throws WireException {
    if (header.has("uncles") && !header.list("uncles").isEmpty()) {
      throw invalidBlock("uncles is not empty");
    }
    if (header.has("withdrawals") != header.has("withdrawalsRoot")) {
      throw Fields.invalid("withdrawals must be present exactly when withdrawalsRoot is");
    }
    boolean isLast = false;
    for (String name : OPTIONAL) {
      if (header.has(name) && isLast) {
        throw Fields.invalid(name + " is present, and a member before it is not");
      }
      isLast = !header.has(name);
    }
  }

  private static WireException invalidBlock(String reason) {
    return WireException.closing("invalid_block", reason);
  }

  private static void checkBody(boolean isRollup, Block block) throws WireException {
    BlockHeader header = block.header();
    if (!header.ommersHash().equals(BlockHeader.EMPTY_OMMERS)) {
      throw invalidBlock("sha3Uncles is not the hash of no uncles");
    }
    if (!Roots.ofTransactions(block.transactions()).equals(header.transactionsRoot())) {
      throw invalidBlock("transactionsRoot is not the root of the transactions");
    }
    List<Withdrawal> withdrawals = block.withdrawals();
    if (isRollup && withdrawals != null && !withdrawals.isEmpty()) {
      throw invalidBlock("a block of a rollup has no withdrawals");
    }
    if (!isRollup
        && withdrawals != null
        && !Roots.ofWithdrawals(withdrawals).equals(header.withdrawalsRoot())) {
      throw invalidBlock("withdrawalsRoot is not the root of the withdrawals");
    }
  }

  private static BlockHeader header(Fields f) throws WireException {
    return new BlockHeader(
        f.hash("parentHash"),
        f.hash("sha3Uncles"),
        f.address("miner"),
        f.hash("stateRoot"),
        f.hash("transactionsRoot"),
        f.hash("receiptsRoot"),
        Bloom.wrap(f.fixed("logsBloom", Bloom.SIZE)),
        f.uint256("difficulty"),
        f.quantity("number"),
        f.quantity("gasLimit"),
        f.quantity("gasUsed"),
        f.quantity("timestamp"),
        f.bytes("extraData"),
        f.hash("mixHash"),
        ByteBuffer.wrap(f.fixed("nonce", NONCE_BYTES)).getLong(),
        f.uint256OrNull("baseFeePerGas"),
        f.hashOrNull("withdrawalsRoot"),
        f.quantityOrNull("blobGasUsed"),
        f.quantityOrNull("excessBlobGas"),
        f.hashOrNull("parentBeaconBlockRoot"),
        f.hashOrNull("requestsHash"),
        f.hashOrNull("blockAccessListHash"),
        f.quantityOrNull("slotNumber"));
  }

  private static List<Withdrawal> withdrawals(List<?> items) throws WireException {
    List<Withdrawal> out = new ArrayList<>();
    for (Object item : items) {
      Fields f = Fields.of(item, "a withdrawal");
      out.add(
          new Withdrawal(
              f.quantity("index"),
              f.quantity("validatorIndex"),
              f.address("address"),
              f.quantity("amount")));
    }
    return out;
  }

  private static Transaction transaction(@Nullable Object item) throws WireException {
    if (!(item instanceof String text)) {
      throw Fields.invalid("a transaction is no string with its encoding");
    }
    try {
      byte[] encoding = Bytes.fromHex(text).toArray();
      Transaction transaction = Transaction.decode(encoding);
      if (!Arrays.equals(encoding, transaction.encode())) {
        throw Fields.invalid("a transaction is not encoded canonically");
      }
      return transaction;
    } catch (IllegalArgumentException malformed) {
      throw Fields.invalid("a transaction: " + malformed.getMessage());
    }
  }
}
