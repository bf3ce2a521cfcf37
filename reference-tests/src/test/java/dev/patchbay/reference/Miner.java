// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.chain.Chains;
import dev.patchbay.payload.Builder;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Makes blocks on top of blocks, in chains of its own, that change a contract's slots at random.
 */
final class Miner {
  static final Address CONTRACT = Address.fromHex("0x00000000000000000000000000000000000000cc");

  /** Adds the call value to the slots that the two words of its input name, and clears a third. */
  private static final String CODE = "0x5f3580543401905560203580543401905560403580545f905550";

  private static final byte[][] KEYS = new byte[4][];

  static {
    for (int i = 0; i < KEYS.length; i++) {
      KEYS[i] = Hash.keccak(new byte[] {(byte) i}).toArray();
    }
  }

  private final RealChainTests.Given given =
      new RealChainTests.Given(genesis(), List.of(), Hash.ZERO);
  private final Random random;

  /** All blocks by hash, of all branches. */
  private final Map<Hash, Block> blocks = new HashMap<>();

  Miner(long seed) {
    random = new Random(seed);
  }

  /** Returns a chain of the genesis that the blocks are made on. */
  RealChainTests.Given given() {
    return given;
  }

  /** Makes a block on top of another one, in a chain of its own. */
  Block mine(Block parent) {
    Chains.Wired miner = RealChainTests.chain(given, Chains.memory(), Long.MAX_VALUE);
    Deque<Block> ancestors = new ArrayDeque<>();
    for (Block block = parent; block.number() > 0; ) {
      ancestors.addFirst(block);
      Block before = blocks.get(block.header().parentHash());
      block = before == null ? miner.reader().genesis() : before;
    }
    for (Block block : ancestors) {
      assertThat(miner.importer().importBlock(block)).isEqualTo(new ImportResult.Imported(true));
    }
    Map<Address, List<Transaction>> pending = new LinkedHashMap<>();
    for (byte[] key : KEYS) {
      byte[] slots = ByteBuffer.allocate(96).putInt(28, any()).putInt(60, any()).array();
      ByteBuffer.wrap(slots).putInt(92, any());
      Transaction transaction =
          Transaction.builder(TransactionType.LEGACY)
              .chainId(UInt256.ONE)
              .nonce(parent.number())
              .gasLimit(200_000)
              .gasPrice(UInt256.of(1_000_000_000))
              .value(UInt256.of(any()))
              .to(CONTRACT)
              .data(Bytes.wrap(slots))
              .sign(key);
      pending.put(transaction.sender(), List.of(transaction));
    }
    Address coinbase = Address.wrap(ByteBuffer.allocate(20).putInt(16, 1 + any()).array());
    Block block =
        new Builder(
                miner.reader(),
                miner.schedule(),
                miner.states(),
                miner.executor(),
                Chains.pool(pending),
                parent.header().gasLimit())
            .build(
                parent,
                new BlockSealer.Template(
                    parent.header().timestamp() + 12,
                    coinbase,
                    UInt256.ZERO,
                    Bytes.EMPTY,
                    0,
                    coinbase));
    assertThat(block.transactions()).hasSize(KEYS.length);
    blocks.put(block.hash(), block);
    return block;
  }

  private int any() {
    return random.nextInt(60);
  }

  private static ObjectNode genesis() {
    ObjectNode genesis = Chains.shanghaiGenesis();
    ObjectNode alloc = genesis.withObject("/alloc");
    for (byte[] key : KEYS) {
      Transaction any = Transaction.builder(TransactionType.LEGACY).chainId(UInt256.ONE).sign(key);
      alloc.putObject(any.sender().toString()).put("balance", "0x8ac7230489e80000");
    }
    alloc.putObject(CONTRACT.toString()).put("balance", "0x0").put("code", CODE);
    return genesis;
  }
}
