// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.payload.Payload;
import dev.patchbay.api.payload.PayloadAttributes;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A payload has the blobs of all of its transactions. */
class BlobPayloadTest {
  private static final ChainConfig CONFIG = ChainConfig.of(UInt256.ONE, Fork.CANCUN);
  private static final Block PARENT =
      new Block(
          BlockHeader.builder()
              .number(1)
              .timestamp(1)
              .gasLimit(30_000_000)
              .baseFeePerGas(UInt256.ONE)
              .excessBlobGas(0L)
              .build(),
          List.of(),
          List.of(),
          null);
  private static final PayloadAttributes ATTRIBUTES =
      new PayloadAttributes(
          2, Hash.ZERO, Address.ZERO, List.of(), Hash.ZERO, Bytes.EMPTY, null, null, null);

  private final Map<Address, List<Transaction>> pending = new HashMap<>();
  private final Map<Hash, BlobSidecar> sidecars = new HashMap<>();

  /** A builder over a pool that drops the blobs of a transaction as it is added to a block. */
  private final Builder builder =
      new Builder(
          Stubs.of(ChainReader.class, Map.of("config", args -> CONFIG)),
          Stubs.of(
              ProtocolSchedule.class,
              Map.of(
                  "config",
                  args -> CONFIG,
                  "rules",
                  args ->
                      Stubs.of(
                          ConsensusRules.class,
                          Map.of("nextBaseFee", a -> UInt256.ONE, "nextExcessBlobGas", a -> 0L)))),
          Stubs.states(),
          Stubs.executor(tx -> sidecars.remove(tx.hash())),
          Stubs.of(
              TransactionPool.class,
              Map.of("pending", args -> pending, "sidecar", args -> sidecars.get(args[0]))),
          30_000_000);

  private Transaction blobTransaction(int tip) {
    Address sender = Address.fromHex(String.format("0x%040x", tip));
    Transaction transaction =
        Transaction.builder(TransactionType.BLOB)
            .chainId(UInt256.ONE)
            .maxFeePerGas(UInt256.of(100))
            .maxPriorityFeePerGas(UInt256.of(tip))
            .gasLimit(21_000)
            .to(Address.ZERO)
            .maxFeePerBlobGas(UInt256.ONE)
            .blobVersionedHashes(List.of(Hash.ZERO))
            .sender(sender)
            .build();
    pending.put(sender, List.of(transaction));
    return transaction;
  }

  private static BlobSidecar sidecar(int content) {
    Bytes bytes = Bytes.wrap(new byte[] {(byte) content});
    return new BlobSidecar(0, List.of(bytes), List.of(bytes), List.of(bytes));
  }

  @Test
  void theBlobsOfTransactionsThatLeaveThePoolMeanwhileAreInThePayload() {
    Transaction second = blobTransaction(1);
    Transaction first = blobTransaction(2);
    sidecars.put(second.hash(), sidecar(1));
    sidecars.put(first.hash(), sidecar(2));
    Payload payload = builder.build(PARENT, ATTRIBUTES);
    assertThat(payload.block().transactions()).containsExactly(first, second);
    assertThat(payload.sidecars()).containsExactly(sidecar(2), sidecar(1));
  }

  @Test
  void aTransactionWhoseBlobsAreMissingIsLeftOut() {
    blobTransaction(2);
    Transaction other = blobTransaction(1);
    sidecars.put(other.hash(), sidecar(1));
    Payload payload = builder.build(PARENT, ATTRIBUTES);
    assertThat(payload.block().transactions()).containsExactly(other);
    assertThat(payload.sidecars()).containsExactly(sidecar(1));
  }
}
