// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpReader;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Verifies that there is a change set for each block from the start of the history to the head, an
 * old value for each key that it names, and no other one.
 */
final class HistoryCheck extends Check {
  private static final int MAX_CHANGE_SETS = 16;

  private static final int MAX_CODES = 10_000;

  /** Hashes of codes that are there. */
  private final Set<Hash> codes = new HashSet<>();

  private long accountsFound;
  private long slotsFound;

  HistoryCheck(KeyReader reader, Findings findings, Runnable rest, DoubleConsumer progress) {
    super(reader, findings, rest, progress);
  }

  /** The keys that a block changed. */
  private record ChangeSet(Set<Bytes> accounts, Set<Bytes> slots) {
    static ChangeSet read(byte[] rlp) {
      ChangeSet set = new ChangeSet(new HashSet<>(), new HashSet<>());
      RlpReader outer = RlpReader.of(rlp);
      RlpReader lists = outer.list();
      outer.expectEnd();
      for (RlpReader accounts = lists.list(); accounts.hasNext(); ) {
        set.accounts.add(Bytes.wrap(accounts.hash().toArray()));
      }
      for (RlpReader slots = lists.list(); slots.hasNext(); ) {
        byte[] slot = slots.fixed(2 * Hash.SIZE);
        if (!set.accounts.contains(Bytes.wrap(Arrays.copyOf(slot, Hash.SIZE)))) {
          throw new RlpException("a slot of an account that is not named");
        }
        set.slots.add(Bytes.wrap(slot));
      }
      lists.expectEnd();
      return set;
    }

    Set<Bytes> of(Column history) {
      return history == Columns.ACCOUNT_HISTORY ? accounts : slots;
    }
  }

  @Override
  void run() {
    BlockHeader head = named(Keys.HEAD);
    if (head == null) {
      findings.add(Columns.META, "head", "the header of the head is missing, or another block's");
      return;
    }
    byte[] stored = reader.get(Columns.META, Keys.HISTORY_FROM);
    long from = stored == null ? 1 : stored.length == Long.BYTES ? Keys.number(stored) : -1;
    if (from < 1 || from > head.number() + 1) {
      findings.add(Columns.META, "history-from", "is no block from 1 to the one after the head");
      return;
    }
    Cursor changes = cursor(Columns.CHANGES);
    long next = from;
    for (Cursor.Entry entry = changes.next(); entry != null; entry = changes.next()) {
      long number = entry.key().length == Long.BYTES ? Keys.number(entry.key()) : -1;
      if (number < from || number > head.number()) {
        findings.add(
            Columns.CHANGES,
            number < 0 ? Findings.hex(entry.key()) : "block " + number,
            "there is a change set outside of the history, which is from block "
                + from
                + " to block "
                + head.number());
        continue;
      }
      if (next == from && number > from) {
        findings.add(
            Columns.META,
            "history-from",
            "is block " + from + ", the first change set is that of block " + number);
      }
      missing(next, number - 1);
      check(number, entry.value());
      next = number + 1;
      progress((double) (number - from) / (head.number() - from + 1));
    }
    missing(next, head.number());
    findStrays(Columns.ACCOUNT_HISTORY, accountsFound, from, head.number());
    findStrays(Columns.SLOT_HISTORY, slotsFound, from, head.number());
  }

  private void missing(long from, long to) {
    if (from <= to) {
      findings.add(
          Columns.CHANGES,
          from == to ? "block " + from : "blocks " + from + " to " + to,
          "the change set is missing");
    }
  }

