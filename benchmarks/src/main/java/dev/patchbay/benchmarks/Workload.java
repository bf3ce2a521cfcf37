// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.api.tracing.Step;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.chain.Chains;
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
import dev.patchbay.primitives.execution.TransactionRules;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One EVM workload: code that is called with much gas, in a small state of its own. */
final class Workload {
  /** Where the workloads are in the folder of the benchmarks' input. */
  static final String FILE = "evm/workloads.txt";

  static final Address CONTRACT = Address.fromHex("0x000000000000000000000000636f6e7472616374");
  static final Address SENDER = Address.fromHex("0x00000000000000000000000000000000000000aa");
  private static final Address TOKEN =
      Address.fromHex("0x00000000000000000000000000000000000000dd");
  private static final UInt256 BALANCE = UInt256.of(1_000_000_000_000L);

  final String name;
  final long gas;
  final String data;
  final String code;
  private final Transaction call;
  private final World world;
  private final CodeCache codes = new CodeCache(1 << 24);

  private Workload(String name, long gas, String data, String code, Transaction call, World world) {
    this.name = name;
    this.gas = gas;
    this.data = data;
    this.code = code;
    this.call = call;
    this.world = world;
  }

  /** Reads a file of workloads: name, gas, call data, code and further contracts, one a line. */
  static List<Workload> read(Path file) throws IOException {
    List<Workload> workloads = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      workloads.add(parse(line));
    }
    return workloads;
  }

  private static Workload parse(String line) {
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
    long gas = Long.parseLong(parts[1]);
    return new Workload(
        parts[0], gas, parts[2], parts[3], builder.gasLimit(gas + intrinsic).build(), world);
  }

  /** Runs it once and returns the gas that the code used. */
  long run() throws InvalidTransactionException {
    return run(null);
  }

  /** Counts the instructions of one run. */
  long instructions() throws InvalidTransactionException {
    Counter counter = new Counter();
    run(counter);
    return counter.steps;
  }

  private long run(@Nullable Tracer tracer) throws InvalidTransactionException {
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
            0,
            9,
            number -> Hash.ZERO,
            TransactionRules.ETHEREUM);
    ExecutionResult result =
        new TransactionProcessor(new EvmState(world, codes), block)
            .process(call, Long.MAX_VALUE, TransactionProcessor.Mode.SIMULATION, tracer);
    return result.gasUsed() + result.gasRefunded() - IntrinsicGas.of(call, Fork.OSAKA);
  }

  /** Returns the state as the genesis file of a chain with all forks, as geth's tools read it. */
  JsonNode genesis() {
    ObjectNode genesis = Chains.shanghaiGenesis().put("gasLimit", "0xffffffffffff");
    ObjectNode config = genesis.withObject("/config");
    for (String fork : List.of("cancun", "prague", "osaka")) {
      config.put(fork + "Time", 0);
      config
          .withObject("/blobSchedule/" + fork)
          .put("target", 6)
          .put("max", 9)
          .put("baseFeeUpdateFraction", 5007716);
    }
    ObjectNode alloc = genesis.withObject("/alloc");
    world.accounts.forEach(
        (address, account) -> {
          ObjectNode entry =
              alloc
                  .putObject(address.toString())
                  .put("nonce", "0x" + Long.toHexString(account.nonce()))
                  .put("balance", account.balance().toHex())
                  .put("code", world.code(account.codeHash()).toString());
          if (address.equals(TOKEN)) {
            entry
                .putObject("storage")
                .put(
                    Bytes.wrap(world.tokenSlot.toArray()).toString(),
                    "0x" + "0".repeat(48) + String.format("%016x", 1L << 60));
          }
        });
    return genesis;
  }

  /** Counts instructions. */
  private static final class Counter implements Tracer {
    long steps;

    @Override
    public boolean tracesSteps() {
      return true;
    }

    @Override
    public void onStep(Step step) {
      steps++;
    }

    @Override
    public @Nullable Object result() {
      return null;
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
