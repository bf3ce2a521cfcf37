// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.evm.CodeCache;
import dev.patchbay.evm.EvmState;
import dev.patchbay.evm.StateBase;
import dev.patchbay.evm.TransactionProcessor;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.IntrinsicGas;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Runs the EVM workloads in one process: all are warmed up first, so that each is measured with the
 * profile of all; then each is run seven times. Prints Mgas/s beside reference figures, checks the
 * gas, and writes JSON.
 *
 * <p>Arguments: the file of workloads, the file to write.
 */
public final class EvmWorkloads {
  private static final int RUNS = 7;
  private static final long WARM_UP_NANOS = 1_500_000_000L;
  private static final long RUN_NANOS = 60_000_000L;
  private static final Address CONTRACT =
      Address.fromHex("0x000000000000000000000000636f6e7472616374");
  private static final Address SENDER =
      Address.fromHex("0x00000000000000000000000000000000000000aa");
  private static final Address TOKEN =
      Address.fromHex("0x00000000000000000000000000000000000000dd");
  private static final UInt256 BALANCE = UInt256.of(1_000_000_000_000L);

  private EvmWorkloads() {}

  /** Runs all. */
  public static void main(String[] args) throws Exception {
    List<Workload> workloads = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of(args[0]))) {
      workloads.add(Workload.parse(line));
    }
    Map<String, String[]> references = references();
    for (Workload workload : workloads) {
      workload.warmUp();
    }
    System.out.printf(
        "%-26s %14s %8s %8s %7s %8s %8s%n",
        "Mgas/s", "gas", "best", "median", "spread", "geth", "Besu");
    List<Map<String, Object>> json = new ArrayList<>();
    boolean right = true;
    for (Workload workload : workloads) {
      double[] speeds = workload.measure();
      Arrays.sort(speeds);
      String[] reference = references.getOrDefault(workload.name, new String[] {"", "", "-"});
      boolean expected =
          reference[2].equals("-") || List.of(reference[2].split(",")).contains("" + workload.used);
      right &= expected;
      double spread = speeds[RUNS - 1] / speeds[0];
      System.out.printf(
          "%-26s %,14d %8.1f %8.1f %7.2f %8s %8s%s%n",
          workload.name,
          workload.used,
          speeds[RUNS - 1],
          speeds[RUNS / 2],
          spread,
          reference[0],
          reference[1],
          expected ? "" : "   GAS: expected " + reference[2]);
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("name", workload.name);
      row.put("gas", workload.used);
      row.put("mgasPerSecond", speeds);
      json.add(row);
    }
    new ObjectMapper().writerWithDefaultPrettyPrinter().writeValue(Path.of(args[1]).toFile(), json);
    if (!right) {
      System.err.println("the gas of some workloads is not what it should be");
      System.exit(1);
    }
  }

  private static Map<String, String[]> references() throws IOException {
    Map<String, String[]> out = new HashMap<>();
    try (InputStream in = EvmWorkloads.class.getResourceAsStream("evm-reference.txt")) {
      if (in == null) {
        throw new IOException("evm-reference.txt is missing");
      }
      for (String line : new String(in.readAllBytes(), StandardCharsets.US_ASCII).split("\n", -1)) {
        String[] columns = line.split(" ", -1);
        if (columns.length == 4 && !line.startsWith("#")) {
          out.put(columns[0], Arrays.copyOfRange(columns, 1, 4));
        }
      }
    }
    return out;
  }

  /** One workload: code that is called with much gas. */
  private static final class Workload {
    final String name;
    private final Transaction call;
    private final World world;
    private final CodeCache codes = new CodeCache(1 << 24);
    private int repeats = 1;
    long used;

    private Workload(String name, Transaction call, World world) {
      this.name = name;
      this.call = call;
      this.world = world;
    }

    static Workload parse(String line) {
      String[] parts = line.split("\\|", -1);
      World world = new World();
      world.put(SENDER, 0, "");
      world.put(CONTRACT, 1, parts[3]);
      for (String extra : parts[4].split(",", -1)) {
        if (!extra.isEmpty()) {
          world.put(Address.fromHex("0x" + extra.substring(0, 40)), 0, extra.substring(41));
        }
      }
      Transaction.Builder builder =
          Transaction.builder(TransactionType.LEGACY)
              .to(CONTRACT)
              .data(Bytes.fromHex("0x" + parts[2]))
              .sender(SENDER);
      long intrinsic = IntrinsicGas.of(builder.build(), Fork.OSAKA);
      return new Workload(
          parts[0], builder.gasLimit(Long.parseLong(parts[1]) + intrinsic).build(), world);
    }

    private void run() throws InvalidTransactionException {
      BlockContext block =
          new BlockContext(
              Fork.OSAKA,
              UInt256.ONE,
              Address.ZERO,
              1,
              1,
              Long.MAX_VALUE,
              UInt256.ZERO,
              Hash.ZERO,
              UInt256.ZERO,
              UInt256.ONE,
              9,
              number -> Hash.ZERO);
      ExecutionResult result =
          new TransactionProcessor(new EvmState(world, codes), block)
              .process(call, Long.MAX_VALUE, TransactionProcessor.Mode.SIMULATION, null);
      used = result.gasUsed() + result.gasRefunded() - IntrinsicGas.of(call, Fork.OSAKA);
    }

    void warmUp() throws InvalidTransactionException {
      long start = System.nanoTime();
      long fastest = Long.MAX_VALUE;
      while (System.nanoTime() - start < WARM_UP_NANOS) {
        long before = System.nanoTime();
        run();
        fastest = Math.min(fastest, System.nanoTime() - before);
      }
      repeats = (int) Math.max(1, RUN_NANOS / fastest);
    }

    double[] measure() throws InvalidTransactionException {
      double[] speeds = new double[RUNS];
      for (int i = 0; i < RUNS; i++) {
        long start = System.nanoTime();
        for (int j = 0; j < repeats; j++) {
          run();
        }
        speeds[i] = used * 1e3 * repeats / (System.nanoTime() - start);
      }
      return speeds;
    }
  }

  /** The accounts of a workload; all have the same balance. */
  private static final class World implements StateBase {
    private final Map<Address, Account> accounts = new HashMap<>();
    private final Map<Hash, Bytes> codes = new HashMap<>();
    private final UInt256 tokenSlot =
        UInt256.ofBytes(
            Hash.keccak(
                    Bytes.fromHex(
                            "0x"
                                + "0".repeat(24)
                                + CONTRACT.toString().substring(2)
                                + "0".repeat(63)
                                + "3")
                        .toArray())
                .toArray());

    void put(Address address, long nonce, String code) {
      Bytes bytes = Bytes.fromHex("0x" + code);
      codes.put(bytes.keccak(), bytes);
      Hash storage = address.equals(TOKEN) ? Hash.ZERO : Account.EMPTY_ROOT;
      accounts.put(address, new Account(nonce, BALANCE, storage, bytes.keccak()));
    }

    @Override
    public @Nullable Account account(Address address) {
      return accounts.get(address);
    }

    @Override
    public UInt256 storage(Address address, UInt256 key) {
      return address.equals(TOKEN) && key.equals(tokenSlot) ? UInt256.of(1L << 60) : UInt256.ZERO;
    }

    @Override
    public Bytes code(Hash codeHash) {
      return codes.getOrDefault(codeHash, Bytes.EMPTY);
    }
  }
}
