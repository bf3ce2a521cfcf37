// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.chain.Chains;
import dev.patchbay.evm.engine.DefaultEvmEngine;
import dev.patchbay.execution.Executions;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.primitives.execution.StateChanges.AccountChange;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import dev.patchbay.rpc.debug.Witnesses;
import dev.patchbay.trie.MissingNodeException;
import dev.patchbay.trie.NodeStore;
import dev.patchbay.trie.Trie;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Every block of a chain is executed by its witness alone: no state is at hand. */
class WitnessTests {
  /** A state of nothing but the nodes and the code of a witness. */
  private static final class Stateless implements StateReader {
    private final Map<Hash, byte[]> nodes = new HashMap<>();
    private final Map<Hash, Bytes> codes = new HashMap<>();
    private final Hash root;

    Stateless(Map<String, Object> witness, Hash root) {
      this.root = root;
      for (byte[] node : bytes(witness, "state")) {
        nodes.put(Hash.keccak(node), node);
      }
      for (byte[] code : bytes(witness, "codes")) {
        codes.put(Hash.keccak(code), Bytes.wrap(code));
      }
    }

    /** Opens a trie by the hash of its root; a node that is missing is an error when it is read. */
    Trie trie(Hash of) {
      return new Trie(new ByHash(of));
    }

    /** Finds a node by going down from the root, from hash to hash. */
    private final class ByHash implements NodeStore {
      private final Hash of;

      ByHash(Hash of) {
        this.of = of;
      }

      @Override
      public byte @Nullable [] get(byte[] path) {
        byte[] node = nodes.get(of);
        int at = 0;
        while (node != null && at < path.length) {
          RlpReader items = RlpReader.of(node).list();
          List<byte[]> fields = new ArrayList<>();
          while (items.hasNext()) {
            fields.add(items.raw());
          }
          byte[] next;
          if (fields.size() == 17) {
            next = fields.get(path[at++]);
          } else {
            byte[] compact = RlpReader.of(fields.get(0)).byteArray();
            at += 2 * (compact.length - 1) + ((compact[0] >> 4) & 1);
            next = fields.get(1);
          }
          // a child of less than 32 bytes stands in its parent
          node = next.length == 33 ? nodes.get(Hash.wrap(Arrays.copyOfRange(next, 1, 33))) : next;
        }
        return node;
      }

      @Override
      public byte @Nullable [] value(byte[] key) {
        return null;
      }

      @Override
      public @Nullable Entry first(byte[] from) {
        return null;
      }
    }

    @Override
    public @Nullable Account account(Address address) {
      byte[] rlp = trie(root).get(address.keccak().toArray());
      return rlp == null ? null : Account.decode(rlp);
    }

    @Override
    public UInt256 storage(Address address, UInt256 key) {
      Account account = account(address);
      byte[] value =
          account == null
              ? null
              : trie(account.storageRoot()).get(Hash.keccak(key.toArray()).toArray());
      return value == null ? UInt256.ZERO : RlpReader.of(value).uint256();
    }

    @Override
    public Bytes code(Hash codeHash) {
      Bytes code = codeHash.equals(Account.EMPTY_CODE) ? Bytes.EMPTY : codes.get(codeHash);
      if (code == null) {
        throw new IllegalStateException("the witness lacks code " + codeHash);
      }
      return code;
    }

    /** Returns the state root after changes. */
    Hash computeStateRoot(StateChanges changes) {
      Trie accounts = trie(root);
      for (AccountChange change : changes.accounts()) {
        byte[] key = change.address().keccak().toArray();
        if (!change.exists()) {
          accounts.remove(key);
          continue;
        }
        Account before = account(change.address());
        boolean cleared = before == null || change.storageCleared();
        Trie storage = cleared ? Trie.inMemory() : trie(before.storageRoot());
        change
            .storage()
            .forEach(
                (slot, value) -> {
                  byte[] hashed = Hash.keccak(slot.toArray()).toArray();
                  if (value.isZero()) {
                    storage.remove(hashed);
                  } else {
                    storage.put(hashed, new RlpWriter().number(value).toArray());
                  }
                });
        Account after =
            new Account(change.nonce(), change.balance(), storage.rootHash(), change.codeHash());
        accounts.put(key, after.encode());
      }
      return accounts.rootHash();
    }

    @Override
    public void close() {}
  }

  private static List<byte[]> bytes(Map<String, Object> witness, String name) {
    List<byte[]> out = new ArrayList<>();
    for (Object text : (Collection<?>) witness.get(name)) {
      out.add(HexFormat.of().parseHex(String.valueOf(text).substring(2)));
    }
    return out;
  }

  @Test
  void everyBlockIsExecutedByItsWitnessAlone() throws Exception {
    RealChainTests.Given given = RealChainTests.read();
    Chains.Wired chain = RealChainTests.chain(given, Chains.memory(), Long.MAX_VALUE);
    given.blocks().forEach(block -> chain.importer().importBlock(block));
    int nodes = 0;
    for (Block block : given.blocks()) {
      Map<String, Object> witness = Witnesses.of(chain, block);
      List<byte[]> headers = bytes(witness, "headers");
      BlockHeader parent = BlockHeader.read(RlpReader.of(headers.get(headers.size() - 1)));
      assertThat(parent.computeHash()).isEqualTo(block.header().parentHash());
      Stateless state = new Stateless(witness, parent.stateRoot());
      // an engine that has seen no code yet
      BlockExecutor executor =
          Executions.of(chain.reader(), chain.schedule(), chain.states(), new DefaultEvmEngine());
      BlockExecutor.Outcome outcome = executor.execute(block, state, state::computeStateRoot);
      assertThat(state.computeStateRoot(outcome.changes()))
          .as(block.toString())
          .isEqualTo(block.header().stateRoot());
      nodes += state.nodes.size();
    }
    System.out.printf("%d blocks by witness, %d nodes%n", given.blocks().size(), nodes);
  }

  @Test
  void aWitnessThatLacksANodeIsNotEnough() throws Exception {
    RealChainTests.Given given = RealChainTests.read();
    Chains.Wired chain = RealChainTests.chain(given, Chains.memory(), Long.MAX_VALUE);
    given.blocks().forEach(block -> chain.importer().importBlock(block));
    Block block = given.blocks().get(40);
    Map<String, Object> witness = Witnesses.of(chain, block);
    BlockHeader parent = chain.reader().header(block.number() - 1);
    assertThat(parent).isNotNull();
    Stateless state = new Stateless(witness, parent.stateRoot());
    state.nodes.keySet().retainAll(Set.of(parent.stateRoot()));
    assertThatThrownBy(() -> chain.executor().execute(block, state, state::computeStateRoot))
        .isInstanceOf(MissingNodeException.class);
  }
}
