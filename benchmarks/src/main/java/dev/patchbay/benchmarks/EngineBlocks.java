// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.payload.Payload;
import dev.patchbay.api.payload.PayloadAttributes;
import dev.patchbay.chain.Chains;
import dev.patchbay.consensus.engine.EngineRules;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.evm.engine.DefaultEvmEngine;
import dev.patchbay.payload.Builder;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/** Full blocks of one kind each, on the benchmarks' genesis with senders of ours. */
final class EngineBlocks {
  /** What the transactions of a block do. */
  enum Kind {
    /** ERC-20 transfers to accounts that had no tokens. */
    TRANSFERS,
    /** Slots that are read and written, new ones and such that were there. */
    STORAGE,
    /** Calls of a small contract. */
    CALLS
  }

  private static final Address TOKEN =
      Address.fromHex("0x7000000000000000000000000000000000000001");
  private static final Address STORAGE =
      Address.fromHex("0x7100000000000000000000000000000000000001");
  private static final Address CALLER =
      Address.fromHex("0x7200000000000000000000000000000000000001");
  private static final Address CALLEE =
      Address.fromHex("0x7300000000000000000000000000000000000001");

  /** Adds one to slots from the one that the call data name, while there is gas. */
  private static final String STORAGE_CODE = "5f355b805460010181556001015a6175301060025700";

  /** Calls the contract while there is gas. */
  private static final String CALLER_CODE =
      "5b60205f60205f5f73" + CALLEE.toString().substring(2) + "5af1505a617530105f5700";

  /** Returns what it is given, and one more. */
  private static final String CALLEE_CODE = "5f356001015f5260205ff3";

  private static final int SENDERS = 400;
  private static final long TRANSFER_GAS = 60_000;
  private static final long LARGE_GAS = 2_000_000;
  private static final String ETHER = "0x" + Long.toHexString(1L << 62) + "00000000";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final List<byte[]> keys = new ArrayList<>();
  private final long[] nonces = new long[SENDERS];
  private final ObjectNode genesis;
  private final Chains.Wired chain;
  private final Builder builder;
  private long counter;

  EngineBlocks(Path input) throws IOException {
    try (GZIPInputStream in =
        new GZIPInputStream(Files.newInputStream(input.resolve("genesis.json.gz")))) {
      genesis = (ObjectNode) JSON.readTree(in);
    }
    ObjectNode alloc = (ObjectNode) genesis.get("alloc");
    ObjectNode tokens = (ObjectNode) alloc.at("/" + TOKEN.toString().substring(2) + "/storage");
    for (int i = 0; i < SENDERS; i++) {
      byte[] key = Hash.keccak(new byte[] {(byte) i, (byte) (i >> 8), 0x65}).toArray();
      keys.add(key);
      Address sender = Address.ofPublicKey(Secp256k1.publicKey(key));
      alloc.putObject(sender.toString().substring(2)).put("balance", ETHER);
      byte[] slot = new byte[64];
      System.arraycopy(sender.toArray(), 0, slot, 12, 20);
      tokens.put(Hash.keccak(slot).toString(), "0x" + "0".repeat(47) + "1" + "0".repeat(16));
    }
    code(alloc, STORAGE, STORAGE_CODE);
    code(alloc, CALLER, CALLER_CODE);
    code(alloc, CALLEE, CALLEE_CODE);
    chain = Chains.of(genesis, Chains.memory(), new DefaultEvmEngine(), new EngineRules());
    builder =
        new Builder(
            chain.reader(),
            chain.schedule(),
            chain.states(),
            chain.executor(),
            Chains.pool(Map.of()),
            60_000_000);
  }

  private static void code(ObjectNode alloc, Address address, String code) {
    alloc.putObject(address.toString().substring(2)).put("balance", "0x0").put("code", "0x" + code);
  }

  /** Returns the genesis. */
  ObjectNode genesis() {
    return genesis;
  }

  /** Writes the genesis. */
  Path writeGenesis(Path file) throws IOException {
    JSON.writeValue(file.toFile(), genesis);
    return file;
  }

  /** Returns the next block, filled with about as much gas. */
  Payload next(Kind kind, long gas) throws InvalidTransactionException {
    List<Transaction> transactions = new ArrayList<>();
    long each = kind == Kind.TRANSFERS ? 52_000 : LARGE_GAS - 30_000;
    for (long used = 0; used + each <= gas; used += each) {
      transactions.add(transaction(kind));
    }
    Block parent = chain.reader().head();
    PayloadAttributes attributes =
        new PayloadAttributes(
            parent.header().timestamp() + 12,
            Hash.ZERO,
            Address.fromHex("0x00000000000000000000000000000000000000fe"),
            List.of(),
            Hash.ZERO,
            Bytes.EMPTY,
            null,
            null,
            null);
    Payload payload = builder.build(parent, attributes, transactions);
    ImportResult result = chain.importer().importBlock(payload.block());
    if (!result.equals(new ImportResult.Imported(true))) {
      throw new IllegalStateException("a block of ours is not valid: " + result);
    }
    return payload;
  }

  private Transaction transaction(Kind kind) {
    long number = counter++;
    int sender = (int) (number % SENDERS);
    Transaction.Builder out =
        Transaction.builder(TransactionType.FEE_MARKET)
            .chainId(UInt256.of(77_777))
            .nonce(nonces[sender]++)
            .maxFeePerGas(UInt256.of(1L << 60))
            .maxPriorityFeePerGas(UInt256.of(1_000_000_000));
    String word = String.format("%064x", number);
    switch (kind) {
      case TRANSFERS ->
          out.to(TOKEN)
              .gasLimit(TRANSFER_GAS)
              .data(
                  Bytes.wrap(
                      HexFormat.of()
                          .parseHex(
                              "a9059cbb"
                                  + "0".repeat(24)
                                  + Hash.keccak(
                                          word.getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                                      .toString()
                                      .substring(26)
                                  + String.format("%064x", 1))));
      case STORAGE ->
          // half of the ranges were written before
          out.to(STORAGE)
              .gasLimit(LARGE_GAS)
              .data(Bytes.fromHex("0x" + String.format("%064x", (number % 64) << 32)));
      case CALLS -> out.to(CALLER).gasLimit(LARGE_GAS);
    }
    return out.sign(keys.get(sender));
  }

  /** Returns requests, a batch each, that send transfers to the pool of a node. */
  List<String> pooled(int batches, int each) {
    List<String> out = new ArrayList<>();
    for (int i = 0; i < batches; i++) {
      StringBuilder batch = new StringBuilder("[");
      for (int j = 0; j < each; j++) {
        batch
            .append(j == 0 ? "" : ",")
            .append(
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_sendRawTransaction\",\"params\":[\"")
            .append(Hex.encode(transaction(Kind.TRANSFERS).encode()))
            .append("\"]}");
      }
      out.add(batch.append(']').toString());
    }
    return out;
  }
}
