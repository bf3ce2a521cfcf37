// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.log.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.BlockRetention;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The index against a look at every block. */
class BlockIndexTest {
  private static final List<Address> ADDRESSES = new ArrayList<>();
  private static final List<Hash> TOPICS = new ArrayList<>();

  static {
    for (int i = 0; i < 50; i++) {
      ADDRESSES.add(
          Address.of(
              Bytes.wrap(Hash.keccak(new byte[] {(byte) i}).toArray()).slice(0, 20).toArray()));
      TOPICS.add(UInt256.of(i).toHash());
    }
  }

  /** An address that no block has a log of. */
  private static final List<long[]> ABSENT = LogKeys.of(Set.of(ADDRESSES.get(49)), List.of());

  @TempDir Path folder;
  private final Chain chain = new Chain();
  private @Nullable BlockIndex index;

  /** A chain of headers and receipts; the logs of a block follow from its hash. */
  private static final class Chain {
    private final List<Block> blocks = new ArrayList<>();
    private final Map<Hash, List<Log>> logs = new HashMap<>();
    private final Map<Hash, BlockHeader> headers = new HashMap<>();

    /** What the next reading of receipts throws. */
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    private final CountDownLatch throwing = new CountDownLatch(1);

    /** Blocks between the genesis block and this one are pruned; 0 when none is. */
    private long oldest;

    /** How often the receipts of a pruned block were asked for. */
    private int prunedReads;

    synchronized void prune(long first) {
      oldest = first;
    }

    synchronized int prunedReads() {
      return prunedReads;
    }

    synchronized void extend(int count, int salt) {
      for (int i = 0; i < count; i++) {
        Hash parent = blocks.isEmpty() ? Hash.ZERO : blocks.get(blocks.size() - 1).hash();
        Block block = new Block(header(parent, blocks.size(), salt), List.of(), List.of(), null);
        blocks.add(block);
        logs.put(block.hash(), logs(block.hash()));
        headers.put(block.hash(), block.header());
      }
    }

    synchronized void cut(int length) {
      blocks.subList(length, blocks.size()).clear();
    }

    private static BlockHeader header(Hash parent, long number, int salt) {
      return BlockHeader.builder().parentHash(parent).number(number).timestamp(salt).build();
    }

    private static List<Log> logs(Hash hash) {
      Random random = new Random(hash.hashCode());
      List<Log> out = new ArrayList<>();
      for (int i = random.nextInt(3); i > 0; i--) {
        out.add(
            new Log(
                ADDRESSES.get(random.nextInt(49)),
                Stream.generate(() -> TOPICS.get(random.nextInt(49)))
                    .limit(random.nextInt(5))
                    .toList(),
                Bytes.EMPTY));
      }
      return out;
    }

    private synchronized @Nullable Object call(String method, Object argument) {
      Throwable next = method.equals("receipts") ? failure.getAndSet(null) : null;
      if (next != null) {
        throwing.countDown();
        BlockIndexTest.<RuntimeException>sneak(next);
      }
      return switch (method) {
        case "head" -> blocks.get(blocks.size() - 1);
        case "canonicalHash" -> {
          long number = (Long) argument;
          yield number < blocks.size() ? blocks.get((int) number).hash() : null;
        }
        case "header" -> headers.get((Hash) argument);
        case "retention" -> new BlockRetention(oldest, null, oldest, null);
        case "receipts" -> {
          long number = Objects.requireNonNull(headers.get((Hash) argument)).number();
          if (number > 0 && number < oldest) {
            prunedReads++;
            throw new PrunedException(number, oldest);
          }
          yield List.of(Receipt.of(TransactionType.LEGACY, true, 0, logs.get((Hash) argument)));
        }
        default -> throw new UnsupportedOperationException(method);
      };
    }

