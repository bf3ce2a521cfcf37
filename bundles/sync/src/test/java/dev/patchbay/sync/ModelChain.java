// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.BlockRetention;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.FutureBlockException;
import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.BlockHeaderBuilder;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.trie.Roots;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A chain in memory whose rules are those of this test: the branch with the most difficulty wins, a
 * header with the extra data "bad seal" is invalid, and so is a block whose header has gasUsed 1.
 *
 * <p>Threading: any thread.
 */
final class ModelChain {
  static final Bytes BAD_SEAL = Bytes.wrap("bad seal".getBytes(StandardCharsets.US_ASCII));

  private final Map<Hash, Block> blocks = new HashMap<>();
  private final Map<Hash, UInt256> totals = new HashMap<>();
  private final List<Block> canonical = new ArrayList<>();
  private final List<Hash> imported = new ArrayList<>();

  /** The clock of its rules: the greatest timestamp that is not from the future. */
  volatile long now = 1_000;

  /** Whether a consensus client drives it: its configuration names no consensus that seals. */
  volatile boolean isDriven;

  volatile BlockRetention retention = BlockRetention.ALL;

  /** A block whose body is deleted; its header is not. */
  volatile @Nullable Block hidden;

  /** Is called before a block is imported. */
  volatile Consumer<Block> onImport = block -> {};

  /** Is called before a header is verified. */
  volatile Consumer<BlockHeader> onVerify = header -> {};

  /** Is called before the hash of a canonical block is read. */
  volatile LongConsumer onCanonicalHash = number -> {};

  ModelChain() {
    Block genesis = new Block(header(null, 0, 1, 0).build(), List.of(), List.of(), List.of());
    put(genesis, UInt256.ONE);
    canonical.add(genesis);
  }

  private static BlockHeaderBuilder header(
      @Nullable Block parent, int salt, int difficulty, int bodySize) {
    return BlockHeader.builder()
        .number(parent == null ? 0 : parent.number() + 1)
        .parentHash(parent == null ? Hash.ZERO : parent.hash())
        .timestamp(salt)
        .difficulty(UInt256.of(difficulty))
        .withdrawalsRoot(Roots.ofWithdrawals(body(salt, bodySize)));
  }

