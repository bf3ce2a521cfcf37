// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.consensus;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.primitives.execution.Reward;
import dev.patchbay.primitives.execution.TransactionRules;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * The rules of one kind of chain, by the name of its consensus protocol; a service. What has a
 * default is as on Ethereum. Threading: any thread.
 */
@ConsumerType
public interface ConsensusRules {
  /** Returns the name of the protocol: a chain's configuration asks for it. */
  String name();

  /**
   * Checks the fields of a header that the protocol owns: difficulty, extra data, seal, time.
   * Fields that all protocols share were checked before.
   *
   * @param parent the parent of {@code header}
   * @throws InvalidBlockException when a rule is broken
   */
  void verifyHeader(
      BlockHeader header, BlockHeader parent, HeaderReader headers, ChainConfig config)
      throws InvalidBlockException;

  /**
   * Checks that the ommers of a block may stand there; their headers by themselves are checked like
   * any other.
   *
   * @throws InvalidBlockException when a rule is broken
   */
  void verifyOmmers(Block block, ChainReader chain) throws InvalidBlockException;

  /**
   * Checks that a consensus client may make a stored block the head. On Ethereum a block of proof
   * of work may be the head only when it is the terminal one (EIP-3675).
   *
   * @throws InvalidBlockException when it may not
   */
  default void verifyHead(BlockHeader header, HeaderReader headers, ChainConfig config)
      throws InvalidBlockException {}

  /**
   * Returns how many blocks a consensus client may set the head back at once, to an ancestor of the
   * head (execution-apis, {@code engine_forkchoiceUpdatedV3}); {@link Long#MAX_VALUE} for any
   * number. The default is that of geth, {@code EngineMaxReorgDepth}.
   */
  default long maxReorgDepth() {
    return 32;
  }

  /** Returns what accounts are credited for a block beyond fees; that for the block is the last. */
  List<Reward> rewards(Block block, ChainConfig config);

  /** Returns the account that the fees of a block go to, and that its code sees as coinbase. */
  Address feeRecipient(BlockHeader header);

  /**
   * Returns the base fee of the block after {@code parent}, in wei per gas, from London on
   * (EIP-1559).
   *
   * @param timestamp time of the block, in seconds since the Unix epoch
   */
  default UInt256 nextBaseFee(BlockHeader parent, long timestamp, ChainConfig config) {
    return FeeMarket.nextBaseFee(parent);
  }

  /**
   * Returns the excess blob gas of the block after {@code parent}, from Cancun on (EIP-4844).
   *
   * @param timestamp time of the block, in seconds since the Unix epoch
   */
  default long nextExcessBlobGas(BlockHeader parent, long timestamp, ChainConfig config) {
    return FeeMarket.nextExcessBlobGas(
        parent, config.blobScheduleAt(timestamp), config.forkAt(parent.number() + 1, timestamp));
  }

  /** Returns the blob gas that a block may use at most, from Cancun on. */
  default long maxBlobGasPerBlock(BlockHeader header, ChainConfig config) {
    return config.blobScheduleAt(header.timestamp()).max() * FeeMarket.BLOB_GAS;
  }

  /** Returns the number that the blob gas of a block is a multiple of. */
  default long gasPerBlob() {
    return FeeMarket.BLOB_GAS;
  }

  /** Returns whether the gas limit of a block stays near that of its parent (EIP-1559). */
  default boolean boundsGasLimitChange() {
    return true;
  }

  /** Returns code that a block puts at addresses before its first transaction. */
  default Map<Address, Bytes> irregularCodeChanges(BlockHeader header, ChainConfig config) {
    return Map.of();
  }

  /** Returns what transactions of a block may be and cost. */
  default TransactionRules transactionRules(BlockHeader header, ChainConfig config) {
    return TransactionRules.ETHEREUM;
  }

  /** Returns whether blocks make requests to a consensus layer, from Prague on (EIP-7685). */
  default boolean hasExecutionRequests() {
    return true;
  }

  /**
   * Returns the account whose storage root is the withdrawals root of a block; null when that is
   * the root of a list of withdrawals (EIP-4895).
   */
  default @Nullable Address withdrawalsRootAccount(BlockHeader header, ChainConfig config) {
    return null;
  }

  /**
   * Returns the extra data of a block that says how the base fee moves after it, as the sequencer
   * of a rollup asks.
   *
   * @param timestamp time of the block, in seconds since the Unix epoch
   * @param eip1559Params denominator and elasticity, 4 bytes each; null when not given
   * @param minBaseFee least base fee in wei per gas, unsigned; null when not given
   * @throws IllegalArgumentException when one of them is missing, malformed, or not known at that
   *     time
   */
  default Bytes extraData(
      long timestamp,
      @Nullable Bytes eip1559Params,
      @Nullable Long minBaseFee,
      ChainConfig config) {
    throw new IllegalArgumentException("blocks of this chain have no sequencer");
  }

  /**
   * Returns what the receipt of a transaction of a rollup shows besides, as members of a JSON
   * object with JSON-neutral values.
   *
   * @param index position of the transaction in the block, from 0
   */
  default Map<String, Object> receiptFields(Block block, int index, ChainConfig config) {
    return Map.of();
  }
}
