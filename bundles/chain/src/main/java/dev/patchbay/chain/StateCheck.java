// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Verifies the state: codes by their hashes, the values of accounts and slots against the roots,
 * the stored trie nodes against the values, and the change sets of the latest blocks, which are
 * unwound in memory.
 */
final class StateCheck extends Check {
  private static final int MIN_NODES = 10_000;

  /** Unwinding ends when its writes take this much memory. */
  private static final long MAX_UNWOUND_BYTES = 32L << 20;

  private final TrieWorkers workers;
  private final int unwind;
  private final int minNodes;

  /** Problems of codes, which do not impede the computation of roots. */
  private long codesMissing;

  StateCheck(
      KeyReader reader,
      Findings findings,
      Runnable rest,
      DoubleConsumer progress,
      TrieWorkers workers,
      int unwind) {
    this(reader, findings, rest, progress, workers, unwind, MIN_NODES);
  }

  /** Creates a check that compares a trie in parts of at least some nodes. */
  StateCheck(
      KeyReader reader,
      Findings findings,
      Runnable rest,
      DoubleConsumer progress,
      TrieWorkers workers,
      int unwind,
      int minNodes) {
    super(reader, findings, rest, progress);
    this.workers = workers;
    this.unwind = unwind;
    this.minNodes = minNodes;
  }

  @Override
  void run() {
    checkCodes();
    BlockHeader head = named(Keys.HEAD);
    if (head == null) {
      findings.add(Columns.META, "head", "the header of the head is missing, or another block's");
      return;
    }
    BlockHeader base = named(Keys.TRIES);
    if (base == null || base.number() > head.number()) {
      findings.add(
          Columns.META, "tries", "the block of the tries is missing, or is above the head");
      checkValues(reader, head, head, false);
      return;
    }
    StateOverlay values = new StateOverlay(reader);
    if (!isAt(values, head.number(), base.number())) {
      checkValues(reader, head, head, false);
      return;
    }
    boolean sound = checkValues(values, base, head, true);
    long before = impediments();
    checkChanged(values.writes());
    sound &= impediments() == before;
    StateOverlay overlay = new StateOverlay(reader);
    if (sound && (head.number() == base.number() || catchUp(overlay, base, head))) {
      unwind(overlay, head);
    }
  }

  private long impediments() {
    return findings.found() - codesMissing;
  }

  private void checkCodes() {
    Cursor codes = cursor(Columns.CODE);
    for (Cursor.Entry code = codes.next(); code != null; code = codes.next()) {
      findings.codes++;
      Hash hash = Hash.keccak(code.value());
      if (!Arrays.equals(hash.unsafeArray(), code.key())) {
        findings.add(Columns.CODE, code.key(), "the code has the hash " + hash);
      }
    }
  }

  /** Brings the values back to those after an earlier block; returns whether that succeeded. */
  private boolean isAt(StateOverlay values, long from, long to) {
    FlatState state = new FlatState(values, workers);
    for (long number = from; number > to; number--) {
      try {
        state.restoreValues(number);
      } catch (RuntimeException damaged) {
        Verifier.rethrowUnlessDamage(damaged);
        findings.add(
            Columns.CHANGES,
            "block " + number,
            "the values before this block, which the trie nodes need, cannot be read: "
                + Findings.describe(damaged));
        return false;
      }
      rest();
    }
    return true;
  }

  // ---- values and nodes

