// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.BlockRetention;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.UInt256;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The chain as readers see it: the block tree ({@link BlockStore}), its head ({@link ChainHead})
 * and its states ({@link StateArchive}). {@link ImportPipeline} changes it; {@link HeadWriter}
 * writes each head.
 */
final class Chain implements ChainReader, ProtocolSchedule {
  private static final Logger LOG = LoggerFactory.getLogger(Chain.class);

  private final ChainConfig config;
  private final UInt256 networkId;
  private final ChainOpener opener;
  private final BadBlocks bad;
  private final Choices choices;
  private final ChainHead head = new ChainHead();
  private final HistoryPruner pruner;
  private final BlockStore blocks;
  private final StateArchive states;
  private final RecentStateArchive recentStates;
  private final SideBlocks sideBlocks = new SideBlocks();
  private final HeadWriter writer;

  /**
   * Creates a chain without a store.
   *
   * @param choices the EVM and the consensus rules
   * @param windows how much history the chain keeps
   * @param networkId id of the network; 0 for the chain id
   */
  Chain(
      GenesisFile genesisFile,
      TrieWorkers workers,
      RecentNodes recent,
      BadBlocks bad,
      Choices choices,
      HistoryPruner.Windows windows,
      long networkId) {
    this.bad = bad;
    this.choices = choices;
    this.config = genesisFile.config();
    this.networkId = networkId == 0 ? config.chainId() : UInt256.of(networkId);
    this.opener = new ChainOpener(genesisFile, workers);
    ReorgSequence reorgs = new ReorgSequence();
    this.pruner = new HistoryPruner(windows, LOG::info);
    this.blocks = new BlockStore(head, pruner);
    this.states = new StateArchive(head, recent, pruner, reorgs, workers);
    this.recentStates = new RecentStateArchive(states, pruner, System::nanoTime);
    this.writer =
        new HeadWriter(opener, head, blocks, states, pruner, reorgs, recent, sideBlocks, choices);
  }

  /** Sets the store that is read and written from now on. */
  void attach(NamedStore store) {
    head.attach(store);
  }

  NamedStore storage() {
    return head.storage();
  }

  /** Writes the genesis block, and the names of the choices, into an empty store. */
  void initialize(KeyValueStore store) {
    opener.initialize(store);
    choices.initialize(store);
  }

  /** Describes the head of a store for messages. */
  String describe(KeyReader store) {
    return ChainOpener.describe(store);
  }

  /** Sets the task that reads the head again when it is stale. */
  void onStale(Runnable task) {
    head.onStale(task);
  }

  BlockStore blocks() {
    return blocks;
  }

  StateArchive states() {
    return states;
  }

  RecentStateArchive recentStates() {
    return recentStates;
  }

  HistoryPruner pruner() {
    return pruner;
  }

  SideBlocks sideBlocks() {
    return sideBlocks;
  }

  HeadWriter writer() {
    return writer;
  }

  /** Returns the configuration of the genesis, as the store holds it. */
  String genesisConfig() {
    return opener.genesisConfig();
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
  public ConsensusRules rules() {
    return choices.rules().require();
  }

  @Override
  public Block head() {
    return head.get();
  }

  /** Returns the head that was written last, see {@link ChainHead#settled}. */
  Block settledHead() {
    return head.settled();
  }

  @Override
  public @Nullable Block safe() {
    return tagged(Keys.SAFE);
  }

  @Override
  public @Nullable Block finalized() {
    return tagged(Keys.FINALIZED);
  }

  private @Nullable Block tagged(byte[] key) {
    if (!config.isDriven()) {
      return head();
    }
    Hash hash = blocks.canonicalTag(key); // the head may have been set back since
    return hash == null ? null : block(hash);
  }

  /** Returns the number of the finalized block, whose body may have been pruned. */
  @Nullable Long finalizedNumber() {
    if (!config.isDriven()) {
      return head().number();
    }
    return head.read(reader -> ChainStore.taggedNumber(reader, Keys.FINALIZED));
  }

  @Override
  public BlockRetention retention() {
    return pruner.retention();
  }

  @Override
  public Block genesis() {
    return opener.genesis();
  }

  @Override
  public List<BadBlock> badBlocks() {
    return bad.latest();
  }

  @Override
  public @Nullable BlockHeader header(Hash hash) {
    return blocks.header(hash);
  }

  @Override
  public @Nullable BlockHeader header(long number) {
    Hash hash = canonicalHash(number);
    return hash == null ? null : header(hash);
  }

  @Override
  public @Nullable Block block(Hash hash) {
    return blocks.block(hash);
  }

  @Override
  public @Nullable Block block(long number) {
    Hash hash = canonicalHash(number);
    return hash == null ? null : block(hash);
  }

  @Override
  public @Nullable Hash canonicalHash(long number) {
    return blocks.canonicalHash(number);
  }

  @Override
  public @Nullable List<Receipt> receipts(Hash blockHash) {
    return blocks.receipts(blockHash);
  }

  @Override
  public @Nullable TransactionLocation transaction(Hash hash) {
    return blocks.transaction(hash);
  }

  @Override
  public @Nullable UInt256 totalDifficulty(Hash blockHash) {
    return blocks.totalDifficulty(blockHash);
  }
}
