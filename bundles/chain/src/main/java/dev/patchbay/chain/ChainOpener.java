// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.function.BiPredicate;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens stores for the chain of a genesis.
 *
 * <p>Threading: any thread, one store at a time.
 */
final class ChainOpener {
  private static final Logger LOG = LoggerFactory.getLogger(ChainOpener.class);

  /** How the columns are laid out. 4: tries may be those of a block before the head. */
  static final byte FORMAT = 4;

  /** Fields of the genesis file that show in the header, the most telling first. */
  private static final List<GenesisField> GENESIS_FIELDS =
      List.of(
          new GenesisField("alloc", BlockHeader::stateRoot),
          new GenesisField("extraData", BlockHeader::extraData),
          new GenesisField("gasLimit", BlockHeader::gasLimit),
          new GenesisField("timestamp", BlockHeader::timestamp),
          new GenesisField("difficulty", BlockHeader::difficulty),
          new GenesisField("baseFeePerGas", BlockHeader::baseFeePerGas));

  private final GenesisFile genesisFile;
  private final TrieWorkers workers;
  private final Block genesis;

  ChainOpener(GenesisFile genesisFile, TrieWorkers workers) {
    this.genesisFile = genesisFile;
    this.workers = workers;
    if (genesisFile.config().forkTimes().containsKey(Fork.AMSTERDAM)) {
      LOG.warn(
          "amsterdamTime: of Amsterdam there are block access lists and slot numbers; its gas is"
              + " that of Osaka until the fork is final");
    }
    StateOverlay scratch = new StateOverlay(new EmptyReader());
    Hash stateRoot = new FlatState(scratch, workers).apply(genesisFile.allocation(), null);
    this.genesis = genesisFile.block(stateRoot, account -> FlatState.storageRoot(scratch, account));
  }

  /** A field of the genesis file by its name, and where the header has it. */
  private record GenesisField(String name, Function<BlockHeader, @Nullable Object> value) {}

  Block genesis() {
    return genesis;
  }

  /** Returns the configuration of the genesis, as the store keeps it. */
  String genesisConfig() {
    return genesisFile.configText();
  }

  /**
   * Checks a store before it is bound: it must hold this chain, complete. Returns its head.
   *
   * @throws StorageException when it does not; the message says what to do
   */
  Block open(KeyValueStore store) {
    byte[] headHash = store.get(Columns.META, Keys.HEAD);
    if (headHash == null) {
      throw new StorageException("the head of the chain is missing" + ChainStore.damaged());
    }
    byte[] format = store.get(Columns.META, Keys.FORMAT);
    if (format == null || format.length != 1 || format[0] != FORMAT) {
      throw new StorageException(
          "the store is in format "
              + (format == null ? "unknown" : HexFormat.of().formatHex(format))
              + ", this build reads "
              + HexFormat.of().toHexDigits(FORMAT)
              + ". Export the chain with the build that wrote it, and import the file into another --datadir");
    }
    byte[] stored = store.get(Columns.META, Keys.GENESIS);
    if (stored == null || !Hash.of(stored).equals(genesis.hash())) {
      throw new StorageException(wrongGenesis(store, stored));
    }
    Block loaded = ChainStore.block(store, Hash.of(headHash));
    if (loaded == null) {
      throw new StorageException("the head block " + Hash.of(headHash) + ChainStore.damaged());
    }
    boolean configChanged = GenesisCompatibility.check(store, genesisFile, loaded.header());
    Hash root;
    try {
      root = catchUp(store, loaded);
    } catch (StorageException refused) {
      throw refused;
    } catch (RuntimeException broken) {
      throw new StorageException("the state trie cannot be read" + ChainStore.damaged(), broken);
    }
    if (!root.equals(loaded.header().stateRoot())) {
      throw new StorageException(
          "the state root is "
              + root
              + ", the head block says "
              + loaded.header().stateRoot()
              + ChainStore.damaged());
    }
    if (configChanged) {
      GenesisCompatibility.keep(store, genesisFile);
    }
    LOG.info("head is block {} {}", loaded.number(), loaded.hash());
    return loaded;
  }