  /**
   * Verifies the values after a block, and the nodes with them; returns whether all is right. When
   * the values are wrong, and the store's own are right after the head, the change sets are.
   */
  private boolean checkValues(
      KeyReader values, BlockHeader block, BlockHeader head, boolean withNodes) {
    long before = impediments();
    Cursor accounts = new Cursor(values, Columns.ACCOUNTS, this::rest);
    Cursor slots = new Cursor(values, Columns.SLOTS, this::rest);
    Cursor nodes = withNodes ? cursor(Columns.STORAGE_TRIE) : null;
    TrieCheck trie =
        new TrieCheck(
            withNodes ? cursor(Columns.ACCOUNT_TRIE) : null,
            Columns.ACCOUNT_TRIE,
            new byte[0],
            minNodes);
    for (Cursor.Entry entry = accounts.next(); entry != null; entry = accounts.next()) {
      strays(slots, Columns.SLOTS, entry.key());
      if (nodes != null) {
        strays(nodes, Columns.STORAGE_TRIE, entry.key());
      }
      checkAccount(values, entry, slots, nodes, trie);
      rest();
      progressAt(entry.key());
    }
    strays(slots, Columns.SLOTS, null);
    if (nodes != null) {
      strays(nodes, Columns.STORAGE_TRIE, null);
    }
    TrieCheck.Result result = trie.end();
    findings.trieNodes += result.nodes();
    boolean changeSets =
        values != reader
            && !result.root().equals(block.stateRoot())
            && accountsRoot().equals(head.stateRoot());
    report(
        trie,
        result,
        block.stateRoot(),
        changeSets ? Columns.ACCOUNT_HISTORY : Columns.ACCOUNTS,
        "the state root of " + Findings.block(block.number(), block.computeHash()));
    return impediments() == before;
  }

  /** Reports entries below the key of an account, all that are left without one. */
  private void strays(Cursor cursor, Column column, byte @Nullable [] account) {
    for (Cursor.Entry entry = cursor.peek();
        entry != null && (account == null || entry.isBelow(account));
        entry = cursor.peek()) {
      findings.add(column, entry.key(), "there is no such account");
      cursor.next();
    }
  }

  /** Returns the root of the account trie of the values in the store. */
  private Hash accountsRoot() {
    TrieCheck trie = new TrieCheck(null, Columns.ACCOUNT_TRIE, new byte[0], minNodes);
    Cursor accounts = cursor(Columns.ACCOUNTS);
    for (Cursor.Entry entry = accounts.next(); entry != null; entry = accounts.next()) {
      try {
        trie.add(entry.key(), Account.decodeSlim(entry.value()).encode());
      } catch (RuntimeException unreadable) {
        return Hash.ZERO; // it is reported as no account
      }
      rest();
    }
    return trie.end().root();
  }

  /** Returns whether the slots of an account in the store make the storage root there. */
  private boolean areSlotsRight(byte[] key) {
    TrieCheck trie = new TrieCheck(null, Columns.STORAGE_TRIE, key, minNodes);
    try {
      Account account = FlatState.account(reader, Hash.of(key));
      Cursor slots = new Cursor(reader, Columns.SLOTS, key, this::rest);
      for (Cursor.Entry slot = slots.next();
          slot != null && slot.startsWith(key);
          slot = slots.next()) {
        addSlot(trie, key, slot);
      }
      return account != null && account.storageRoot().equals(trie.end().root());
    } catch (RuntimeException unreadable) {
      Verifier.rethrowUnlessDamage(unreadable);
      return false;
    }
  }

  private static void addSlot(TrieCheck storage, byte[] account, Cursor.Entry slot) {
    byte[] value = slot.value();
    storage.add(
        Arrays.copyOfRange(slot.key(), account.length, slot.key().length),
        value.length == 0 ? value : new RlpWriter(RlpWriter.sizeOf(value)).bytes(value).toArray());
  }

