// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.BlockRetention;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.FeeRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.primitives.BlobSchedule;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.rpc.codec.Params;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Methods about fees. */
final class FeeMethods {
  private static final UInt256 DEFAULT_TIP = UInt256.of(1_000_000_000L);
  private static final UInt256 MIN_SEQUENCER_TIP = UInt256.of(1_000_000L);
  private static final UInt256 MAX_SEQUENCER_TIP = UInt256.of(500_000_000_000L);
  private static final int SAMPLED_BLOCKS = 20;
  private static final int MAX_HISTORY = 1_024;
  private static final int MAX_PERCENTILES = 100;

  private final ChainReader chain;
  private final ProtocolSchedule schedule;
  private final Supplier<UInt256> minTip;

  /**
   * Creates the methods.
   *
   * @param minTip returns the least tip cap that the pool admits, in wei per gas
   */
  FeeMethods(ChainReader chain, ProtocolSchedule schedule, Supplier<UInt256> minTip) {
    this.chain = chain;
    this.schedule = schedule;
    this.minTip = minTip;
  }

  Map<String, RpcMethod> methods() {
    Map<String, RpcMethod> m = new LinkedHashMap<>();
    m.put("eth_maxPriorityFeePerGas", (p, s) -> tip().toHex());
    m.put("eth_gasPrice", (p, s) -> tip().add(nextBaseFee()).toHex());
    m.put("eth_baseFee", (p, s) -> nextBaseFee().toHex());
    m.put("eth_blobBaseFee", (p, s) -> nextBlobBaseFee(chain.head()).toHex());
    m.put("eth_feeHistory", RpcMethod.expensive((p, s) -> history(new Params(p))));
    return m;
  }

  UInt256 nextBaseFee() {
    Block head = chain.head();
    return nextBaseFee(head.header());
  }

  /** Returns the base fee after a block, if the next one came at once; zero before London. */
  private UInt256 nextBaseFee(BlockHeader header) {
    if (header.baseFeePerGas() == null) {
      return UInt256.ZERO;
    }
    FeeRules rules = schedule.rules();
    return rules.nextBaseFee(header, header.timestamp(), schedule.config());
  }

  private UInt256 nextBlobBaseFee(Block block) {
    BlockHeader header = block.header();
    if (header.excessBlobGas() == null) {
      return UInt256.ZERO;
    }
    FeeRules rules = schedule.rules();
    long excess = rules.nextExcessBlobGas(header, header.timestamp(), schedule.config());
    BlobSchedule blobs = schedule.config().blobScheduleAt(header.timestamp());
    return FeeMarket.blobBaseFee(excess, blobs);
  }

  /** Returns a tip, in wei per gas, with which a transaction is likely to be in the next blocks. */
  UInt256 tip() {
    UInt256 tip = chain.config().rollup() == null ? tipOfMarket() : tipOfSequencer(chain.head());
    UInt256 least = minTip.get();
    return tip.compareTo(least) < 0 ? least : tip;
  }

  /**
   * Returns the 60th percentile of the tips in the last blocks that have transactions; 1 gwei
   * without any.
   */
  private UInt256 tipOfMarket() {
    List<UInt256> tips = new ArrayList<>();
    BlockRetention retention = chain.retention();
    Block block = chain.head();
    for (int i = 0; i < SAMPLED_BLOCKS && block != null && block.number() > 0; i++) {
      tips.addAll(tips(block));
      block =
          retention.isPruned(block.number() - 1) ? null : chain.block(block.header().parentHash());
    }
    if (tips.isEmpty()) {
      return DEFAULT_TIP;
    }
    tips.sort(Comparator.naturalOrder());
    return tips.get((tips.size() - 1) * 60 / 100);
  }

  /**
   * Returns 0.001 gwei, or more after a full block: 110 % of the median tip of its transactions, at
   * most 500 gwei. A block is full when its largest transaction does not fit into it once more
   * (op-geth, {@code SuggestOptimismPriorityFee}).
   */
  private UInt256 tipOfSequencer(Block head) {
    List<Receipt> receipts = chain.receipts(head.hash());
    if (receipts == null || receipts.isEmpty()) {
      return MIN_SEQUENCER_TIP;
    }
    long largest = 0;
    long before = 0;
    for (Receipt receipt : receipts) {
      largest = Math.max(largest, receipt.cumulativeGasUsed() - before);
      before = receipt.cumulativeGasUsed();
    }
    if (head.header().gasLimit() - head.header().gasUsed() >= largest) {
      return MIN_SEQUENCER_TIP;
    }
    List<UInt256> tips = tips(head);
    tips.sort(Comparator.naturalOrder());
    UInt256 median = tips.get(tips.size() / 2);
    UInt256 raised = median.add(median.divide(UInt256.of(10)));
    return raised.compareTo(MIN_SEQUENCER_TIP) < 0
        ? MIN_SEQUENCER_TIP
        : raised.min(MAX_SEQUENCER_TIP);
  }

