// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.chain.PayloadStatus;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.BlockHeaderBuilder;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.primitives.execution.StateChanges.AccountChange;
import dev.patchbay.storage.memory.MemoryBackend;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random blocks on random branches, with storage that is cleared and accounts that go, beside a
 * head that moves on, back and over to them, with writes that fail and restarts: each state root is
 * that of a model, and the store is whole in the end.
 */
class BranchFuzzTest extends ChainFixture {
  private static final int STEPS = 700;
  private static final int ACCOUNTS = 12;
  private static final int SLOTS = 20;

  /** The slots and the balances of all accounts that exist, by number. */
  private record Model(Map<Integer, Map<Integer, Integer>> slots, Map<Integer, Integer> balances) {
    Model() {
      this(new TreeMap<>(), new TreeMap<>());
    }

    Model copy() {
      Map<Integer, Map<Integer, Integer>> copied = new TreeMap<>();
      slots.forEach((account, own) -> copied.put(account, new TreeMap<>(own)));
      return new Model(copied, new TreeMap<>(balances));
    }
  }

  private final Map<Hash, Model> models = new HashMap<>();
  private final Map<Long, StateChanges> effects = new HashMap<>();
  private final List<Block> known = new ArrayList<>();
  private long lastTimestamp = 1_000;
  private Random random = new Random(0);
  private Block tip;
  private int valid;
  private int reorgs;
  private int failedWrites;

  private static Address address(int account) {
    return Address.fromHex(String.format("0x%040x", account + 1));
  }

  @Override
  BlockExecutor executor() {
    return BalanceBlocks.executor(
        header -> List.of(), header -> Objects.requireNonNull(effects.get(header.timestamp())));
  }

  private static AccountChange change(
      int account, boolean exists, int balance, boolean cleared, Map<UInt256, UInt256> slots) {
    return new AccountChange(
        address(account),
        null,
        exists,
        0,
        UInt256.of(balance),
        Account.EMPTY_CODE,
        null,
        cleared,
        slots);
  }

  /** Changes an account of a model at random; returns the change. */
  private AccountChange change(Model model, int account) {
    int what = random.nextInt(10);
    if (what < 4) {
      model.slots.remove(account);
    }
    if (what < 2) {
      model.balances.remove(account);
      return change(account, false, 0, true, Map.of());
    }
    Map<Integer, Integer> own = model.slots.computeIfAbsent(account, none -> new TreeMap<>());
    Map<UInt256, UInt256> changed = new HashMap<>();
    for (int left = random.nextInt(6); left > 0; left--) {
      int slot = random.nextInt(SLOTS);
      int value = random.nextInt(3) * (1 + random.nextInt(1_000));
      own.put(slot, value);
      changed.put(UInt256.of(slot), UInt256.of(value));
    }
    int balance = 1 + random.nextInt(100_000);
    model.balances.put(account, balance);
    return change(account, true, balance, what < 4, changed);
  }

  private Block next(Block parent) {
    Model model = models.get(parent.hash()).copy();
    Map<Integer, AccountChange> changes = new TreeMap<>();
    for (int left = 1 + random.nextInt(4); left > 0; left--) {
      changes.computeIfAbsent(random.nextInt(ACCOUNTS), account -> change(model, account));
    }
    long timestamp = ++lastTimestamp;
    effects.put(timestamp, new StateChanges(List.copyOf(changes.values())));
    BlockHeaderBuilder header =
        BlockHeader.builder()
            .parentHash(parent.hash())
            .number(parent.number() + 1)
            .timestamp(timestamp)
            .gasLimit(parent.header().gasLimit())
            .baseFeePerGas(FeeMarket.nextBaseFee(parent.header()))
            .stateRoot(root(model));
    Block block = new Block(header.build(), List.of(), List.of(), null);
    models.put(block.hash(), model);
    return block;
  }

  private Hash root(Model model) {
    List<AccountChange> all = new ArrayList<>();
    model.balances.forEach(
        (account, balance) -> {
          Map<UInt256, UInt256> slots = new HashMap<>();
          model
              .slots
              .getOrDefault(account, Map.of())
              .forEach((slot, value) -> slots.put(UInt256.of(slot), UInt256.of(value)));
          all.add(change(account, true, balance, false, slots));
        });
    KeyValueStore empty = new MemoryBackend().open(Path.of("empty"), Columns.ALL, true);
    return new FlatState(new StateOverlay(empty), workers).computeStateRoot(new StateChanges(all));
  }

  private Block anyKnown(int back) {
    return known.get(Math.max(0, known.size() - 1 - random.nextInt(back)));
  }

  private void growBranch() {
    Block block = next(tip);
    PayloadStatus status = importer.insertWithoutSetHead(block);
    assertThat(status).isNotInstanceOf(PayloadStatus.Invalid.class);
    if (status instanceof PayloadStatus.Valid) {
      valid++;
      known.add(block);
      tip = block;
    } else {
      tip = chain.head();
    }
  }

  private void growChain() {
    Block block = next(chain.head());
    assertThat(importer.insertWithoutSetHead(block)).isInstanceOf(PayloadStatus.Valid.class);
    known.add(block);
    assertThat(pipeline.forkChoice().update(block.hash(), Hash.ZERO, Hash.ZERO))
        .isInstanceOf(ForkChoice.Result.Updated.class);
  }

  private void moveHead() {
    Block to = random.nextBoolean() ? tip : anyKnown(120);
    ForkChoice.Result result = pipeline.forkChoice().update(to.hash(), Hash.ZERO, Hash.ZERO);
    assertThat(result).isNotInstanceOf(ForkChoice.Result.Invalid.class);
    if (result instanceof ForkChoice.Result.Updated) {
      reorgs++;
      assertThat(chain.head()).isEqualTo(to);
    }
  }

  private void step(long history) {
    int what = random.nextInt(40);
    failNextWrite = what >= 38;
    try {
      if (what < 16) {
        growBranch();
      } else if (what < 32 || what >= 38) {
        growChain();
      } else if (what < 35) {
        tip = anyKnown(60);
      } else if (what < 37) {
        moveHead();
      } else {
        open(history);
      }
    } catch (StorageException failed) {
      assertThat(failed).hasMessage("the disk is full");
      failedWrites++;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void branchesBesideAMovingHeadHaveTheStatesOfTheModel(int seed) {
    random = new Random(seed);
    long history = seed % 2 == 0 ? 128 : Long.MAX_VALUE;
    open(history);
    tip = chain.genesis();
    known.add(tip);
    models.put(tip.hash(), new Model());
    for (int i = 0; i < STEPS; i++) {
      step(history);
    }
    assertThat(valid).isGreaterThan(100);
    assertThat(reorgs).isGreaterThan(10);
    assertThat(failedWrites).isGreaterThan(10);
    assertThat(
            new Verifier(chain, () -> false)
                .verify(Integer.MAX_VALUE, progress -> {}, () -> false)
                .problems())
        .isEmpty();
  }
}
