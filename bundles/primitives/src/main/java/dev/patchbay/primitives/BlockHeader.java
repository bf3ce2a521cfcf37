// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import org.jspecify.annotations.Nullable;

/**
 * A block header (Yellow Paper, section 4.3) with the fields that later forks appended. A field is
 * null before the fork that brings it.
 *
 * @param parentHash hash of the parent
 * @param ommersHash hash of the list of ommers
 * @param coinbase recipient of the fees; under Clique the target of a vote
 * @param stateRoot root of the state after the block
 * @param transactionsRoot root of the transactions
 * @param receiptsRoot root of the receipts
 * @param logsBloom filter of all logs
 * @param difficulty difficulty, 0 after the merge
 * @param number number of ancestors
 * @param gasLimit gas limit
 * @param gasUsed gas used by the transactions
 * @param timestamp seconds since the Unix epoch
 * @param extraData free data; under Clique vanity, signers and seal
 * @param mixHash mix hash, previous RANDAO after the merge (EIP-4399)
 * @param nonce eight bytes as a number
 * @param baseFeePerGas wei per gas, from London (EIP-1559)
 * @param withdrawalsRoot root of the withdrawals, from Shanghai (EIP-4895)
 * @param blobGasUsed from Cancun (EIP-4844)
 * @param excessBlobGas from Cancun (EIP-4844)
 * @param parentBeaconBlockRoot from Cancun (EIP-4788)
 * @param requestsHash from Prague (EIP-7685)
 * @param blockAccessListHash hash of the block access list, from Amsterdam (EIP-7928)
 * @param slotNumber slot of the beacon block, from Amsterdam (EIP-7843)
 */
public record BlockHeader(
    Hash parentHash,
    Hash ommersHash,
    Address coinbase,
    Hash stateRoot,
    Hash transactionsRoot,
    Hash receiptsRoot,
    Bloom logsBloom,
    UInt256 difficulty,
    long number,
    long gasLimit,
    long gasUsed,
    long timestamp,
    Bytes extraData,
    Hash mixHash,
    long nonce,
    @Nullable UInt256 baseFeePerGas,
    @Nullable Hash withdrawalsRoot,
    @Nullable Long blobGasUsed,
    @Nullable Long excessBlobGas,
    @Nullable Hash parentBeaconBlockRoot,
    @Nullable Hash requestsHash,
    @Nullable Hash blockAccessListHash,
    @Nullable Long slotNumber) {

  /** Hash of an empty list of ommers. */
  public static final Hash EMPTY_OMMERS =
      Hash.fromHex("0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");

  /** Appends the RLP list. */
  public void write(RlpWriter writer) {
    write(writer, extraData, true);
  }

  /** Appends the RLP list with other extra data: what Clique seals. */
  public void write(RlpWriter writer, Bytes extra) {
    write(writer, extra, true);
  }

  private void write(RlpWriter writer, Bytes extra, boolean sealed) {
    writer.list(
        w -> {
          w.hash(parentHash).hash(ommersHash).address(coinbase).hash(stateRoot);
          w.hash(transactionsRoot).hash(receiptsRoot).bytes(logsBloom.unsafeArray());
          w.number(difficulty).number(number).number(gasLimit).number(gasUsed).number(timestamp);
          w.bytes(extra);
          if (sealed) {
            w.hash(mixHash).bytes(nonceBytes());
          }
          if (baseFeePerGas != null) {
            w.number(baseFeePerGas);
          }
          if (withdrawalsRoot != null) {
            w.hash(withdrawalsRoot);
          }
          if (blobGasUsed != null) {
            w.number(blobGasUsed);
          }
          if (excessBlobGas != null) {
            w.number(excessBlobGas);
          }
          if (parentBeaconBlockRoot != null) {
            w.hash(parentBeaconBlockRoot);
          }
          if (requestsHash != null) {
            w.hash(requestsHash);
          }
          if (blockAccessListHash != null) {
            w.hash(blockAccessListHash);
          }
          if (slotNumber != null) {
            w.number(slotNumber);
          }
        });
  }

  /** Returns the RLP list. */
  public byte[] encode() {
    RlpWriter writer = new RlpWriter();
    write(writer);
    return writer.toArray();
  }

  /** Computes the block hash: Keccak-256 of the RLP list. {@link Block#hash()} keeps it. */
  public Hash computeHash() {
    return Hash.keccak(encode());
  }

  /**
   * Computes what proof of work seals: the hash without mix hash and nonce (Yellow Paper, section
   * 4.3.4).
   */
  public Hash sealHash() {
    RlpWriter writer = new RlpWriter();
    write(writer, extraData, false);
    return Hash.keccak(writer.toArray());
  }

  /** Returns the nonce as eight big-endian bytes. */
  public byte[] nonceBytes() {
    return java.nio.ByteBuffer.allocate(8).putLong(nonce).array();
  }

  /**
   * Reads an RLP list of 15 to 23 fields.
   *
   * @throws RlpException when it is not a header
   */
  public static BlockHeader read(RlpReader reader) {
    RlpReader r = reader.list();
    Hash parentHash = r.hash();
    Hash ommersHash = r.hash();
    Address coinbase = r.address();
    Hash stateRoot = r.hash();
    Hash transactionsRoot = r.hash();
    Hash receiptsRoot = r.hash();
    Bloom bloom = Bloom.wrap(r.fixed(Bloom.SIZE));
    UInt256 difficulty = r.uint256();
    long number = r.number();
    long gasLimit = r.number();
    long gasUsed = r.number();
    long timestamp = r.number();
    Bytes extra = r.bytes();
    Hash mixHash = r.hash();
    long nonce = java.nio.ByteBuffer.wrap(r.fixed(8)).getLong();
    UInt256 baseFee = r.hasNext() ? r.uint256() : null;
    Hash withdrawalsRoot = r.hasNext() ? r.hash() : null;
    Long blobGasUsed = r.hasNext() ? (Long) r.number() : null;
    Long excessBlobGas = r.hasNext() ? (Long) r.number() : null;
    Hash beaconRoot = r.hasNext() ? r.hash() : null;
    Hash requestsHash = r.hasNext() ? r.hash() : null;
    Hash blockAccessListHash = r.hasNext() ? r.hash() : null;
    Long slotNumber = r.hasNext() ? (Long) r.number() : null;
    r.expectEnd();
    return new BlockHeader(
        parentHash,
        ommersHash,
        coinbase,
        stateRoot,
        transactionsRoot,
        receiptsRoot,
        bloom,
        difficulty,
        number,
        gasLimit,
        gasUsed,
        timestamp,
        extra,
        mixHash,
        nonce,
        baseFee,
        withdrawalsRoot,
        blobGasUsed,
        excessBlobGas,
        beaconRoot,
        requestsHash,
        blockAccessListHash,
        slotNumber);
  }

  /** Starts a header of which nothing is set. */
  public static BlockHeaderBuilder builder() {
    return new BlockHeaderBuilder();
  }

  /** Starts a header that is like this one. */
  public BlockHeaderBuilder toBuilder() {
    return new BlockHeaderBuilder(this);
  }
}