  /** Returns the tips of the transactions of a block, in its order; that of a deposit is zero. */
  private static List<UInt256> tips(Block block) {
    UInt256 baseFee = block.header().baseFeePerGas();
    List<UInt256> out = new ArrayList<>();
    for (Transaction transaction : block.transactions()) {
      out.add(transaction.effectiveTip(baseFee));
    }
    return out;
  }

  private Object history(Params params) throws RpcError {
    long asked = params.quantity(0).min(UInt256.of(MAX_HISTORY)).longValue();
    Block last = params.requiredHeader(1, chain);
    List<Double> percentiles = percentiles(params.optional(2));
    int count = (int) Math.min(asked, last.number() + 1);
    long oldest = last.number() - count + 1;
    List<String> baseFees = new ArrayList<>();
    List<Double> ratios = new ArrayList<>();
    List<String> blobFees = new ArrayList<>();
    List<Double> blobRatios = new ArrayList<>();
    List<Object> rewards = new ArrayList<>();
    for (long next = oldest; next <= last.number(); next++) {
      long number = next;
      Block block =
          percentiles.isEmpty()
              ? Params.headerOf(chain, () -> chain.block(number))
              : chain.block(number);
      if (block == null) {
        throw new RpcError(RpcError.SERVER_ERROR, "header not found");
      }
      BlockHeader h = block.header();
      UInt256 baseFee = h.baseFeePerGas();
      baseFees.add((baseFee == null ? UInt256.ZERO : baseFee).toHex());
      ratios.add((double) h.gasUsed() / h.gasLimit());
      BlobSchedule schedule = chain.config().blobScheduleAt(h.timestamp());
      Long excess = h.excessBlobGas();
      blobFees.add(
          (excess == null ? UInt256.ZERO : FeeMarket.blobBaseFee(excess, schedule)).toHex());
      blobRatios.add(blobGasUsedRatio(h, schedule));
      rewards.add(rewards(block, percentiles));
    }
    if (count > 0) {
      baseFees.add(nextBaseFee(last.header()).toHex());
      blobFees.add(nextBlobBaseFee(last).toHex());
    }
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("oldestBlock", Hex.quantity(count == 0 ? 0 : oldest));
    if (!percentiles.isEmpty() && count > 0) {
      out.put("reward", rewards);
    }
    out.put("baseFeePerGas", baseFees);
    out.put("gasUsedRatio", ratios);
    out.put("baseFeePerBlobGas", blobFees);
    out.put("blobGasUsedRatio", blobRatios);
    return out;
  }

  /** Returns zero on a rollup, which has no blobs: its blob gas is the DA footprint. */
  private double blobGasUsedRatio(BlockHeader header, BlobSchedule schedule) {
    Long used = header.blobGasUsed();
    long most = schedule.max() * FeeMarket.BLOB_GAS;
    return used == null || most == 0 || chain.config().rollup() != null
        ? 0.0
        : (double) used / most;
  }

  private static List<Double> percentiles(@Nullable Object value) throws RpcError {
    List<Double> out = new ArrayList<>();
    if (value == null) {
      return out;
    }
    for (Object item : Params.list("rewardPercentiles", value)) {
      if (!(item instanceof Number number)) {
        throw RpcError.invalidParams(
            "invalid reward percentile: " + Hex.shown(String.valueOf(item)));
      }
      double percentile = number.doubleValue();
      boolean ordered = out.isEmpty() || percentile >= out.get(out.size() - 1);
      if (!(percentile >= 0 && percentile <= 100) || !ordered || out.size() >= MAX_PERCENTILES) {
        throw RpcError.invalidParams("invalid reward percentile: " + percentile);
      }
      out.add(percentile);
    }
    return out;
  }

  private record Reward(UInt256 tip, long gas) {}

  private List<String> rewards(Block block, List<Double> percentiles) {
    List<Receipt> receipts = percentiles.isEmpty() ? null : chain.receipts(block.hash());
    if (receipts == null) {
      return List.of();
    }
    List<UInt256> tips = tips(block);
    List<Reward> paid = new ArrayList<>();
    long before = 0;
    for (int i = 0; i < receipts.size(); i++) {
      long gas = receipts.get(i).cumulativeGasUsed();
      paid.add(new Reward(tips.get(i), gas - before));
      before = gas;
    }
    paid.sort(Comparator.comparing(Reward::tip));
    List<String> out = new ArrayList<>();
    int at = 0;
    long sum = paid.isEmpty() ? 0 : paid.get(0).gas;
    for (double percentile : percentiles) {
      long threshold = (long) (block.header().gasUsed() * percentile / 100);
      while (at < paid.size() - 1 && sum < threshold) {
        sum += paid.get(++at).gas;
      }
      out.add(paid.isEmpty() ? "0x0" : paid.get(at).tip.toHex());
    }
    return out;
  }
}