  private void check(long number, byte[] value) {
    ChangeSet set;
    try {
      set = ChangeSet.read(value);
    } catch (RuntimeException unreadable) {
      findings.add(
          Columns.CHANGES, "block " + number, "is no change set: " + Findings.describe(unreadable));
      return;
    }
    findings.changeSets++;
    long found = accountsFound + slotsFound;
    Set<Bytes> absent = new HashSet<>();
    for (Bytes account : set.accounts) {
      byte[] before = check(Columns.ACCOUNT_HISTORY, account, number);
      if (before != null) {
        accountsFound++;
        checkCode(before, account, number);
        if (before.length == 0) {
          absent.add(account);
        }
      }
      rest();
    }
    for (Bytes slot : set.slots) {
      byte[] before = check(Columns.SLOT_HISTORY, slot, number);
      if (before != null) {
        slotsFound++;
        Bytes account = Bytes.wrap(Arrays.copyOf(slot.unsafeArray(), Hash.SIZE));
        if (before.length > 0 && absent.contains(account)) {
          findings.add(
              Columns.SLOT_HISTORY,
              Keys.history(slot.unsafeArray(), number),
              "there is a value before block " + number + ", but no account");
        }
      }
      rest();
    }
    long keys = set.accounts.size() + set.slots.size();
    long missing = keys - (accountsFound + slotsFound - found);
    if (missing > 0) {
      findings.add(
          Columns.CHANGES,
          "block " + number,
          missing + " of the " + keys + " keys in the change set have no old value");
    }
  }

  private void checkCode(byte[] account, Bytes key, long number) {
    if (account.length == 0 || !isValue(Columns.ACCOUNT_HISTORY, account)) {
      return;
    }
    Hash code = Account.decodeSlim(account).codeHash();
    if (code.equals(Account.EMPTY_CODE) || codes.contains(code)) {
      return;
    }
    if (reader.get(Columns.CODE, code.unsafeArray()) == null) {
      findings.add(
          Columns.CODE,
          code.unsafeArray(),
          "the code of the account " + key + " before block " + number + " is missing");
    } else if (codes.size() < MAX_CODES) {
      codes.add(code);
    }
  }

  /** Verifies the old value of a key, which is returned; null when there is none. */
  private byte @Nullable [] check(Column history, Bytes key, long number) {
    byte[] entry = Keys.history(key.unsafeArray(), number);
    byte[] value = reader.get(history, entry);
    if (value == null) {
      findings.add(history, entry, "the value before block " + number + " is missing");
      return null;
    }
    if (!isValue(history, value)) {
      findings.add(
          history, entry, "the value before block " + number + " is no value of such a key");
    }
    return value;
  }

  /** Returns whether a value, empty for none, can be that of an account or a slot. */
  static boolean isValue(Column history, byte[] value) {
    if (value.length == 0) {
      return true;
    }
    if (history == Columns.SLOT_HISTORY) {
      return value.length <= 32 && value[0] != 0;
    }
    try {
      return Arrays.equals(Account.decodeSlim(value).encodeSlim(), value);
    } catch (RuntimeException unreadable) {
      return false;
    }
  }

  /** Looks for entries that no change set names, until all are found. */
  private void findStrays(Column history, long named, long from, long head) {
    long left = reader.count(history) - named;
    if (left <= 0) {
      return;
    }
    Map<Long, ChangeSet> read =
        new LinkedHashMap<>(16, 0.75f, true) {
          private static final long serialVersionUID = 1L;

          @Override
          protected boolean removeEldestEntry(Map.Entry<Long, ChangeSet> eldest) {
            return size() > MAX_CHANGE_SETS;
          }
        };
    int length = (history == Columns.ACCOUNT_HISTORY ? 1 : 2) * Hash.SIZE;
    Cursor entries = cursor(history);
    for (Cursor.Entry entry = entries.next(); entry != null && left > 0; entry = entries.next()) {
      byte[] key = entry.key();
      boolean known = false;
      if (key.length == length + Long.BYTES) {
        long number = Keys.number(Arrays.copyOfRange(key, length, key.length));
        known =
            number >= from
                && number <= head
                && read.computeIfAbsent(number, this::changeSet)
                    .of(history)
                    .contains(Bytes.wrap(Arrays.copyOf(key, length)));
      }
      if (!known) {
        findings.add(history, key, "no change set names this key");
        left--;
      }
    }
  }

  private ChangeSet changeSet(long number) {
    byte[] value = reader.get(Columns.CHANGES, Keys.number(number));
    try {
      return ChangeSet.read(value == null ? new byte[0] : value);
    } catch (RuntimeException unreadable) { // reported before
      return new ChangeSet(Set.of(), Set.of());
    }
  }
}
