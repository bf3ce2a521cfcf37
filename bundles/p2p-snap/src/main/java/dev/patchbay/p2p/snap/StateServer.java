// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.api.state.RecentStates;
import dev.patchbay.api.state.StateTrieReader;
import dev.patchbay.p2p.snap.AccountRange.Entry;
import dev.patchbay.p2p.snap.StorageRanges.Slot;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Replies to requests for parts of states. A state that is not one of the last 128, or that cannot
 * be read now, has an empty reply. Threading: any thread.
 */
final class StateServer {
  private final ServingTurns turns;
  private final LongSupplier nanos;

  /**
   * Creates a server.
   *
   * @param nanos monotonic time in nanoseconds
   */
  StateServer(ServingTurns turns, LongSupplier nanos) {
    this.turns = turns;
    this.nanos = nanos;
  }

  /** Reads a state; the time of the reply begins before the state is computed. */
  private <R> R read(Hash root, long bytes, Reading<R> reading, R unavailable) {
    R reply =
        turns.take(
            states -> {
              ReplyBudget budget = new ReplyBudget(bytes, nanos);
              return states.read(root, state -> reading.read(state, budget));
            });
    return reply == null ? unavailable : reply;
  }

  private interface Reading<R> {
    @Nullable R read(StateTrieReader state, ReplyBudget budget);
  }

  // ---- accounts

  /** Returns the accounts that a peer asks for: at least one, if there is one. */
  AccountRange accounts(GetAccountRange request) {
    return read(
        request.root(),
        request.bytes(),
        (state, budget) -> accounts(state, request, budget),
        new AccountRange(request.requestId(), List.of(), List.of()));
  }

  private AccountRange accounts(
      StateTrieReader state, GetAccountRange request, ReplyBudget budget) {
    List<Entry> accounts = new ArrayList<>();
    state.accounts(
        request.origin(),
        (hash, account) -> {
          Bytes body = Bytes.wrap(account.encodeSlim());
          accounts.add(new Entry(hash, body));
          budget.add(Hash.SIZE + body.size());
          return hash.compareTo(request.limit()) < 0 && !budget.isExceeded();
        });
    Set<Bytes> proof = new LinkedHashSet<>(state.proveAccount(request.origin()));
    if (!accounts.isEmpty()) {
      proof.addAll(state.proveAccount(accounts.get(accounts.size() - 1).hash()));
    }
    return new AccountRange(request.requestId(), accounts, List.copyOf(proof));
  }

  // ---- slots

  /**
   * Returns the slots that a peer asks for. The reply ends with the first account that it does not
   * have all slots of, which it proves, and before the first account that does not exist.
   */
  StorageRanges slots(GetStorageRanges request) {
    return read(
        request.root(),
        request.bytes(),
        (state, budget) -> slots(state, request, budget),
        new StorageRanges(request.requestId(), List.of(), List.of()));
  }

  private StorageRanges slots(StateTrieReader state, GetStorageRanges request, ReplyBudget budget) {
    List<List<Slot>> lists = new ArrayList<>();
    Set<Bytes> proof = new LinkedHashSet<>();
    for (Hash account : request.accounts()) {
      boolean isFirst = lists.isEmpty();
      boolean isFull = lists.size() == SnapLimits.MAX_LOOKUPS || (!isFirst && budget.isUsedUp());
      if (isFull || state.account(account) == null) {
        break;
      }
      Hash origin = isFirst ? request.origin() : Hash.ZERO;
      Hash limit = isFirst ? request.limit() : GetStorageRanges.MAX_HASH;
      List<Slot> slots = new ArrayList<>();
      boolean isComplete = readSlots(state, account, origin, limit, budget, slots);
      lists.add(slots);
      if (!isComplete || !origin.isZero()) {
        proof.addAll(state.proveSlot(account, origin));
        if (!slots.isEmpty()) {
          proof.addAll(state.proveSlot(account, slots.get(slots.size() - 1).hash()));
        }
        break;
      }
    }
    return new StorageRanges(request.requestId(), lists, List.copyOf(proof));
  }

