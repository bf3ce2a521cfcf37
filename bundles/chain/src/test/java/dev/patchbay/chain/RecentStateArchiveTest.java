// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.state.RecentStates;
import dev.patchbay.api.state.StateTrieReader;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.primitives.rlp.RlpWriter;
import dev.patchbay.trie.Trie;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** States by root: those of the last 128 blocks, with their tries, while blocks come and go. */
class RecentStateArchiveTest extends ChainFixture {
  private static final int ACCOUNTS = 60;
  private static final int SLOTS = 20;
  private static final Bytes CODE = Bytes.fromHex("0x6001600255");

  private final AtomicLong nanos = new AtomicLong();

  private RecentStates states() {
    return chain.recentStates();
  }

  private static Address address(int index) {
    byte[] bytes = new byte[20];
    bytes[0] = (byte) (index + 1);
    return Address.of(bytes);
  }

  /** Returns changes that follow from the time of a block: accounts and slots come and go. */
  private static StateChanges changes(BlockHeader header) {
    Random random = new Random(header.timestamp());
    Map<Integer, StateChanges.AccountChange> changed = new TreeMap<>();
    for (int i = 0; i < 8; i++) {
      int index = random.nextInt(ACCOUNTS);
      Map<UInt256, UInt256> slots = new HashMap<>();
      for (int j = 0; j < 4; j++) {
        UInt256 value = random.nextInt(3) == 0 ? UInt256.ZERO : UInt256.of(header.timestamp() + j);
        slots.put(UInt256.of(random.nextInt(SLOTS)), value);
      }
      boolean exists = random.nextInt(8) != 0;
      changed.put(
          index,
          new StateChanges.AccountChange(
              address(index),
              null,
              exists,
              header.number(),
              UInt256.of(header.timestamp()),
              index == 0 ? CODE.keccak() : Account.EMPTY_CODE,
              index == 0 ? CODE : null,
              false,
              exists ? slots : Map.of()));
    }
    return new StateChanges(List.copyOf(changed.values()));
  }

  @Override
  BlockExecutor executor() {
    return BalanceBlocks.executor(header -> List.of(), RecentStateArchiveTest::changes);
  }

  @Override
  Block child(Block parent, long salt) {
    BlockHeader header =
        BlockHeader.builder()
            .parentHash(parent.hash())
            .number(parent.number() + 1)
            .timestamp(1_000 * (parent.number() + 1) + salt)
            .gasLimit(parent.header().gasLimit())
            .baseFeePerGas(FeeMarket.nextBaseFee(parent.header()))
            .build();
    Hash root = chain.states().computeStateRoot(parent.hash(), changes(header));
    BlockHeader sealed =
        BlockHeader.builder()
            .parentHash(header.parentHash())
            .number(header.number())
            .timestamp(header.timestamp())
            .gasLimit(header.gasLimit())
            .baseFeePerGas(header.baseFeePerGas())
            .stateRoot(root)
            .build();
    return new Block(sealed, List.of(), List.of(), null);
  }

  /** Reads a whole state, and checks that it has the root and that its nodes prove it. */
  private static int checkState(StateTrieReader state, Hash root) {
    Trie expected = Trie.inMemory();
    Map<Hash, Account> accounts = new TreeMap<>();
    state.accounts(Hash.ZERO, (hash, account) -> accounts.put(hash, account) == null);
    accounts.forEach((hash, account) -> expected.put(hash.toArray(), account.encode()));
    assertThat(expected.rootHash()).isEqualTo(root);
    accounts.forEach(
        (hash, account) -> {
          assertThat(state.account(hash)).isEqualTo(account);
          assertThat(state.proveAccount(hash)).isEqualTo(bytes(expected.proof(hash.toArray())));
          for (int length = 0; length < 5; length++) {
            byte[] path = java.util.Arrays.copyOf(Trie.nibbles(hash.toArray()), length);
            byte[] node = expected.node(path);
            assertThat(state.accountNode(path)).isEqualTo(node == null ? null : Bytes.wrap(node));
          }
          checkStorage(state, hash, account);
        });
    return accounts.size();
  }

  private static void checkStorage(StateTrieReader state, Hash account, Account fields) {
    Trie storage = Trie.inMemory();
    List<Hash> slots = new ArrayList<>();
    state.slots(
        account,
        Hash.ZERO,
        (slot, value) -> {
          storage.put(slot.toArray(), new RlpWriter().number(value).toArray());
          return slots.add(slot);
        });
    assertThat(storage.rootHash()).isEqualTo(fields.storageRoot());
    assertThat(slots).isSorted();
    for (Hash slot : slots) {
      assertThat(state.proveSlot(account, slot)).isEqualTo(bytes(storage.proof(slot.toArray())));
    }
    byte[] root = storage.node(new byte[0]);
    assertThat(state.storageNode(account, new byte[0]))
        .isEqualTo(root == null ? null : Bytes.wrap(root));
  }

