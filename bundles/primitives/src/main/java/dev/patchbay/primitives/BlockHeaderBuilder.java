// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import org.jspecify.annotations.Nullable;

/**
 * Creates a header field by field. What is not set is empty: no parent, no ommers, empty lists and
 * an empty state, zero, and none of the fields that came with a fork.
 *
 * <p>Threading: one thread.
 */
public final class BlockHeaderBuilder {
  private Hash parentHash = Hash.ZERO;
  private Hash ommersHash = BlockHeader.EMPTY_OMMERS;
  private Address coinbase = Address.ZERO;
  private Hash stateRoot = Account.EMPTY_ROOT;
  private Hash transactionsRoot = Account.EMPTY_ROOT;
  private Hash receiptsRoot = Account.EMPTY_ROOT;
  private Bloom logsBloom = Bloom.EMPTY;
  private UInt256 difficulty = UInt256.ZERO;
  private long number;
  private long gasLimit;
  private long gasUsed;
  private long timestamp;
  private Bytes extraData = Bytes.EMPTY;
  private Hash mixHash = Hash.ZERO;
  private long nonce;
  private @Nullable UInt256 baseFeePerGas;
  private @Nullable Hash withdrawalsRoot;
  private @Nullable Long blobGasUsed;
  private @Nullable Long excessBlobGas;
  private @Nullable Hash parentBeaconBlockRoot;
  private @Nullable Hash requestsHash;
  private @Nullable Hash blockAccessListHash;
  private @Nullable Long slotNumber;

  BlockHeaderBuilder() {}

  BlockHeaderBuilder(BlockHeader header) {
    parentHash = header.parentHash();
    ommersHash = header.ommersHash();
    coinbase = header.coinbase();
    stateRoot = header.stateRoot();
    transactionsRoot = header.transactionsRoot();
    receiptsRoot = header.receiptsRoot();
    logsBloom = header.logsBloom();
    difficulty = header.difficulty();
    number = header.number();
    gasLimit = header.gasLimit();
    gasUsed = header.gasUsed();
    timestamp = header.timestamp();
    extraData = header.extraData();
    mixHash = header.mixHash();
    nonce = header.nonce();
    baseFeePerGas = header.baseFeePerGas();
    withdrawalsRoot = header.withdrawalsRoot();
    blobGasUsed = header.blobGasUsed();
    excessBlobGas = header.excessBlobGas();
    parentBeaconBlockRoot = header.parentBeaconBlockRoot();
    requestsHash = header.requestsHash();
    blockAccessListHash = header.blockAccessListHash();
    slotNumber = header.slotNumber();
  }

  /** Sets the hash of the parent. */
  public BlockHeaderBuilder parentHash(Hash value) {
    parentHash = value;
    return this;
  }

  /** Sets the hash of the list of ommers. */
  public BlockHeaderBuilder ommersHash(Hash value) {
    ommersHash = value;
    return this;
  }

  /** Sets the recipient of the fees. */
  public BlockHeaderBuilder coinbase(Address value) {
    coinbase = value;
    return this;
  }

  /** Sets the root of the state after the block. */
  public BlockHeaderBuilder stateRoot(Hash value) {
    stateRoot = value;
    return this;
  }

  /** Sets the root of the transactions. */
  public BlockHeaderBuilder transactionsRoot(Hash value) {
    transactionsRoot = value;
    return this;
  }

  /** Sets the root of the receipts. */
  public BlockHeaderBuilder receiptsRoot(Hash value) {
    receiptsRoot = value;
    return this;
  }

  /** Sets the filter of all logs. */
  public BlockHeaderBuilder logsBloom(Bloom value) {
    logsBloom = value;
    return this;
  }

  /** Sets the difficulty. */
  public BlockHeaderBuilder difficulty(UInt256 value) {
    difficulty = value;
    return this;
  }

  /** Sets the number of ancestors. */
  public BlockHeaderBuilder number(long value) {
    number = value;
    return this;
  }

  /** Sets the gas limit. */
  public BlockHeaderBuilder gasLimit(long value) {
    gasLimit = value;
    return this;
  }

  /** Sets the gas used by the transactions. */
  public BlockHeaderBuilder gasUsed(long value) {
    gasUsed = value;
    return this;
  }

  /** Sets the seconds since the Unix epoch. */
  public BlockHeaderBuilder timestamp(long value) {
    timestamp = value;
    return this;
  }

  /** Sets the free data. */
  public BlockHeaderBuilder extraData(Bytes value) {
    extraData = value;
    return this;
  }

  /** Sets the mix hash, or previous RANDAO. */
  public BlockHeaderBuilder mixHash(Hash value) {
    mixHash = value;
    return this;
  }

  /** Sets the eight bytes as a number. */
  public BlockHeaderBuilder nonce(long value) {
    nonce = value;
    return this;
  }

  /** Sets the wei per gas; null before London. */
  public BlockHeaderBuilder baseFeePerGas(@Nullable UInt256 value) {
    baseFeePerGas = value;
    return this;
  }

  /** Sets the root of the withdrawals; null before Shanghai. */
  public BlockHeaderBuilder withdrawalsRoot(@Nullable Hash value) {
    withdrawalsRoot = value;
    return this;
  }

  /** Sets the blob gas; null before Cancun. */
  public BlockHeaderBuilder blobGasUsed(@Nullable Long value) {
    blobGasUsed = value;
    return this;
  }

  /** Sets the excess blob gas; null before Cancun. */
  public BlockHeaderBuilder excessBlobGas(@Nullable Long value) {
    excessBlobGas = value;
    return this;
  }

  /** Sets the root of the parent beacon block; null before Cancun. */
  public BlockHeaderBuilder parentBeaconBlockRoot(@Nullable Hash value) {
    parentBeaconBlockRoot = value;
    return this;
  }

  /** Sets the hash of the requests; null before Prague. */
  public BlockHeaderBuilder requestsHash(@Nullable Hash value) {
    requestsHash = value;
    return this;
  }

  /** Sets the hash of the block access list; null before Amsterdam. */
  public BlockHeaderBuilder blockAccessListHash(@Nullable Hash value) {
    blockAccessListHash = value;
    return this;
  }

  /** Sets the slot of the beacon block; null before Amsterdam. */
  public BlockHeaderBuilder slotNumber(@Nullable Long value) {
    slotNumber = value;
    return this;
  }

  /** Returns the header. */
  public BlockHeader build() {
    return new BlockHeader(
        parentHash,
        ommersHash,
        coinbase,
        stateRoot,
        transactionsRoot,
        receiptsRoot,
        logsBloom,
        difficulty,
        number,
        gasLimit,
        gasUsed,
        timestamp,
        extraData,
        mixHash,
        nonce,
        baseFeePerGas,
        withdrawalsRoot,
        blobGasUsed,
        excessBlobGas,
        parentBeaconBlockRoot,
        requestsHash,
        blockAccessListHash,
        slotNumber);
  }
}
