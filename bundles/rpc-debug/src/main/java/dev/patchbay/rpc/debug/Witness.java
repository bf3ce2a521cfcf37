// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.debug;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.tracing.Step;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What is needed to execute a block without its state: trie nodes, code, and headers for BLOCKHASH,
 * in the shape that reth gives to {@code debug_executionWitness}.
 */
final class Witness {
  private static final int BLOCKHASH = 0x40;
  private static final long BLOCKHASH_WINDOW = 256;

  private final ChainReader chain;
  private final StateProvider states;
  private final BlockExecutor executor;

  Witness(ChainReader chain, StateProvider states, BlockExecutor executor) {
    this.chain = chain;
    this.states = states;
    this.executor = executor;
  }

  Map<String, Object> of(Block block) throws RpcError {
    BlockHeader header = block.header();
    if (header.number() == 0) {
      throw new RpcError(RpcError.SERVER_ERROR, "genesis was not executed");
    }
    Hash parent = header.parentHash();
    Recorder recorder;
    BlockExecutor.Outcome outcome;
    Hashes hashes = new Hashes(header.number());
    try (StateReader state = states.stateAt(parent)) {
      if (state == null) {
        throw new RpcError(
            RpcError.SERVER_ERROR, "the state before block " + header.number() + " is not there");
      }
      recorder = new Recorder(state);
      outcome =
          executor.execute(block, recorder, changes -> states.computeStateRoot(parent, changes));
      executor.replay(block, block.transactions().size(), state, index -> hashes);
    } catch (InvalidBlockException broken) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(broken.getMessage()));
    }
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("state", texts(states.witness(parent, recorder.read, outcome.changes())));
    out.put("codes", texts(recorder.codes));
    out.put("keys", keys(recorder.read));
    List<String> headers = new ArrayList<>();
    for (long number = Math.min(hashes.lowest, header.number() - 1);
        number < header.number();
        number++) {
      BlockHeader older = chain.header(number);
      if (older != null) {
        headers.add(Hex.encode(older.encode()));
      }
    }
    out.put("headers", headers);
    return out;
  }

  private static List<String> texts(Set<Bytes> all) {
    return all.stream().map(Bytes::toString).sorted().toList();
  }

  /** What the hashed keys of the tries are made of. */
  private static Set<String> keys(Map<Address, Set<UInt256>> read) {
    Set<String> keys = new TreeSet<>();
    read.forEach(
        (address, slots) -> {
          keys.add(address.toString());
          slots.forEach(slot -> keys.add(slot.toHash().toString()));
        });
    return keys;
  }

  /** Notes what is read of a state. */
  private static final class Recorder implements StateReader {
    private final StateReader state;
    private final Map<Address, Set<UInt256>> read = new TreeMap<>();
    private final Set<Bytes> codes = new HashSet<>();

    Recorder(StateReader state) {
      this.state = state;
    }

    private Set<UInt256> slotsOf(Address address) {
      return read.computeIfAbsent(address, a -> new TreeSet<>());
    }

    @Override
    public @Nullable Account account(Address address) {
      slotsOf(address);
      Account account = state.account(address);
      if (account != null) {
        code(account.codeHash()); // an EVM that knows the code does not ask for it
      }
      return account;
    }

    @Override
    public UInt256 storage(Address address, UInt256 key) {
      slotsOf(address).add(key);
      return state.storage(address, key);
    }

    @Override
    public Bytes code(Hash codeHash) {
      Bytes code = state.code(codeHash);
      if (!code.isEmpty()) {
        codes.add(code);
      }
      return code;
    }

    @Override
    public void close() {}
  }

  /** Notes the lowest block whose hash code has asked for. */
  private static final class Hashes implements Tracer {
    private final long number;
    private long lowest;

    Hashes(long number) {
      this.number = number;
      this.lowest = number;
    }

    @Override
    public boolean tracesSteps() {
      return true;
    }

    @Override
    public void onStep(Step step) {
      if (step.opcode() == BLOCKHASH && step.stackSize() > 0 && step.stack(0).fitsLong()) {
        long asked = step.stack(0).longValue();
        if (asked >= Math.max(0, number - BLOCKHASH_WINDOW) && asked < lowest) {
          lowest = asked;
        }
      }
    }

    @Override
    public @Nullable Object result() {
      return null;
    }
  }
}
