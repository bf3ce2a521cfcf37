// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.payload.Payload;
import dev.patchbay.api.payload.PayloadAttributes;
import dev.patchbay.chain.Chains;
import dev.patchbay.consensus.engine.EngineRules;
import dev.patchbay.evm.engine.DefaultEvmEngine;
import dev.patchbay.payload.Builder;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.execution.BlockLimits;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A builder keeps to the length of blocks that verification allows (EIP-7934). */
class BlockSizeTests {
  private static final byte[] KEY = Hash.keccak(new byte[] {7}).toArray();
  private static final long GAS_LIMIT = 200_000_000;
  private static final List<String> SYSTEM_CONTRACTS =
      List.of(
          "0x00000961ef480eb55e80d19ad83579a64c007002",
          "0x0000bbddc7ce488642fb579f8b00f3a590007251");

  private static Transaction transaction(long nonce, int dataBytes) {
    return Transaction.builder(TransactionType.FEE_MARKET)
        .chainId(UInt256.ONE)
        .nonce(nonce)
        .maxFeePerGas(UInt256.of(10_000_000_000L))
        .maxPriorityFeePerGas(UInt256.ONE)
        .gasLimit(2_000_000)
        .to(Address.ZERO)
        .data(Bytes.wrap(new byte[dataBytes]))
        .sign(KEY);
  }

  private static Chains.Wired chain() {
    ObjectNode genesis = Chains.shanghaiGenesis();
    ((ObjectNode) genesis.get("config")).put("cancunTime", 0).put("pragueTime", 0);
    ((ObjectNode) genesis.get("config")).put("osakaTime", 0);
    genesis.put("gasLimit", "0x" + Long.toHexString(GAS_LIMIT));
    genesis
        .withObject("/alloc")
        .putObject(transaction(0, 0).sender().toString())
        .put("balance", "0x56bc75e2d63100000");
    for (String contract : SYSTEM_CONTRACTS) { // they make no requests
      genesis.withObject("/alloc").putObject(contract).put("balance", "0x0").put("code", "0x00");
    }
    return Chains.of(genesis, Chains.memory(), new DefaultEvmEngine(), new EngineRules());
  }

  private static PayloadAttributes attributes(int withdrawals) {
    List<Withdrawal> all = new ArrayList<>();
    for (int i = 0; i < withdrawals; i++) {
      all.add(new Withdrawal(-1, -1, Address.ZERO, 1));
    }
    return new PayloadAttributes(
        12, Hash.ZERO, Address.ZERO, all, Hash.ZERO, Bytes.EMPTY, null, null, null);
  }

  private static Builder builder(Chains.Wired chain, List<Transaction> pooled) {
    Map<Address, List<Transaction>> pending = Map.of(pooled.get(0).sender(), pooled);
    return new Builder(
        chain.reader(),
        chain.schedule(),
        chain.states(),
        chain.executor(),
        Chains.pool(pending),
        GAS_LIMIT);
  }

  /** The block is filled to less than one transaction under the limit, and is valid. */
  @Test
  void aBlockOfLargeTransactionsIsValid() {
    Chains.Wired chain = chain();
    List<Transaction> pooled = new ArrayList<>();
    for (int i = 0; i < 72; i++) {
      pooled.add(transaction(i, 130_000));
    }
    Payload payload = builder(chain, pooled).build(chain.reader().head(), attributes(16));
    int bytes = payload.block().encode().length;
    assertThat((long) bytes).isBetween(BlockLimits.MAX_BYTES - 132_000, BlockLimits.MAX_BYTES);
    assertThat(payload.block().transactions()).hasSizeLessThan(72);
    assertThat(chain.importer().importBlock(payload.block()))
        .isEqualTo(new ImportResult.Imported(true));
  }

  /** Small transactions fill the rest to the byte, as the estimate of the other parts allows. */
  @Test
  void theRestOfABlockIsFilledWithSmallTransactions() {
    Chains.Wired chain = chain();
    List<Transaction> pooled = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      pooled.add(transaction(i, 130_000));
    }
    for (int i = 64; i < 1_000; i++) {
      pooled.add(transaction(i, 200));
    }
    Payload payload = builder(chain, pooled).build(chain.reader().head(), attributes(0));
    int bytes = payload.block().encode().length;
    assertThat((long) bytes).isBetween(BlockLimits.MAX_BYTES - 1_500, BlockLimits.MAX_BYTES);
    assertThat(chain.importer().importBlock(payload.block()))
        .isEqualTo(new ImportResult.Imported(true));
  }

  @Test
  void transactionsThatAreAskedForAndDoNotFitAreNamed() throws Exception {
    Chains.Wired chain = chain();
    List<Transaction> asked = new ArrayList<>();
    for (int i = 0; i < 72; i++) {
      asked.add(transaction(i, 130_000));
    }
    InvalidTransactionException refused = null;
    try {
      builder(chain, asked).build(chain.reader().head(), attributes(0), asked);
    } catch (InvalidTransactionException expected) {
      refused = expected;
    }
    assertThat(refused).isNotNull();
    assertThat(refused.reason()).isEqualTo(InvalidTransactionException.Reason.BLOCK_SIZE);
    assertThat(refused).hasMessageContaining("bytes");
  }
}
