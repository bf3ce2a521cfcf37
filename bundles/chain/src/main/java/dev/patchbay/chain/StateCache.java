// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.Optional;
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

  private final Cache<AccountKey, Optional<Account>> accounts;
  private final Cache<SlotKey, UInt256> slots;

  /** Creates an empty cache of about so many bytes each for accounts and for slots. */
  StateCache(long bytes) {
    accounts = newCache(bytes);
    slots = newCache(bytes);
  }

  private static <K, V> Cache<K, V> newCache(long bytes) {
    return Caffeine.newBuilder().executor(Runnable::run).maximumSize(bytes / ENTRY_BYTES).build();
  }

  private record AccountKey(Hash block, Address address) {}

  private record SlotKey(Hash block, Address address, UInt256 key) {}

  /** Forgets everything: another store may hold another chain. */
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