  private static List<Withdrawal> body(int salt, int size) {
    List<Withdrawal> out = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      out.add(new Withdrawal(salt, i, Address.ZERO, 1));
    }
    return out;
  }

  /**
   * Makes a child of a block.
   *
   * @param salt makes the hashes of children of one parent differ
   * @param bodySize items in its body
   */
  static Block child(Block parent, int salt, int difficulty, int bodySize) {
    return new Block(
        header(parent, salt, difficulty, bodySize).build(),
        List.of(),
        List.of(),
        body(salt, bodySize));
  }

  /** Makes a child with a seal that is not valid. */
  static Block badlySealed(Block parent) {
    return new Block(
        header(parent, 1, 2, 0).extraData(BAD_SEAL).build(), List.of(), List.of(), List.of());
  }

  /** Makes a child whose execution is not what its header says. */
  static Block invalid(Block parent) {
    return new Block(header(parent, 1, 2, 0).gasUsed(1).build(), List.of(), List.of(), List.of());
  }

  /** Appends blocks to the head; two of three have a body. */
  ModelChain grow(int count, int salt, int difficulty) {
    for (int i = 0; i < count; i++) {
      Block head = head();
      add(child(head, salt, difficulty, (int) head.number() % 3));
    }
    return this;
  }

  /** Makes a copy. */
  synchronized ModelChain copy() {
    ModelChain out = new ModelChain();
    canonical.subList(1, canonical.size()).forEach(out::add);
    return out;
  }

  synchronized ImportResult add(Block block) {
    UInt256 best = Objects.requireNonNull(totals.get(head().hash()));
    UInt256 known = totals.get(block.hash());
    if (known != null) {
      return isCanonical(block) || known.compareTo(best) <= 0
          ? new ImportResult.Known()
          : reorganize(block);
    }
    UInt256 before = totals.get(block.header().parentHash());
    if (before == null) {
      return new ImportResult.UnknownParent();
    }
    if (block.header().gasUsed() == 1 || !new Bodies(new Calls().config()).belongTogether(block)) {
      return new ImportResult.Invalid("a rule of this test");
    }
    UInt256 total = before.add(block.header().difficulty());
    put(block, total);
    imported.add(block.hash());
    if (total.compareTo(best) <= 0) {
      return new ImportResult.Imported(false);
    }
    return reorganize(block);
  }

  private ImportResult reorganize(Block block) {
    List<Block> branch = new ArrayList<>();
    for (Block at = block; !isCanonical(at); at = blocks.get(at.header().parentHash())) {
      branch.add(0, at);
    }
    while (canonical.size() > branch.get(0).number()) {
      canonical.remove(canonical.size() - 1);
    }
    canonical.addAll(branch);
    return new ImportResult.Imported(true);
  }

  /** Makes an ancestor the head; what is above it stays stored. */
  synchronized void setHead(long number) {
    canonical.subList((int) number + 1, canonical.size()).clear();
  }

  /** Adds a block to the head whether it is valid or not. */
  synchronized void force(Block block) {
    UInt256 before = Objects.requireNonNull(totals.get(head().hash()));
    put(block, before.add(block.header().difficulty()));
    canonical.add(block);
  }

  private boolean isCanonical(Block block) {
    return block.number() < canonical.size() && canonical.get((int) block.number()).equals(block);
  }

  private void put(Block block, UInt256 total) {
    blocks.put(block.hash(), block);
    totals.put(block.hash(), total);
  }

  synchronized Block head() {
    return canonical.get(canonical.size() - 1);
  }

  synchronized @Nullable Block block(long number) {
    return number < canonical.size() ? canonical.get((int) number) : null;
  }

  synchronized @Nullable Block block(Hash hash) {
    return blocks.get(hash);
  }

  synchronized @Nullable UInt256 totalDifficulty(Hash hash) {
    return totals.get(hash);
  }

  /** Returns the blocks that were imported, in order. */
  synchronized List<Hash> imported() {
    return List.copyOf(imported);
  }

  // ---- as the services of a node

  /** What a proxy calls for {@link ChainReader} and {@link BlockImporter}. */
  @SuppressWarnings("unused") // by reflection
  private final class Calls {
    public Block head() {
      return ModelChain.this.head();
    }

    public ChainConfig config() {
      return new ChainConfig(
          UInt256.ONE,
          Map.of(),
          Map.of(),
          null,
          new TreeMap<>(),
          null,
          isDriven ? null : new ChainConfig.Clique(1, 30_000),
          null,
          null,
          true,
          null);
    }

    public BlockRetention retention() {
      return retention;
    }

    public @Nullable BlockHeader header(Hash hash) {
      Block block = ModelChain.this.block(hash);
      return block == null ? null : block.header();
    }

    public @Nullable BlockHeader header(long number) {
      Block block = ModelChain.this.block(number);
      return block == null ? null : block.header();
    }

    public @Nullable Block block(Hash hash) {
      Block deleted = hidden;
      return deleted != null && deleted.hash().equals(hash) ? null : ModelChain.this.block(hash);
    }

    public @Nullable Hash canonicalHash(long number) {
      onCanonicalHash.accept(number);
      Block block = ModelChain.this.block(number);
      return block == null ? null : block.hash();
    }

    public @Nullable UInt256 totalDifficulty(Hash hash) {
      return ModelChain.this.totalDifficulty(hash);
    }

    public ImportResult importBlock(Block block) {
      onImport.accept(block);
      return add(block);
    }

    public void verifyHeader(BlockHeader header, BlockHeader parent, HeaderReader ancestors)
        throws InvalidBlockException {
      onVerify.accept(header);
      if (ancestors.header(header.parentHash()) == null) {
        throw new AssertionError("the parent of " + header + " is not found");
      }
      if (header.timestamp() > now) {
        throw new FutureBlockException(header.timestamp(), now);
      }
      if (header.extraData().equals(BAD_SEAL)) {
        throw new InvalidBlockException("extraData: the seal is not valid");
      }
    }
  }

  ChainReader reader() {
    return proxy(ChainReader.class);
  }

  BlockImporter importer() {
    return proxy(BlockImporter.class);
  }

  private <T> T proxy(Class<T> type) {
    Calls calls = new Calls();
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, args) -> {
              Method own;
              try {
                own = Calls.class.getMethod(method.getName(), method.getParameterTypes());
              } catch (NoSuchMethodException missing) {
                throw new UnsupportedOperationException(
                    method.getName() + Arrays.toString(method.getParameterTypes()), missing);
              }
              try {
                return own.invoke(calls, args);
              } catch (InvocationTargetException thrown) {
                throw thrown.getCause();
              }
            }));
  }
}