    ChainReader reader() {
      return (ChainReader)
          Proxy.newProxyInstance(
              ChainReader.class.getClassLoader(),
              new Class<?>[] {ChainReader.class},
              (proxy, method, arguments) ->
                  call(method.getName(), arguments == null ? "" : arguments[0]));
    }

    /** Returns the blocks that have an address and each of some topics, at their places. */
    BitSet looked(int from, int to, Set<Address> addresses, List<Set<Hash>> topics) {
      BitSet out = new BitSet();
      for (int n = from; n <= to; n++) {
        List<Log> own = logs.get(blocks.get(n).hash());
        boolean address =
            addresses.isEmpty() || own.stream().anyMatch(log -> addresses.contains(log.address()));
        boolean all = address;
        for (int i = 0; i < topics.size(); i++) {
          int at = i;
          all &=
              topics.get(i).isEmpty()
                  || own.stream()
                      .anyMatch(
                          log ->
                              log.topics().size() > at
                                  && topics.get(at).contains(log.topics().get(at)));
        }
        if (all) {
          out.set(n - from);
        }
      }
      return out;
    }
  }

  private BlockIndex open() {
    close();
    BlockIndex opened = new BlockIndex(chain.reader(), folder);
    index = opened;
    opened.start();
    return opened;
  }

  @AfterEach
  void close() {
    BlockIndex open = index;
    if (open != null) {
      open.close();
    }
  }

  /**
   * Waits until every block of the chain as it is now is known. The count alone does not tell:
   * after a reorganisation to the same length it is right before the thread has begun.
   */
  private void whole(BlockIndex opened) {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    int length = chain.blocks.size();
    while (opened.progress().head() != length - 1
        || opened.progress().blocks() != length
        || !opened.candidates(0, length - 1, ABSENT).isEmpty()) {
      assertThat(System.nanoTime()).as(opened.progress().toString()).isLessThan(limit);
      LockSupport.parkNanos(1_000_000);
    }
  }

  private void agrees(BlockIndex opened, long seed) {
    Random random = new Random(seed);
    for (int i = 0; i < 30; i++) {
      int from = random.nextInt(chain.blocks.size());
      int to = from + random.nextInt(chain.blocks.size() - from);
      Set<Address> addresses =
          random.nextBoolean() ? Set.of() : Set.of(ADDRESSES.get(random.nextInt(50)));
      List<Set<Hash>> topics =
          random.nextBoolean()
              ? List.of(Set.of(), Set.of(TOPICS.get(random.nextInt(25)), TOPICS.get(49)))
              : addresses.isEmpty() ? List.of(Set.of(TOPICS.get(random.nextInt(50)))) : List.of();
      assertThat(opened.candidates(from, to, LogKeys.of(addresses, topics)))
          .as("%d to %d, %s, %s", from, to, addresses, topics)
          .isEqualTo(chain.looked(from, to, addresses, topics));
    }
  }

  @Test
  void findsWhatALookAtEveryBlockFinds() throws Exception {
    chain.extend(10_000, 1);
    BlockIndex opened = open();
    whole(opened);
    agrees(opened, 1);
    assertThat(folder).isDirectoryContaining(file -> file.endsWith("section-0.idx"));
    chain.extend(3_000, 1);
    opened.wake();
    whole(opened);
    agrees(opened, 2);
  }

  /** Waits until the index has seen the head and has so many blocks. */
  private void holds(BlockIndex opened, long blocks) {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (opened.progress().head() != chain.blocks.size() - 1
        || opened.progress().blocks() != blocks) {
      assertThat(System.nanoTime()).as(opened.progress().toString()).isLessThan(limit);
      LockSupport.parkNanos(1_000_000);
    }
  }

  private void agreesFrom(BlockIndex opened, int from) {
    for (int i = 0; i < 50; i++) {
      Set<Address> addresses = Set.of(ADDRESSES.get(i));
      assertThat(opened.candidates(from, chain.blocks.size() - 1, LogKeys.of(addresses, List.of())))
          .isEqualTo(chain.looked(from, chain.blocks.size() - 1, addresses, List.of()));
    }
  }