  private void checkAccount(
      KeyReader values,
      Cursor.Entry entry,
      Cursor slots,
      @Nullable Cursor nodes,
      TrieCheck accounts) {
    findings.accounts++;
    byte[] key = entry.key();
    Account account;
    try {
      account = Account.decodeSlim(entry.value());
      accounts.add(key, account.encode());
    } catch (RuntimeException unreadable) {
      findings.add(Columns.ACCOUNTS, key, "is no account: " + Findings.describe(unreadable));
      skip(slots, key);
      skip(nodes, key);
      return;
    }
    checkCode(key, account);
    TrieCheck storage = new TrieCheck(nodes, Columns.STORAGE_TRIE, key, minNodes);
    for (Cursor.Entry slot = slots.peek(); slot != null && slot.startsWith(key); ) {
      slots.next();
      findings.slots++;
      try {
        addSlot(storage, key, slot);
      } catch (RuntimeException unreadable) {
        findings.add(Columns.SLOTS, slot.key(), "is no slot: " + Findings.describe(unreadable));
      }
      slot = slots.peek();
    }
    TrieCheck.Result result = storage.end();
    findings.trieNodes += result.nodes();
    boolean changeSets =
        values != reader && !result.root().equals(account.storageRoot()) && areSlotsRight(key);
    report(
        storage,
        result,
        account.storageRoot(),
        changeSets ? Columns.SLOT_HISTORY : Columns.SLOTS,
        "the storage root of the account " + Findings.hex(key));
  }

  private void checkCode(byte[] key, Account account) {
    if (!account.codeHash().equals(Account.EMPTY_CODE)
        && reader.get(Columns.CODE, account.codeHash().unsafeArray()) == null) {
      long before = findings.found();
      findings.add(
          Columns.CODE,
          account.codeHash().unsafeArray(),
          "the code of the account " + Findings.hex(key) + " is missing");
      codesMissing += findings.found() - before;
    }
  }

  private static void skip(@Nullable Cursor cursor, byte[] prefix) {
    for (Cursor.Entry entry = cursor == null ? null : cursor.peek();
        cursor != null && entry != null && entry.startsWith(prefix);
        entry = cursor.peek()) {
      cursor.next();
    }
  }

  /** Reports what is wrong with a trie, where it shows whether values or nodes are damaged. */
  private void report(
      TrieCheck trie, TrieCheck.Result result, Hash expected, Column values, String root) {
    boolean valuesRight = result.root().equals(expected);
    boolean nodesRight = result.storedRoot().equals(expected) || trie.isWithoutNodes();
    if (!valuesRight) {
      byte[] nearest =
          result.differences().stream()
              .map(TrieCheck.Difference::path)
              .max(Comparator.comparingInt(path -> path.length))
              .orElse(new byte[0]);
      Column column =
          values == Columns.SLOTS && !nodesRight && result.storedRoot().equals(result.root())
              ? Columns.ACCOUNTS // slots and nodes agree, the account is alone
              : values;
      findings.add(
          column,
          column == Columns.ACCOUNTS && values == Columns.SLOTS
              ? Findings.hex(trie.prefix())
              : "keys that begin with " + digits(trie.prefix(), nearest),
          root + " is " + expected + ", the values make " + result.root());
    }
    if (valuesRight || !nodesRight) {
      for (TrieCheck.Difference difference : result.differences()) {
        findings.add(trie.column(), digits(trie.prefix(), difference.path()), difference.what());
      }
    }
  }

  /** Returns a prefix and the nibbles behind it in hexadecimal. */
  private static String digits(byte[] prefix, byte[] path) {
    StringBuilder text = new StringBuilder(Findings.hex(prefix));
    for (byte nibble : path) {
      text.append(
          (nibble & 0xf0) == 0
              ? String.valueOf(Character.forDigit(nibble, 16))
              : "[" + HexFormat.of().toHexDigits(nibble) + "]");
    }
    return text.toString();
  }

  // ---- change sets

  /** Verifies the form of values that were changed after the block of the tries. */
  private void checkChanged(WriteSet changed) {
    changed.forEach(
        Columns.ACCOUNTS,
        (key, before) -> checkForm(Columns.ACCOUNTS, Columns.ACCOUNT_HISTORY, key));
    changed.forEach(
        Columns.SLOTS, (key, before) -> checkForm(Columns.SLOTS, Columns.SLOT_HISTORY, key));
  }

  private void checkForm(Column column, Column history, byte[] key) {
    byte[] value = reader.get(column, key);
    if (value == null) {
      return;
    }
    if (value.length == 0 || !HistoryCheck.isValue(history, value)) {
      findings.add(column, key, "is no value of such a key");
    } else if (column == Columns.ACCOUNTS) {
      checkCode(key, Account.decodeSlim(value));
    }
  }