  /**
   * Brings the tries of a store to its head, when the node ended before it had written the latest
   * nodes; returns the state root.
   */
  private Hash catchUp(KeyValueStore store, Block top) {
    byte[] stored = store.get(Columns.META, Keys.TRIES);
    BlockHeader base = stored == null ? null : ChainStore.header(store, Hash.of(stored));
    if (base == null) {
      throw new StorageException("the block of the tries is missing" + ChainStore.damaged());
    }
    StateOverlay overlay = new StateOverlay(store);
    FlatState state = new FlatState(overlay, workers);
    if (base.number() == top.number()) {
      return state.accountTrie().rootHash();
    }
    Hash root = state.catchUp(base.number(), top.number());
    if (root.equals(top.header().stateRoot())) {
      overlay.put(Columns.META, Keys.TRIES, top.hash().toArray());
      store.write(overlay.writes().toBatch());
      LOG.info("the tries of {} blocks were computed again", top.number() - base.number());
    }
    return root;
  }

  private String wrongGenesis(KeyValueStore store, byte @Nullable [] stored) {
    BlockHeader other = stored == null ? null : ChainStore.header(store, Hash.of(stored));
    return "the genesis does not fit the data directory: field "
        + (other == null ? "hash" : differingField(other))
        + " differs (stored "
        + (stored == null ? "nothing" : Hash.of(stored))
        + ", given "
        + genesis.hash()
        + ")"
        + unprefixed(other)
        + ". Use the genesis that the chain was started with, or another --datadir";
  }

  /** Returns the name of the first field in which a stored genesis header differs. */
  private String differingField(BlockHeader stored) {
    for (GenesisField field : GENESIS_FIELDS) {
      if (!Objects.equals(field.value.apply(stored), field.value.apply(genesis.header()))) {
        return field.name;
      }
    }
    return "config (fork times)"; // fields of the header that no field of the genesis file sets
  }

  /** Names storage text without 0x, which may be the cause of another state root. */
  private String unprefixed(@Nullable BlockHeader stored) {
    String path = genesisFile.unprefixed();
    boolean sameState = stored != null && stored.stateRoot().equals(genesis.header().stateRoot());
    return path == null || sameState
        ? ""
        : "; field "
            + path
            + " has text without 0x, which is read as hexadecimal digits; earlier builds read such"
            + " values as decimal numbers";
  }

  /** Describes the head of a store for messages. */
  static String describe(KeyReader store) {
    byte[] stored = store.get(Columns.META, Keys.HEAD);
    if (stored == null) {
      return "no head";
    }
    Hash hash = Hash.of(stored);
    BlockHeader head = ChainStore.header(store, hash);
    return head == null ? "no header of the head " + hash : "block " + head.number() + " " + hash;
  }

  /** Writes the genesis block into an empty store. */
  void initialize(KeyValueStore store) {
    StateOverlay overlay = new StateOverlay(store);
    new FlatState(overlay, workers).apply(genesisFile.allocation(), null);
    ChainStore.putBlock(overlay.writes(), genesis, List.of(), genesis.header().difficulty());
    ChainStore.putCanonical(overlay.writes(), genesis);
    overlay.put(Columns.META, Keys.GENESIS, genesis.hash().toArray());
    overlay.put(
        Columns.META,
        Keys.GENESIS_CONFIG,
        genesisFile.configText().getBytes(StandardCharsets.UTF_8));
    overlay.put(Columns.META, Keys.FORMAT, new byte[] {FORMAT});
    overlay.put(Columns.META, Keys.SIDE_BLOCKS, new byte[] {1});
    overlay.put(Columns.META, Keys.HEAD, genesis.hash().toArray());
    overlay.put(Columns.META, Keys.TRIES, genesis.hash().toArray());
    store.write(overlay.writes().toBatch());
    LOG.info("new chain {} with genesis {}", genesisFile.config().chainId(), genesis.hash());
  }

  /** A reader of nothing. */
  private static final class EmptyReader implements KeyReader {
    @Override
    public byte @Nullable [] get(Column column, byte[] key) {
      return null;
    }

    @Override
    public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {}
  }
}