  /**
   * A section is made of blocks that are all there; those between it and the first are followed.
   */
  @Test
  void prunedBlocksAreNotIndexed() {
    chain.extend(10_000, 1);
    chain.prune(5_000);
    BlockIndex opened = open();
    holds(opened, 5_000);
    agreesFrom(opened, 5_000);
    assertThat(folder.toFile().list()).isEmpty();
    chain.extend(10_000, 1); // sections 2 and 3 are made
    opened.wake();
    holds(opened, 15_000);
    agreesFrom(opened, 5_000);
    assertThat(chain.prunedReads()).isZero();
    assertThat(opened.failure()).isNull();
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder("section-2.idx", "section-3.idx");
  }

  @Test
  void whatTellsOfPrunedBlocksAloneIsRemoved() {
    chain.extend(10_000, 1);
    BlockIndex opened = open();
    whole(opened);
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder("section-0.idx", "section-1.idx");
    chain.prune(5_000);
    chain.extend(1, 1);
    opened.wake();
    holds(opened, 10_001 - 4_096);
    assertThat(folder.toFile().list()).containsExactly("section-1.idx");
    agreesFrom(opened, 5_000);
    chain.prune(9_000);
    chain.extend(1, 1);
    opened.wake();
    holds(opened, 10_002 - 9_000 / Chunk.BLOCKS * Chunk.BLOCKS);
    assertThat(folder.toFile().list()).isEmpty();
    agreesFrom(opened, 9_000);
    assertThat(opened.failure()).isNull();
    opened = open(); // again, with nothing in memory
    holds(opened, 10_002 - 9_000);
    agreesFrom(opened, 9_000);
    assertThat(chain.prunedReads()).isZero();
  }

