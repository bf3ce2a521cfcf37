// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;

/**
 * What a block accesses and changes, for its block access list (EIP-7928). Changes have an index: 0
 * before the transactions, 1 and so on for each of them, one more after them.
 *
 * <p>Threading: one thread at a time.
 */
final class AccessRecorder {
  /** The values of one thing, each with the index at which it came about. */
  private static final class History<T> {
    private record Change<T>(int index, T before, T after) {}

    private final List<Change<T>> changes = new ArrayList<>();

    /** Notes a change; what an index changes back does not count. */
    void add(int index, T before, T after) {
      int last = changes.size() - 1;
      T first = before;
      if (last >= 0 && changes.get(last).index == index) {
        first = changes.remove(last).before;
      }
      if (!first.equals(after)) {
        changes.add(new Change<>(index, first, after));
      }
    }

    void write(RlpWriter writer, BiConsumer<RlpWriter, T> value) {
      writer.list(
          w -> {
            for (Change<T> change : changes) {
              w.list(
                  pair -> {
                    pair.number(change.index);
                    value.accept(pair, change.after);
                  });
            }
          });
    }
  }

  private static final class Accesses {
    final Set<UInt256> slots = new TreeSet<>();
    final Map<UInt256, History<UInt256>> storage = new TreeMap<>();
    final History<UInt256> balance = new History<>();
    final History<Long> nonce = new History<>();
    final History<Bytes> code = new History<>();

    boolean writes(UInt256 key) {
      History<UInt256> history = storage.get(key);
      return history != null && !history.changes.isEmpty();
    }
  }

  private final Map<AccountEntry, Accesses> accounts = new HashMap<>();
  private int index;

  /** Says which index changes have from now on. */
  void at(int next) {
    index = next;
  }

  /** Notes that an account was accessed. */
  void account(AccountEntry account) {
    of(account);
  }

  /** Notes that a storage slot was accessed. */
  void slot(AccountEntry account, UInt256 key) {
    of(account).slots.add(key);
  }

  private Accesses of(AccountEntry account) {
    return accounts.computeIfAbsent(account, any -> new Accesses());
  }

  void storage(AccountEntry account, UInt256 key, UInt256 before, UInt256 after) {
    of(account).storage.computeIfAbsent(key, any -> new History<>()).add(index, before, after);
  }

  void balance(AccountEntry account, UInt256 before, UInt256 after) {
    of(account).balance.add(index, before, after);
  }

  void nonce(AccountEntry account, long before, long after) {
    of(account).nonce.add(index, before, after);
  }

  void code(AccountEntry account, Bytes before, Bytes after) {
    of(account).code.add(index, before, after);
  }

  /** Returns the RLP of the block access list. */
  Bytes encode() {
    Map<Address, Accesses> sorted = new TreeMap<>();
    accounts.forEach((account, accesses) -> sorted.put(account.address, accesses));
    RlpWriter writer = new RlpWriter();
    writer.list(list -> sorted.forEach((address, a) -> write(list, address, a)));
    return Bytes.wrap(writer.toArray());
  }

  private static void write(RlpWriter list, Address address, Accesses a) {
    list.list(
        w -> {
          w.address(address);
          w.list(
              changes -> {
                a.storage.forEach(
                    (key, history) -> {
                      if (a.writes(key)) {
                        changes.list(
                            slot -> {
                              slot.number(key);
                              history.write(slot, RlpWriter::number);
                            });
                      }
                    });
              });
          w.list(reads -> a.slots.stream().filter(key -> !a.writes(key)).forEach(reads::number));
          a.balance.write(w, RlpWriter::number);
          a.nonce.write(w, RlpWriter::number);
          a.code.write(w, (code, bytes) -> code.bytes(bytes));
        });
  }
}