  /** Brings the tries of an overlay to the head; returns whether they give its state root. */
  private boolean catchUp(StateOverlay overlay, BlockHeader base, BlockHeader head) {
    String name = Findings.block(head.number(), head.computeHash());
    long before = findings.found();
    boolean right;
    try {
      Hash root = new FlatState(overlay, workers).catchUp(base.number(), head.number());
      right = root.equals(head.stateRoot());
      if (!right) {
        findings.add(
            Columns.ACCOUNTS,
            name,
            "the state root is " + head.stateRoot() + ", the values make " + root);
      }
    } catch (RuntimeException damaged) {
      Verifier.rethrowUnlessDamage(damaged);
      findings.add(
          Columns.CHANGES,
          name,
          "the tries of the head cannot be computed: " + Findings.describe(damaged));
      return false;
    }
    // an account that was computed differs from the stored one in its storage root alone
    Column column = right ? Columns.ACCOUNTS : Columns.SLOTS;
    overlay
        .writes()
        .forEach(
            Columns.ACCOUNTS,
            (key, value) -> {
              if (!Arrays.equals(value, reader.get(Columns.ACCOUNTS, key))) {
                findings.add(
                    column, key, "the storage root of the account is not that of its slots");
              }
            });
    return findings.found() == before;
  }

  private void unwind(StateOverlay overlay, BlockHeader head) {
    byte[] stored = reader.get(Columns.META, Keys.HISTORY_FROM);
    long from =
        stored == null ? 1 : stored.length == Long.BYTES ? Keys.number(stored) : head.number() + 1;
    FlatState state = new FlatState(overlay, workers);
    BlockHeader block = head;
    for (int i = 0; i < unwind && block.number() >= Math.max(1, from); i++) {
      BlockHeader parent = header(block.parentHash().unsafeArray());
      if (parent == null || overlay.writes().bytes() > MAX_UNWOUND_BYTES) {
        return; // the missing header is reported by another step
      }
      if (!unwind(overlay, state, block, parent)) {
        return;
      }
      findings.unwound++;
      block = parent;
      rest();
    }
  }

  private boolean unwind(
      StateOverlay overlay, FlatState state, BlockHeader block, BlockHeader parent) {
    String name = Findings.block(block.number(), block.computeHash());
    Hash root;
    long before = findings.found();
    try {
      state.unwind(block.number());
      root = state.accountTrie().rootHash();
      boolean right = root.equals(parent.stateRoot());
      byte[] changed = reader.get(Columns.CHANGES, Keys.number(block.number()));
      for (RlpReader keys = RlpReader.of(changed == null ? new byte[0] : changed).list().list();
          keys.hasNext(); ) {
        byte[] key = keys.hash().toArray();
        byte[] entry = Keys.history(key, block.number());
        byte[] kept = reader.get(Columns.ACCOUNT_HISTORY, entry);
        byte[] now = overlay.get(Columns.ACCOUNTS, key);
        if (!Arrays.equals(kept, now == null ? new byte[0] : now)) {
          findings.add(
              right ? Columns.ACCOUNT_HISTORY : Columns.SLOT_HISTORY,
              Findings.hex(key) + ", " + name,
              "the old storage root of the account is not that of the old values of its slots");
        }
      }
    } catch (RuntimeException damaged) {
      Verifier.rethrowUnlessDamage(damaged);
      findings.add(
          Columns.CHANGES, name, "the block cannot be unwound: " + Findings.describe(damaged));
      return false;
    }
    if (findings.found() == before && !root.equals(parent.stateRoot())) {
      findings.add(
          Columns.ACCOUNT_HISTORY,
          name,
          "without the block the state root is "
              + root
              + ", the parent's is "
              + parent.stateRoot());
    }
    return findings.found() == before;
  }
}