  static Stream<Throwable> errors() {
    return Stream.of(
        new OutOfMemoryError("Java heap space"),
        new StackOverflowError(),
        new NoClassDefFoundError("dev/patchbay/Exchanged"),
        new AssertionError("an assertion"),
        new IllegalStateException("a state"),
        new StorageException("a file is damaged"));
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void sneak(Throwable failure) throws E {
    throw (E) failure;
  }

  @ParameterizedTest
  @MethodSource("errors")
  void indexingGoesOnAfterAnError(Throwable error) throws Exception {
    chain.extend(100, 1);
    chain.failure.set(error);
    BlockIndex opened = open();
    assertThat(chain.throwing.await(30, TimeUnit.SECONDS)).isTrue();
    String failure = opened.failure();
    while (failure == null && opened.progress().blocks() < 100) {
      Thread.onSpinWait();
      failure = opened.failure();
    }
    assertThat(failure).contains(error.getClass().getSimpleName());
    whole(opened);
    agrees(opened, 3);
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (opened.failure() != null) { // until the step that indexed the last block has ended
      assertThat(System.nanoTime()).as(opened.failure()).isLessThan(limit);
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** Of a store that is being exchanged: it reports its health itself. */
  @Test
  void aStoreThatIsUnavailableIsNoFailure() throws Exception {
    chain.extend(100, 1);
    chain.failure.set(new StorageUnavailableException("the store is being exchanged"));
    BlockIndex opened = open();
    assertThat(chain.throwing.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(opened.failure()).isNull();
    opened.wake();
    whole(opened);
    assertThat(opened.failure()).isNull();
  }

  @Test
  void findsEverythingBeforeItIsWhole() {
    chain.extend(20_000, 1);
    BlockIndex opened = open();
    for (int i = 0; i < 20; i++) {
      BitSet found = opened.candidates(0, 19_999, LogKeys.of(Set.of(ADDRESSES.get(i)), List.of()));
      BitSet missing = chain.looked(0, 19_999, Set.of(ADDRESSES.get(i)), List.of());
      missing.andNot(found);
      assertThat(missing.isEmpty()).isTrue();
    }
  }

  @Test
  void aReorganisationIsNoticedBeforeItIsTold() {
    chain.extend(9_000, 1);
    BlockIndex opened = open();
    whole(opened);
    for (int length : new int[] {8_990, 8_000, 100}) {
      chain.cut(length);
      chain.extend(9_100 - length, length);
      List<long[]> wanted = LogKeys.of(Set.of(ADDRESSES.get(3)), List.of());
      BitSet missing = chain.looked(0, 9_099, Set.of(ADDRESSES.get(3)), List.of());
      missing.andNot(opened.candidates(0, 9_099, wanted));
      assertThat(missing.isEmpty()).isTrue();
      opened.wake();
      whole(opened);
      agrees(opened, length);
    }
  }

  @Test
  void reorganisationsWhileItIndexesDoNoHarm() {
    Random random = new Random(7);
    chain.extend(5_000, 1);
    BlockIndex opened = open();
    for (int salt = 2; salt < 400; salt++) {
      chain.cut(chain.blocks.size() - 1 - random.nextInt(salt % 50 == 0 ? 2_000 : 100));
      chain.extend(1 + random.nextInt(salt % 50 == 0 ? 3_000 : 150), salt);
      opened.wake();
      LockSupport.parkNanos(random.nextInt(2_000_000));
    }
    whole(opened);
    agrees(opened, 7);
  }

  @Test
  void blocksOfTwoBranchesMakeNoChunk() {
    List<Chunk.Block> blocks = new ArrayList<>();
    Hash parent = Hash.ZERO;
    for (int i = 0; i < Chunk.BLOCKS; i++) {
      Hash hash = Hash.keccak(new byte[] {(byte) i});
      blocks.add(new Chunk.Block(hash, parent, new long[] {i % 3, 100}));
      parent = hash;
    }
    Chunk chunk = Objects.requireNonNull(Chunk.of(blocks));
    assertThat(chunk.parent()).isEqualTo(Hash.ZERO);
    assertThat(chunk.last()).isEqualTo(parent);
    assertThat(chunk.candidates(List.of(new long[] {100}))).isEqualTo(-1L);
    assertThat(chunk.candidates(List.of(new long[] {100}, new long[] {2, 7})))
        .isEqualTo(0x4924_9249_2492_4924L);
    assertThat(chunk.candidates(List.of(new long[] {7}))).isZero();
    blocks.set(5, new Chunk.Block(Hash.ZERO, blocks.get(5).parent(), new long[0]));
    assertThat(Chunk.of(blocks)).isNull();
  }

  @Test
  void filesAreUsedAgainUnlessTheyAreOfAnotherChainOrBroken() throws Exception {
    chain.extend(17_000, 1);
    whole(open());
    close();
    Path kept = folder.resolve("section-0.idx");
    Path broken = folder.resolve("section-1.idx");
    Object before = Files.getAttribute(kept, "unix:ino");
    Files.write(broken, new byte[99]);
    chain.cut(13_000);
    chain.extend(4_000, 2);
    BlockIndex opened = open();
    whole(opened);
    agrees(opened, 3);
    assertThat(Files.getAttribute(kept, "unix:ino")).isEqualTo(before);
    assertThat(Files.size(broken)).isGreaterThan(1_000);
  }

  @Test
  void aHundredThousandBlocksTakeMilliseconds() {
    chain.extend(100_100, 1);
    BlockIndex opened = open();
    whole(opened);
    long best = Long.MAX_VALUE;
    for (int i = 0; i < 20; i++) {
      long start = System.nanoTime();
      assertThat(opened.candidates(0, 99_999, ABSENT).isEmpty()).isTrue();
      best = Math.min(best, System.nanoTime() - start);
    }
    System.out.printf("100,000 blocks without a match: %,d us%n", best / 1_000);
    assertThat(best).isLessThan(TimeUnit.MILLISECONDS.toNanos(50));
  }
}
