// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.op.consensus;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The fields of a receipt about fees beyond gas (op-geth, {@code eth_getTransactionReceipt}). */
final class ReceiptFields {
  private ReceiptFields() {}

  static Map<String, Object> of(Block block, int index, ChainConfig config) {
    List<Transaction> transactions = block.transactions();
    Transaction transaction = transactions.get(index);
    L1Block l1 = L1Block.ofAttributes(transactions.get(0).data());
    if (transaction.deposit() != null || l1 == null) {
      return Map.of();
    }
    OpFork fork = OpFork.at(block.header().timestamp(), config);
    L1Fee.Data data = L1Fee.Data.of(transaction.encode());
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("l1GasPrice", hex(l1.baseFee()));
    out.put("l1GasUsed", hex(L1Fee.gasUsed(data, l1, fork)));
    out.put("l1Fee", hex(L1Fee.of(data, l1, fork)));
    if (L1Fee.isEcotone(l1, fork)) {
      out.put("l1BlobBaseFee", hex(l1.blobBaseFee()));
      out.put("l1BaseFeeScalar", hex(l1.baseFeeScalar()));
      out.put("l1BlobBaseFeeScalar", hex(l1.blobBaseFeeScalar()));
    } else {
      BigDecimal scalar = new BigDecimal(l1.scalar()).movePointLeft(6).stripTrailingZeros();
      out.put("l1FeeScalar", scalar.toPlainString());
    }
    boolean operated = l1.operatorFeeScalar().signum() + l1.operatorFeeConstant().signum() > 0;
    if (fork.includes(OpFork.ISTHMUS) && operated) {
      out.put("operatorFeeScalar", hex(l1.operatorFeeScalar()));
      out.put("operatorFeeConstant", hex(l1.operatorFeeConstant()));
    }
    Integer footprint = L1Block.daFootprintGasScalar(transactions.get(0).data());
    if (footprint != null) {
      out.put("daFootprintGasScalar", Hex.quantity(footprint));
      out.put("blobGasUsed", Hex.quantity(data.bytes() * footprint));
    }
    return out;
  }

  private static String hex(BigInteger number) {
    return UInt256.of(number).toHex();
  }
}
