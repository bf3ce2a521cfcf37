// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.chain.BlockRetention;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A chain in memory, of linked blocks whose timestamps are ten times their numbers. */
final class FakeChain implements ChainReader {
  final List<Block> canonical = new ArrayList<>();
  final Map<Hash, Block> blocks = new HashMap<>();
  final Map<Hash, List<Receipt>> receipts = new HashMap<>();
  ChainConfig config = ChainConfig.of(UInt256.of(1337), Fork.PRAGUE);
  UInt256 networkId = UInt256.of(1337);
  long oldest;
  boolean isUnavailable;

  /** Creates the genesis block and so many blocks after it. */
  FakeChain(int length) {
    for (int i = 0; i <= length; i++) {
      extend();
    }
  }

  /** Adds an empty block to the canonical chain. */
  Block extend() {
    return append(child(canonical.isEmpty() ? null : head(), "canonical"));
  }

  Block append(Block block) {
    canonical.add(block);
    blocks.put(block.hash(), block);
    receipts.putIfAbsent(block.hash(), List.of());
    return block;
  }

  /** Adds a block that is not canonical. */
  Block side(Block parent) {
    Block block = child(parent, "side");
    blocks.put(block.hash(), block);
    receipts.put(block.hash(), List.of());
    return block;
  }

  static Block child(@Nullable Block parent, String extra) {
    long number = parent == null ? 0 : parent.number() + 1;
    BlockHeader header =
        BlockHeader.builder()
            .parentHash(parent == null ? Hash.ZERO : parent.hash())
            .number(number)
            .timestamp(10 * number)
            .gasLimit(30_000_000)
            .extraData(Bytes.wrap(extra.getBytes(java.nio.charset.StandardCharsets.UTF_8)))
            .baseFeePerGas(UInt256.ONE)
            .build();
    return new Block(header, List.of(), List.of(), List.of());
  }

  private void checkAvailable() {
    if (isUnavailable) {
      throw new StorageUnavailableException("no store");
    }
  }

  private void checkRetained(Block block) {
    boolean isCanonical = canonical.contains(block);
    if (isCanonical && retention().isPruned(block.number())) {
      throw new PrunedException(block.number(), oldest);
    }
  }

  @Override
  public List<BadBlock> badBlocks() {
    return List.of();
  }

  @Override
  public ChainConfig config() {
    return config;
  }

  @Override
  public UInt256 networkId() {
    return networkId;
  }

  @Override
  public Block head() {
    checkAvailable();
    return canonical.get(canonical.size() - 1);
  }

  @Override
  public Block safe() {
    return head();
  }

  @Override
  public Block finalized() {
    return head();
  }

  @Override
  public Block genesis() {
    checkAvailable();
    return canonical.get(0);
  }

  @Override
  public BlockRetention retention() {
    checkAvailable();
    return new BlockRetention(oldest, null, oldest, null);
  }

  @Override
  public @Nullable Block block(long number) {
    checkAvailable();
    Block block = number < canonical.size() ? canonical.get((int) number) : null;
    if (block != null) {
      checkRetained(block);
    }
    return block;
  }

  @Override
  public @Nullable Block block(Hash hash) {
    checkAvailable();
    Block block = blocks.get(hash);
    if (block != null) {
      checkRetained(block);
    }
    return block;
  }

  @Override
  public @Nullable Hash canonicalHash(long number) {
    checkAvailable();
    return number < canonical.size() ? canonical.get((int) number).hash() : null;
  }

  @Override
  public @Nullable List<Receipt> receipts(Hash blockHash) {
    checkAvailable();
    Block block = blocks.get(blockHash);
    if (block != null) {
      checkRetained(block);
    }
    return receipts.get(blockHash);
  }

  @Override
  public @Nullable TransactionLocation transaction(Hash hash) {
    return null;
  }

  @Override
  public @Nullable BlockHeader header(Hash hash) {
    checkAvailable();
    Block block = blocks.get(hash);
    return block == null ? null : block.header();
  }

  @Override
  public @Nullable BlockHeader header(long number) {
    checkAvailable();
    if (number < 0) {
      throw new AssertionError("a negative number: " + number);
    }
    return number < canonical.size() ? canonical.get((int) number).header() : null;
  }

  @Override
  public @Nullable UInt256 totalDifficulty(Hash blockHash) {
    checkAvailable();
    Block block = blocks.get(blockHash);
    return block == null ? null : UInt256.of(2 * block.number() + 1);
  }
}
