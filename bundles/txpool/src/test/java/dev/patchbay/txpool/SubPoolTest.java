// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares a pool under random changes with a model that computes everything anew. */
class SubPoolTest {
  private static final int SENDERS = 12;
  private static final SubPool.Limits LIMITS = new SubPool.Limits(20, 6, 5, 0, 1 << 30);

  private final Map<Integer, TreeMap<Long, PooledTransaction>> model = new HashMap<>();
  private final long[] nonces = new long[SENDERS];
  private Fees fees = new Fees(UInt256.of(100), null);
  private long arrivals;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void aRandomHistoryMatchesTheModel(long seed) {
    Random random = new Random(seed);
    SubPool pool = new SubPool(LIMITS);
    pool.setFees(fees);
    int refused = 0;
    int evicted = 0;
    for (int step = 0; step < 3_000; step++) {
      int sender = random.nextInt(SENDERS);
      switch (random.nextInt(12)) {
        case 0 -> {
          fees = new Fees(UInt256.of(50 + random.nextInt(100)), null);
          pool.setFees(fees);
        }
        case 1 -> mine(pool, sender, random.nextInt(3));
        case 2 -> removeOne(pool, sender, random);
        default -> {
          PooledTransaction tx = transaction(sender, nonces[sender] + random.nextInt(6), random);
          boolean hasRoom = pool.hasRoomFor(tx, nonces[sender]);
          compare(pool, "seed " + seed + ", before step " + step);
          SubPool.Added added = pool.add(tx, nonces[sender], step);
          assertThat(hasRoom).as("step " + step).isEqualTo(added != null);
          int before = count();
          boolean expected = addToModel(sender, tx);
          assertThat(added != null).as("step " + step).isEqualTo(expected);
          refused += added == null ? 1 : 0;
          evicted += added == null ? 0 : added.evicted().size();
          if (added != null) {
            int replaced = added.replaced() == null ? 0 : 1;
            assertThat(count()).isEqualTo(before + 1 - replaced - added.evicted().size());
          }
        }
      }
      compare(pool, "seed " + seed + ", step " + step);
    }
    assertThat(refused).as("refusals").isPositive();
    assertThat(evicted).as("evictions").isPositive();
  }

  private void mine(SubPool pool, int sender, int blocks) {
    nonces[sender] += blocks;
    TreeMap<Long, PooledTransaction> own = model.getOrDefault(sender, new TreeMap<>());
    for (PooledTransaction mined : List.copyOf(own.headMap(nonces[sender]).values())) {
      pool.remove(mined);
      own.remove(mined.nonce());
    }
    SenderQueue queue = pool.queue(address(sender));
    if (queue != null) {
      pool.setNonce(queue, nonces[sender]);
    }
  }

  private void removeOne(SubPool pool, int sender, Random random) {
    TreeMap<Long, PooledTransaction> own = model.getOrDefault(sender, new TreeMap<>());
    if (!own.isEmpty()) {
      List<PooledTransaction> all = new ArrayList<>(own.values());
      PooledTransaction tx = all.get(random.nextInt(all.size()));
      pool.remove(tx);
      own.remove(tx.nonce());
    }
  }

  /** Adds, then gives up the worst again and again; undoes all when that is what was added. */
  private boolean addToModel(int sender, PooledTransaction tx) {
    Map<Integer, TreeMap<Long, PooledTransaction>> before = new HashMap<>();
    model.forEach((key, own) -> before.put(key, new TreeMap<>(own)));
    model.computeIfAbsent(sender, key -> new TreeMap<>()).put(tx.nonce(), tx);
    while (true) {
      int worst;
      if (own(sender).size() > LIMITS.perSender()) {
        worst = sender;
      } else if (count() > LIMITS.transactions() || queued() > LIMITS.queued()) {
        worst = worst();
      } else {
        return true;
      }
      PooledTransaction victim = own(worst).pollLastEntry().getValue();
      if (victim == tx) {
        model.clear();
        model.putAll(before);
        return false;
      }
    }
  }

  private TreeMap<Long, PooledTransaction> own(int sender) {
    return model.get(sender);
  }

  private int worst() {
    return model.entrySet().stream()
        .filter(entry -> !entry.getValue().isEmpty())
        .min(
            Comparator.comparing(
                    (Map.Entry<Integer, TreeMap<Long, PooledTransaction>> entry) ->
                        queued(entry.getKey()) == 0)
                .thenComparing(
                    entry ->
                        entry.getValue().values().stream()
                            .map(tx -> fees.score(tx.transaction()))
                            .map(score -> queued(entry.getKey()) == 0 ? score : tipOnly(score))
                            .min(Comparator.naturalOrder())
                            .orElseThrow())
                .thenComparing(entry -> -entry.getValue().lastEntry().getValue().arrival()))
        .orElseThrow()
        .getKey();
  }

  private static Score tipOnly(Score score) {
    return new Score(0, score.tip());
  }

  private int queued(int sender) {
    TreeMap<Long, PooledTransaction> own = own(sender);
    long next = nonces[sender];
    while (own.containsKey(next)) {
      next++;
    }
    return own.size() - (int) (next - nonces[sender]);
  }

  private int queued() {
    return model.keySet().stream().mapToInt(this::queued).sum();
  }

  private int count() {
    return model.values().stream().mapToInt(TreeMap::size).sum();
  }

  private void compare(SubPool pool, String step) {
    assertThat(pool.count()).as(step).isEqualTo(count());
    assertThat(pool.pendingCount()).as(step).isEqualTo(count() - queued());
    long bytes = 0;
    for (int sender = 0; sender < SENDERS; sender++) {
      List<Hash> expected =
          model.getOrDefault(sender, new TreeMap<>()).values().stream()
              .map(PooledTransaction::hash)
              .toList();
      SenderQueue queue = pool.queue(address(sender));
      List<Hash> actual =
          queue == null ? List.of() : queue.all().stream().map(PooledTransaction::hash).toList();
      assertThat(actual).as(step).isEqualTo(expected);
      assertThat(pool.queue(address(sender).keccak())).as(step).isSameAs(queue);
      if (queue != null) {
        assertThat(queue.queuedCount()).as(step).isEqualTo(queued(sender));
        assertThat(queue.pending()).as(step).hasSize(queue.pendingCount());
        assertThat(queue.queued()).as(step).hasSize(queue.queuedCount());
        BigInteger cost =
            queue.all().stream()
                .map(PooledTransaction::cost)
                .reduce(BigInteger.ZERO, BigInteger::add);
        assertThat(queue.cost()).as(step).isEqualTo(cost);
        bytes += queue.all().stream().mapToLong(PooledTransaction::bytes).sum();
      }
    }
    assertThat(pool.bytes()).as(step).isEqualTo(bytes);
  }

  private PooledTransaction transaction(int sender, long nonce, Random random) {
    UInt256 tip = UInt256.of(1 + random.nextInt(20));
    Transaction tx =
        Transaction.builder(TransactionType.FEE_MARKET)
            .nonce(nonce)
            .maxFeePerGas(UInt256.of(60 + random.nextInt(100)))
            .maxPriorityFeePerGas(tip)
            .gasLimit(21_000)
            .value(UInt256.of(arrivals))
            .build();
    BigInteger cost = BigInteger.valueOf(random.nextInt(1_000));
    return new PooledTransaction(tx, address(sender), arrivals++, cost, List.of());
  }

  private static Address address(int sender) {
    return Address.fromHex(String.format("0x%040x", sender + 1));
  }
}