  private static List<Bytes> bytes(List<byte[]> nodes) {
    return nodes.stream().map(Bytes::wrap).toList();
  }

  private int check(Block block) {
    Hash root = block.header().stateRoot();
    Integer accounts = states().read(root, state -> checkState(state, root));
    return Objects.requireNonNull(accounts, "state of block " + block.number());
  }

  @Test
  void theLast128StatesAreReadWithTheirTries() {
    open(Long.MAX_VALUE);
    extend(140);
    for (long number : new long[] {140, 139, 100, 13}) {
      assertThat(check(canonical(number))).isGreaterThan(20);
    }
    for (long number : new long[] {12, 1, 0}) {
      Hash root = canonical(number).header().stateRoot();
      assertThat(states().<Integer>read(root, state -> 1)).as("block " + number).isNull();
    }
    assertThat(states().<Integer>read(Hash.ZERO, state -> 1)).isNull();
  }

  @Test
  void statesFollowTheHeadAndReorgs() {
    open(Long.MAX_VALUE);
    extend(40);
    Block wanted = canonical(20);
    for (int i = 0; i < 5; i++) {
      check(wanted);
      extend(3);
    }
    importer.setHead(30);
    check(wanted);
    Block side = child(chain.head(), 7);
    assertThat(importer.importBlock(side)).isEqualTo(new ImportResult.Imported(true));
    check(wanted);
    check(side);
    assertThat(
            states()
                .<Integer>read(
                    wanted.header().stateRoot(),
                    state -> states().<Integer>read(side.header().stateRoot(), other -> 1)))
        .as("states of two blocks at a time")
        .isEqualTo(1);
  }

  @Test
  void aStateIsComputedOnceForAHeadAndOnlyTheNewBlocksLater() {
    open(Long.MAX_VALUE);
    extend(130);
    Hash root = canonical(10).header().stateRoot();
    Runnable read = () -> assertThat(states().<Integer>read(root, state -> 1)).isEqualTo(1);
    int first = readsOf(read);
    assertThat(readsOf(read)).isLessThan(20);
    extend(1);
    assertThat(readsOf(read)).as("one block more").isLessThan(first / 5);
  }

  private @Nullable Integer read(RecentStates states, long number) {
    return states.read(canonical(number).header().stateRoot(), state -> 1);
  }

  private void isRefused(RecentStates states, long number) {
    assertThatThrownBy(() -> read(states, number)).isInstanceOf(StorageException.class);
  }

  @Test
  void manyStatesInTurnAreNotComputedAgainAndAgain() {
    open(Long.MAX_VALUE);
    extend(130);
    RecentStateArchive states = new RecentStateArchive(chain.states(), chain.pruner(), nanos::get);
    int first = readsOf(() -> assertThat(read(states, 10)).isEqualTo(1));
    for (long number = 11; number < 10 + RewoundStates.MAX_STATES; number++) {
      assertThat(read(states, number)).isEqualTo(1);
    }
    int others =
        readsOf(
            () -> {
              for (long number = 20; number < 120; number++) {
                isRefused(states, number);
              }
            });
    assertThat(others).as("no state is computed").isLessThan(10 * first);
    assertThat(readsOf(() -> assertThat(read(states, 10)).isEqualTo(1)))
        .as("the first one is kept")
        .isLessThan(20);
    nanos.addAndGet(RewoundStates.EXPIRY_NANOS - 1);
    assertThat(read(states, 10)).isEqualTo(1);
    nanos.incrementAndGet();
    assertThat(read(states, 20)).as("in place of one that is not read").isEqualTo(1);
    assertThat(readsOf(() -> assertThat(read(states, 10)).isEqualTo(1)))
        .as("the one that is read stays")
        .isLessThan(20);
  }

  @Test
  void aRequestComputesForItsTimeAndTheNextOneGoesOn() {
    open(Long.MAX_VALUE);
    extend(2 * RecentStateArchive.PART_BLOCKS + 10);
    long[] step = {RecentStateArchive.MAX_NANOS};
    RecentStateArchive states =
        new RecentStateArchive(chain.states(), chain.pruner(), () -> nanos.addAndGet(step[0]));
    isRefused(states, 3);
    extend(1);
    isRefused(states, 3);
    Hash root = canonical(3).header().stateRoot();
    assertThat(states.<Integer>read(root, state -> checkState(state, root))).isPositive();
    step[0] = 0;
    extend(2 * RecentStateArchive.PART_BLOCKS);
    assertThat(states.<Integer>read(root, state -> checkState(state, root)))
        .as("with enough time one request computes it")
        .isPositive();
  }

  @Test
  void codeIsFoundByItsHash() {
    open(Long.MAX_VALUE);
    extend(60);
    assertThat(states().code(CODE.keccak())).isEqualTo(CODE);
    assertThat(states().code(Account.EMPTY_CODE)).isEqualTo(Bytes.EMPTY);
    assertThat(states().code(Hash.ZERO)).isNull();
    assertThat(states().code(canonical(3).header().stateRoot())).isNull();
  }
}
