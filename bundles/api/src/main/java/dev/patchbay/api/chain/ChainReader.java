// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.UInt256;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Reads the chain. Every method but {@link #config()} and {@link #networkId()} throws {@link
 * dev.patchbay.api.storage.StorageUnavailableException} while no store is bound. Threading: any
 * thread.
 */
@ProviderType
public interface ChainReader extends BlockReader {
  /**
   * Where a transaction stands in the canonical chain.
   *
   * @param blockHash hash of its block
   * @param index position in the block, from 0
   */
  record TransactionLocation(Hash blockHash, int index) {}

  /**
   * A block that was rejected.
   *
   * @param block the block
   * @param reason which rule it violates, with the offending value
   */
  record BadBlock(Block block, String reason) {}

  /** Returns the latest blocks that were rejected since the node started, the newest first. */
  List<BadBlock> badBlocks();

  /** Returns the configuration of the chain. */
  ChainConfig config();

  /**
   * Returns the id of the network: peers of another network are turned down, and {@code
   * net_version} returns it. The chain id unless the operator has chosen another one. Unsigned.
   */
  default UInt256 networkId() {
    return config().chainId();
  }

  /** Returns the block at the head of the canonical chain. */
  Block head();

  /**
   * Returns the block that a consensus client called safe, null when it has not yet; the head where
   * no consensus client drives the chain.
   *
   * @throws PrunedException when the body of the block has been pruned
   */
  @Nullable Block safe();

  /**
   * Returns the block that a consensus client called finalized, null when it has not yet; the head
   * where no consensus client drives the chain.
   *
   * @throws PrunedException when the body of the block has been pruned
   */
  @Nullable Block finalized();

  /** Returns the genesis block. */
  Block genesis();

  /** Returns which blocks and which transactions are available now. */
  BlockRetention retention();

  /**
   * Returns the canonical block with a number; null above the head.
   *
   * @throws PrunedException when the body of the block has been pruned
   */
  @Nullable Block block(long number);

  /** Returns the hash of the canonical block with a number; null above the head. */
  @Nullable Hash canonicalHash(long number);

  /**
   * Returns the receipts of a block in order; null when the block is unknown.
   *
   * @throws PrunedException when the block is canonical and its receipts have been pruned
   */
  @Nullable List<Receipt> receipts(Hash blockHash);

  /**
   * Returns where a transaction stands in the canonical chain; null when it is not there, or when
   * its entry of the index has been pruned.
   */
  @Nullable TransactionLocation transaction(Hash hash);
}