  /** Adds slots of an account; returns whether they are all from the origin on. */
  private static boolean readSlots(
      StateTrieReader state,
      Hash account,
      Hash origin,
      Hash limit,
      ReplyBudget budget,
      List<Slot> slots) {
    boolean[] isCut = {false};
    state.slots(
        account,
        origin,
        (hash, value) -> {
          boolean isPast =
              !slots.isEmpty()
                  && (slots.get(slots.size() - 1).hash().compareTo(limit) >= 0
                      || budget.isSlackUsedUp());
          if (isPast) {
            isCut[0] = true;
            return false;
          }
          Bytes rlp = Bytes.wrap(new RlpWriter(Hash.SIZE + 1).number(value).toArray());
          slots.add(new Slot(hash, rlp));
          budget.add(Hash.SIZE + rlp.size());
          return true;
        });
    return !isCut[0];
  }

  // ---- codes

  /** Returns the codes that a peer asks for, as far as they are stored: at least one, if any is. */
  ByteCodes codes(GetByteCodes request) {
    List<Bytes> codes = turns.take(states -> codes(states, request));
    return new ByteCodes(request.requestId(), codes == null ? List.of() : codes);
  }

  private List<Bytes> codes(RecentStates states, GetByteCodes request) {
    ReplyBudget budget = new ReplyBudget(request.bytes(), nanos);
    List<Bytes> codes = new ArrayList<>();
    int lookups = 0;
    for (Hash hash : request.hashes()) {
      if (lookups++ == SnapLimits.MAX_LOOKUPS) {
        break;
      }
      Bytes code = states.code(hash);
      if (code != null) {
        codes.add(code);
        budget.add(code.size());
      }
      if (budget.isExceeded()) {
        break;
      }
    }
    return codes;
  }

  // ---- nodes

  /**
   * Returns the trie nodes that a peer asks for. The paths of an account that has no storage are
   * left out.
   */
  TrieNodes nodes(GetTrieNodes request) {
    return read(
        request.root(),
        request.bytes(),
        (state, budget) -> nodes(state, request, budget),
        new TrieNodes(request.requestId(), List.of()));
  }

  private TrieNodes nodes(StateTrieReader state, GetTrieNodes request, ReplyBudget budget) {
    List<Bytes> nodes = new ArrayList<>();
    int lookups = 0;
    for (List<Bytes> set : request.sets()) {
      if (lookups >= SnapLimits.MAX_LOOKUPS || budget.isExceeded()) {
        break; // also when none of the accounts has storage
      }
      Hash account = set.size() == 1 ? null : accountWithStorage(state, set.get(0));
      lookups++;
      for (Bytes path : set.size() == 1 ? set : set.subList(1, set.size())) {
        if (set.size() > 1 && account == null) {
          break;
        }
        if (lookups++ >= SnapLimits.MAX_LOOKUPS || budget.isExceeded()) {
          return new TrieNodes(request.requestId(), nodes);
        }
        Bytes node = node(state, account, path);
        nodes.add(node);
        budget.add(node.size());
      }
    }
    return new TrieNodes(request.requestId(), nodes);
  }

  private static @Nullable Hash accountWithStorage(StateTrieReader state, Bytes name) {
    if (name.size() != Hash.SIZE) {
      return null;
    }
    Hash hash = Hash.of(name.toArray());
    Account account = state.account(hash);
    return account == null || account.storageRoot().equals(Account.EMPTY_ROOT) ? null : hash;
  }

  private static Bytes node(StateTrieReader state, @Nullable Hash account, Bytes path) {
    byte[] nibbles = NodePath.decode(path);
    Bytes node = null;
    if (nibbles != null) {
      node = account == null ? state.accountNode(nibbles) : state.storageNode(account, nibbles);
    }
    return node == null ? Bytes.EMPTY : node;
  }
}
