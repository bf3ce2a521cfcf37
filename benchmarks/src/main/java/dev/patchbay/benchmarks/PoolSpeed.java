// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.api.payload.Payload;
import dev.patchbay.api.payload.PayloadAttributes;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.chain.Chains;
import dev.patchbay.consensus.engine.EngineRules;
import dev.patchbay.evm.engine.DefaultEvmEngine;
import dev.patchbay.payload.Builder;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.txpool.Pools;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * What the transaction pool does in a second: a million transactions of 100,000 senders are added,
 * with random tips, and with random nonces of which a part leaves a gap; the pool is full after the
 * first 20,000 or so. Then blocks are built of the full pool. Signatures are not recovered here
 * (see {@code CryptoTable}).
 *
 * <p>Arguments: the folder of the benchmarks' input, which is not used, and the file to write.
 */
public final class PoolSpeed {
  private static final int ADDS = 1_000_000;
  private static final int SENDERS = 100_000;
  private static final int BUILDS = 20;
  private static final long GWEI = 1_000_000_000L;
  private static final long HEAP_BYTES = 1L << 30;

  private PoolSpeed() {}

  /** Measures three times, each with a new pool. */
  public static void main(String[] args) throws Exception {
    ObjectNode genesis = Chains.shanghaiGenesis();
    ObjectNode accounts = (ObjectNode) genesis.get("alloc");
    for (int i = 0; i < SENDERS; i++) {
      accounts.putObject(address(i).toString()).put("balance", "0x56bc75e2d63100000");
    }
    Chains.Wired chain =
        Chains.of(genesis, Chains.memory(), new DefaultEvmEngine(), new EngineRules());
    Map<String, Object> row = new LinkedHashMap<>();
    for (int round = 0; round < 3; round++) { // the first warms up
      measure(chain, new Random(round), row);
    }
    new ObjectMapper()
        .writerWithDefaultPrettyPrinter()
        .writeValue(Path.of(args[1]).toFile(), List.of(row));
  }

  private static void measure(Chains.Wired chain, Random random, Map<String, Object> row) {
    TransactionPool pool = Pools.of(chain, HEAP_BYTES);
    long before = usedBytes();
    long[] nanos = new long[ADDS];
    int admitted = 0;
    long total = 0;
    for (int i = 0; i < ADDS; i++) {
      Transaction tx = transaction(random);
      long start = System.nanoTime();
      admitted += pool.add(tx) instanceof AddResult.Accepted ? 1 : 0;
      nanos[i] = System.nanoTime() - start;
      total += nanos[i];
    }
    long heap = usedBytes() - before;
    Arrays.sort(nanos);
    row.put("addsPerSecond", Math.round(ADDS * 1e9 / total));
    row.put("p50Micros", nanos[ADDS / 2] / 1e3);
    row.put("p999Micros", nanos[(int) (ADDS * 0.999)] / 1e3);
    row.put("maxMicros", nanos[ADDS - 1] / 1e3);
    row.put("admitted", admitted);
    row.put("held", pool.status().pending() + pool.status().queued());
    row.put("heapMiB", heap >> 20);
    row.put("estimatedMiB", pool.status().bytes() >> 20);
    build(chain, pool, row);
    System.out.println(row);
  }

  private static void build(Chains.Wired chain, TransactionPool pool, Map<String, Object> row) {
    Builder builder =
        new Builder(
            chain.reader(), chain.schedule(), chain.states(), chain.executor(), pool, 30_000_000);
    PayloadAttributes attributes =
        new PayloadAttributes(
            12, Hash.ZERO, Address.ZERO, List.of(), Hash.ZERO, Bytes.EMPTY, null, null, null);
    long[] nanos = new long[BUILDS];
    int transactions = 0;
    for (int i = 0; i < BUILDS; i++) {
      long start = System.nanoTime();
      Payload payload = builder.build(chain.reader().head(), attributes);
      nanos[i] = System.nanoTime() - start;
      transactions = payload.block().transactions().size();
    }
    Arrays.sort(nanos);
    row.put("blockTransactions", transactions);
    row.put("buildMillis", nanos[BUILDS / 2] / 1e6);
    long start = System.nanoTime();
    int senders = pool.pending().size();
    row.put("pendingSenders", senders);
    row.put("pendingMillis", (System.nanoTime() - start) / 1e6);
  }

  private static Transaction transaction(Random random) {
    long tip = 1 + (long) (GWEI * random.nextDouble());
    return Transaction.builder(TransactionType.FEE_MARKET)
        .chainId(UInt256.ONE)
        .nonce(Math.max(0, random.nextInt(8) - 4))
        .maxFeePerGas(UInt256.of(2 * GWEI + tip))
        .maxPriorityFeePerGas(UInt256.of(tip))
        .gasLimit(21_000)
        .to(Address.ZERO)
        .sender(address(random.nextInt(SENDERS)))
        .build();
  }

  private static Address address(int number) {
    return Address.fromHex(String.format("0x%040x", 0x10000 + number));
  }

  private static long usedBytes() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }
}
