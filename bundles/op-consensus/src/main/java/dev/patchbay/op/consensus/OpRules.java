// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.op.consensus;

import dev.patchbay.api.chain.BlockReader;
import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.RollupRules;
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
import org.osgi.service.component.annotations.Component;

/**
 * The rules of a rollup of the OP Stack, whose blocks come from op-node (OP Stack specification,
 * execution engine). Blocks before Bedrock are of another kind and are not known.
 */
@Component(service = ConsensusRules.class)
public final class OpRules implements ConsensusRules, RollupRules {
  private static final Address MESSAGE_PASSER = OpTransactionRules.predeploy(0x16);
  private static final int MAX_EXTRA_DATA = 32;

  @Override
  public String name() {
    return "op";
  }

  @Override
  public Address feeRecipient(BlockHeader header) {
    return header.coinbase();
  }

  @Override
  public List<Reward> rewards(Block block, ChainConfig config) {
    return List.of();
  }

  @Override
  public void verifyHeader(
      BlockHeader header, BlockHeader parent, HeaderReader headers, ChainConfig config)
      throws InvalidBlockException {
    if (Long.compareUnsigned(header.timestamp(), parent.timestamp()) <= 0) {
      throw new InvalidBlockException(
          "timestamp "
              + Long.toUnsignedString(header.timestamp())
              + " is not after the parent's "
              + Long.toUnsignedString(parent.timestamp()));
    }
    InvalidBlockException.check("difficulty", header.difficulty(), UInt256.ZERO);
    InvalidBlockException.check("nonce", header.nonce(), 0L);
    InvalidBlockException.check("ommersHash", header.ommersHash(), BlockHeader.EMPTY_OMMERS);
    OpFork fork = OpFork.at(header.timestamp(), config);
    if (fork.includes(OpFork.HOLOCENE)) {
      try {
        FeeParameters.decode(header.extraData(), fork);
      } catch (IllegalArgumentException malformed) {
        throw new InvalidBlockException(String.valueOf(malformed.getMessage()));
      }
    } else if (header.extraData().size() > MAX_EXTRA_DATA) {
      throw new InvalidBlockException(
          "extraData has " + header.extraData().size() + " bytes, at most " + MAX_EXTRA_DATA);
    }
  }

  @Override
  public void verifyOmmers(Block block, BlockReader blocks, ChainConfig config)
      throws InvalidBlockException {
    InvalidBlockException.check("ommers", block.ommers(), List.of());
  }

  @Override
  public UInt256 nextBaseFee(BlockHeader parent, long timestamp, ChainConfig config) {
    UInt256 current = parent.baseFeePerGas();
    if (current == null) {
      return FeeMarket.INITIAL_BASE_FEE;
    }
    FeeParameters parameters;
    try {
      parameters = FeeParameters.after(parent, timestamp, config);
    } catch (IllegalArgumentException malformed) { // of a genesis: all others were checked
      throw new IllegalStateException(
          "block " + parent.number() + ": " + malformed.getMessage(), malformed);
    }
    long used = parent.gasUsed();
    Long footprint = parent.blobGasUsed();
    if (footprint != null && OpFork.at(parent.timestamp(), config).includes(OpFork.JOVIAN)) {
      used = Math.max(used, footprint);
    }
    long target = Math.max(1, parent.gasLimit() / parameters.elasticity());
    UInt256 next = FeeMarket.nextBaseFee(current, used, target, parameters.denominator());
    return next.compareTo(parameters.least()) < 0 ? parameters.least() : next;
  }

  @Override
  public Bytes extraData(
      long timestamp,
      @Nullable Bytes eip1559Params,
      @Nullable Long minBaseFee,
      ChainConfig config) {
    OpFork fork = OpFork.at(timestamp, config);
    require("eip1559Params", eip1559Params != null, fork, OpFork.HOLOCENE);
    require("minBaseFee", minBaseFee != null, fork, OpFork.JOVIAN);
    if (eip1559Params == null) {
      return Bytes.EMPTY;
    }
    UInt256 least = minBaseFee == null ? UInt256.ZERO : UInt256.of(minBaseFee);
    return FeeParameters.asked(eip1559Params, least, fork, config).encode(fork);
  }

  private static void require(String field, boolean given, OpFork fork, OpFork from) {
    if (given != fork.includes(from)) {
      throw new IllegalArgumentException(
          given ? field + " is not known before " + from : field + " is missing");
    }
  }

  /** op-node sets the head back to any ancestor when it is reset, or replaces a block (op-geth). */
  @Override
  public long maxReorgDepth() {
    return Long.MAX_VALUE;
  }

  /** A rollup has no blobs of its own. */
  @Override
  public long nextExcessBlobGas(BlockHeader parent, long timestamp, ChainConfig config) {
    return 0;
  }

  /** Blob gas is the DA footprint, from Jovian on. */
  @Override
  public long maxBlobGasPerBlock(BlockHeader header, ChainConfig config) {
    return OpFork.at(header.timestamp(), config).includes(OpFork.JOVIAN) ? header.gasLimit() : 0;
  }

  @Override
  public long gasPerBlob() {
    return 1;
  }

  @Override
  public boolean boundsGasLimitChange() {
    return false;
  }

  @Override
  public Map<Address, Bytes> irregularCodeChanges(BlockHeader header, ChainConfig config) {
    return OpFork.CANYON.beginsAt(header.timestamp(), config)
        ? Map.of(Create2Deployer.ADDRESS, Create2Deployer.CODE)
        : Map.of();
  }

  @Override
  public TransactionRules transactionRules(BlockHeader header, ChainConfig config) {
    return OpTransactionRules.of(OpFork.at(header.timestamp(), config));
  }

  @Override
  public boolean hasExecutionRequests() {
    return false;
  }

  @Override
  public @Nullable Address withdrawalsRootAccount(BlockHeader header, ChainConfig config) {
    return OpFork.at(header.timestamp(), config).includes(OpFork.ISTHMUS) ? MESSAGE_PASSER : null;
  }

  @Override
  public Map<String, Object> receiptFields(Block block, int index, ChainConfig config) {
    return ReceiptFields.of(block, index, config);
  }
}
