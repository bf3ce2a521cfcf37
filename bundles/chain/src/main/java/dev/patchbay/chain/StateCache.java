// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Accounts and slots that were read lately of states after blocks: calls at one block ask for the
 * same again and again. The key has the hash of the block, so that nothing in here can be wrong.
 *
 * <p>Threading: any thread.
 */
final class StateCache {
  /** About what an entry takes, its key included. */
  private static final int ENTRY_BYTES = 400;

  /** An entry that is not read for so long is removed: calls have moved to a later block. */
  static final int IDLE_SECONDS = 60;

  private final Cache<AccountKey, Optional<Account>> accounts;
  private final Cache<SlotKey, UInt256> slots;

  /** Creates an empty cache of about so many bytes each for accounts and for slots. */
  StateCache(long bytes) {
    this(bytes, Ticker.systemTicker());
  }

  StateCache(long bytes, Ticker ticker) {
    accounts = newCache(bytes, ticker);
    slots = newCache(bytes, ticker);
  }

  private static <K, V> Cache<K, V> newCache(long bytes, Ticker ticker) {
    return Caffeine.newBuilder()
        .executor(Runnable::run)
        .ticker(ticker)
        .maximumSize(bytes / ENTRY_BYTES)
        .expireAfterAccess(IDLE_SECONDS, TimeUnit.SECONDS)
        .build();
  }

  /** Returns how many entries there are, without those that are due for removal. */
  long size() {
    accounts.cleanUp();
    slots.cleanUp();
    return accounts.estimatedSize() + slots.estimatedSize();
  }

  private record AccountKey(Hash block, Address address) {}

  private record SlotKey(Hash block, Address address, UInt256 key) {}

  /** Removes everything: another store may hold another chain. */
  void clear() {
    accounts.invalidateAll();
    slots.invalidateAll();
  }

  /**
   * Returns an account after a block, or null where there is none.
   *
   * @param reader reads it when it is not known; what it throws is passed on, and nothing is kept
   */
  @Nullable Account account(Hash block, Address address, Supplier<@Nullable Account> reader) {
    AccountKey key = new AccountKey(block, address);
    Optional<Account> found = accounts.getIfPresent(key);
    if (found == null) {
      found = Optional.ofNullable(reader.get());
      accounts.put(key, found);
    }
    return found.orElse(null);
  }

  /** Returns what is in a slot after a block; zero where there is nothing. */
  UInt256 slot(Hash block, Address address, UInt256 at, Supplier<UInt256> reader) {
    SlotKey key = new SlotKey(block, address, at);
    UInt256 found = slots.getIfPresent(key);
    if (found == null) {
      found = reader.get();
      slots.put(key, found);
    }
    return found;
  }
}
