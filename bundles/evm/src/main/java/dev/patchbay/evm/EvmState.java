// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The state during the execution of a block: the state before it, and a journal that takes changes
 * back to any mark. It knows for each slot the value now, at the start of the transaction and at
 * the start of the block.
 *
 * <p>Threading: one thread at a time.
 */
public final class EvmState {
  // kinds of journal records: six longs each, the kind and id first
  private static final int RECORD = 6;
  private static final int SLOT_VALUE = 0;
  private static final int SLOT_WARM = 1;
  private static final int TRANSIENT_VALUE = 2;
  private static final int ACCOUNT = 3;
  private static final int ACCOUNT_WARM = 4;
  private static final int REFUND = 5;
  private static final int LOG = 6;

  /**
   * RIPEMD-160's address: its touch survives a revert since mainnet block 2,675,119 (EIP-161,
   * addendum).
   */
  private static final Address RIPEMD =
      Address.fromHex("0x0000000000000000000000000000000000000003");

  private static final VarHandle BIG_ENDIAN = Frame.BIG_ENDIAN;

  private final StateBase base;
  private final CodeCache codes;
  private final long seed;

  /** Open-addressed by the words of the address. */
  private @Nullable AccountEntry[] accounts = new AccountEntry[64];

  private final List<AccountEntry> byId = new ArrayList<>();
  private final SlotTable slots;
  private final SlotTable transients;

  /** Ids of storages that start afresh; ids below are those of accounts. */
  private long nextFreshStorage = 1L << 40;

  private long[] journal = new long[RECORD * 256];
  private int journalSize;

  /** Where the records of the frame that runs begin. */
  private int frameMark;

  private final List<AccountUndo> undo = new ArrayList<>();
  private long stamp = 1;
  private Set<Address> alwaysWarm = Set.of();
  private long refund;
  private final List<Log> logs = new ArrayList<>();

  /** What goes into the block access list; null before Amsterdam. */
  private @Nullable AccessRecorder recorder;

  /** The account at {@link #RIPEMD} once a touch of it survived a revert. */
  private @Nullable AccountEntry ripemd;

  private record AccountUndo(
      AccountEntry entry,
      boolean exists,
      long nonce,
      UInt256 balance,
      Hash codeHash,
      @Nullable Code code,
      boolean codeDeployed,
      boolean touched,
      boolean created,
      boolean destroyed) {}

  /** Starts with the state {@code base}; code that is loaded from it goes through {@code codes}. */
  public EvmState(StateBase base, CodeCache codes) {
    this.base = base;
    this.codes = codes;
    seed = (System.nanoTime() * 0x9E3779B97F4A7C15L ^ System.identityHashCode(this)) | 1;
    slots = new SlotTable(seed);
    transients = new SlotTable(Long.rotateLeft(seed, 17));
  }

  // ---- accounts

  AccountEntry entry(Address address) {
    byte[] b = address.unsafeArray();
    return entry(
        (long) BIG_ENDIAN.get(b, 12),
        (long) BIG_ENDIAN.get(b, 4),
        (long) BIG_ENDIAN.get(b, 0) >>> 32,
        address);
  }

  /** Returns the account whose address is the low 160 bits of a word. */
  AccountEntry entry(long w0, long w1, long w2) {
    return entry(w0, w1, w2 & 0xffffffffL, null);
  }

  private AccountEntry entry(long w0, long w1, long w2, @Nullable Address known) {
    int mask = accounts.length - 1;
    int i = hash(w0, w1, w2) & mask;
    for (AccountEntry e = accounts[i]; e != null; e = accounts[i]) {
      if (e.w0 == w0 && e.w1 == w1 && e.w2 == w2) {
        return e;
      }
      i = (i + 1) & mask;
    }
    Address address = known;
    if (address == null) {
      byte[] b = new byte[20];
      BIG_ENDIAN.set(b, 0, w2 << 32 | w1 >>> 32);
      BIG_ENDIAN.set(b, 4, w1);
      BIG_ENDIAN.set(b, 12, w0);
      address = Address.wrap(b);
    }
    AccountEntry entry = new AccountEntry(byId.size(), address, w0, w1, w2, base.account(address));
    entry.alwaysWarm = w1 == 0 && w2 == 0 && alwaysWarm.contains(address);
    byId.add(entry);
    accounts[i] = entry;
    if (byId.size() * 2 > accounts.length) {
      grow();
    }
    return entry;
  }

  private void grow() {
    @Nullable AccountEntry[] larger = new AccountEntry[accounts.length * 2];
    int mask = larger.length - 1;
    for (AccountEntry e : byId) {
      int i = hash(e.w0, e.w1, e.w2) & mask;
      while (larger[i] != null) {
        i = (i + 1) & mask;
      }
      larger[i] = e;
    }
    accounts = larger;
  }

  private int hash(long w0, long w1, long w2) {
    long h = (w0 ^ seed) * 0x9E3779B97F4A7C15L;
    h = (Long.rotateLeft(h, 29) ^ w1) * 0xD6E8FEB86659FD93L;
    h = (Long.rotateLeft(h, 31) ^ w2) * 0x9E3779B97F4A7C15L;
    return (int) (h ^ (h >>> 32));
  }

  /** Returns the nonce of an account, 0 when it does not exist. */
  public long nonce(Address address) {
    return entry(address).nonce;
  }

  /** Returns the balance of an account in wei, zero when it does not exist. */
  public UInt256 balance(Address address) {
    return entry(address).balance;
  }

  /** Returns the code of an account; empty when it has none or does not exist. */
  public Bytes code(Address address) {
    return code(entry(address)).bytes;
  }

  /** Returns the value of a storage slot; does not warm it. */
  public UInt256 storage(Address address, UInt256 key) {
    AccountEntry account = entry(address);
    int at = slot(account, key.w0(), key.w1(), key.w2(), key.w3());
    return slotWord(at + SlotTable.CURRENT);
  }

  Code code(AccountEntry account) {
    Code code = account.code;
    if (code == null) {
      code = account.hasCode() ? codes.get(account.codeHash, base) : Code.EMPTY;
      account.code = code;
    }
    return code;
  }

  /** Says that analyzed code takes more memory than before. */
  void codeHasGrown(Code code) {
    codes.hasGrown(code);
  }

  /** Names accounts that are warm in every transaction (EIP-2929): the precompiled contracts. */
  void keepWarm(Set<Address> addresses) {
    alwaysWarm = addresses;
    byId.forEach(entry -> entry.alwaysWarm = addresses.contains(entry.address));
  }

  boolean isCold(AccountEntry account) {
    return !account.alwaysWarm && account.warm != stamp;
  }

  /** Warms an account; returns whether it was cold. */
  boolean warm(AccountEntry account) {
    if (!isCold(account)) {
      return false;
    }
    record(ACCOUNT_WARM, account.id);
    account.warm = stamp;
    return true;
  }

  private void beforeChange(AccountEntry a) {
    record(ACCOUNT, undo.size());
    undo.add(
        new AccountUndo(
            a,
            a.exists,
            a.nonce,
            a.balance,
            a.codeHash,
            a.code,
            a.codeDeployed,
            a.touched,
            a.created,
            a.destroyed));
  }

  /** Marks an account as touched (EIP-161) without changing it. */
  void touch(AccountEntry account) {
    if (!account.touched) {
      beforeChange(account);
      account.touched = true;
    }
  }

  void setBalance(AccountEntry account, UInt256 balance) {
    beforeChange(account);
    account.balance = balance;
    account.exists = true;
    account.touched = true;
  }

  void setNonce(AccountEntry account, long nonce) {
    beforeChange(account);
    account.nonce = nonce;
    account.exists = true;
    account.touched = true;
  }

  void setCode(AccountEntry account, Bytes bytes) {
    beforeChange(account);
    Code code = bytes.isEmpty() ? Code.EMPTY : new Code(bytes);
    account.code = code;
    account.codeHash = code.hash();
    account.codeDeployed = true;
    account.exists = true;
    account.touched = true;
  }

  /**
   * Adds to a balance; an account that does not exist comes into being, unless nothing is added
   * under EIP-161.
   */
  void credit(AccountEntry account, UInt256 amount, Fork fork) {
    if (amount.isZero() && fork.includes(Fork.SPURIOUS_DRAGON)) {
      touch(account);
    } else {
      setBalance(account, account.balance.add(amount));
    }
  }

  void debit(AccountEntry account, UInt256 amount) {
    setBalance(account, account.balance.subtract(amount));
  }

  /** Credits an account outside of any transaction: withdrawals, rewards. Amount in wei. */
  public void credit(Address address, UInt256 amount, Fork fork) {
    AccountEntry account = entry(address);
    account.accessed = true;
    credit(account, amount, fork);
  }

  /** Replaces parts of an account before a simulation; null leaves a part as it is. */
  public void override(
      Address address, @Nullable UInt256 balance, @Nullable Long nonce, @Nullable Bytes code) {
    AccountEntry account = entry(address);
    if (balance != null) {
      setBalance(account, balance);
    }
    if (nonce != null) {
      setNonce(account, nonce);
    }
    if (code != null) {
      setCode(account, code);
    }
  }

  /** Ends overrides: they are a part of the state that the block starts with. */
  public void endOverride(Fork fork) {
    AccessRecorder records = recorder;
    recorder = null;
    endTransaction(fork);
    recorder = records;
  }

  /** Sets a storage slot before a simulation. */
  public void override(Address address, UInt256 key, UInt256 value) {
    int at = slot(entry(address), key.w0(), key.w1(), key.w2(), key.w3());
    writeSlot(at, value.w0(), value.w1(), value.w2(), value.w3());
    System.arraycopy(
        slots.entries, at + SlotTable.CURRENT, slots.entries, at + SlotTable.ORIGINAL, 4);
  }

  /** Removes all slots of an account before a simulation. */
  public void clearStorage(Address address) {
    freshStorage(entry(address));
  }

  private void freshStorage(AccountEntry account) {
    account.storageCleared = true;
    account.storageId = nextFreshStorage++;
  }

  /** Returns whether a creation at this address collides (EIP-684, EIP-7610). */
  boolean collides(AccountEntry account) {
    return account.nonce != 0
        || account.hasCode()
        || (account.base != null
            && !account.storageCleared
            && !account.base.storageRoot().equals(Account.EMPTY_ROOT));
  }

  /** Turns an account into a new contract; its balance stays. */
  void create(AccountEntry account, long nonce) {
    beforeChange(account);
    account.exists = true;
    account.touched = true;
    account.created = true;
    account.nonce = nonce;
  }

  void destroy(AccountEntry account) {
    beforeChange(account);
    account.destroyed = true;
    account.touched = true;
    account.balance = UInt256.ZERO;
  }

  // ---- storage

  /** Returns the offset of a slot in {@link #slotEntries()}, loading it when it is new. */
  int slot(AccountEntry account, long k0, long k1, long k2, long k3) {
    int at = slots.find(account.storageId, k0, k1, k2, k3);
    return at > 0 ? at : load(account, -at, k0, k1, k2, k3);
  }

  private int load(AccountEntry account, int at, long k0, long k1, long k2, long k3) {
    long[] e = slots.entries;
    e[at + SlotTable.ACCOUNT] = account.id;
    if (account.base != null
        && !account.storageCleared
        && !account.base.storageRoot().equals(Account.EMPTY_ROOT)) {
      UInt256 value = base.storage(account.address, new UInt256(k3, k2, k1, k0));
      for (int copy = SlotTable.CURRENT; copy <= SlotTable.BASE; copy += 4) {
        e[at + copy] = value.w0();
        e[at + copy + 1] = value.w1();
        e[at + copy + 2] = value.w2();
        e[at + copy + 3] = value.w3();
      }
    }
    return at;
  }

  /** Returns the table of entries; it moves when a slot is added. */
  long[] slotEntries() {
    return slots.entries;
  }

  boolean isSlotWarm(int at) {
    return slots.entries[at + SlotTable.WARM] == stamp;
  }

  void warmSlot(int at) {
    record(SLOT_WARM, at);
    slots.entries[at + SlotTable.WARM] = stamp;
  }

  void writeSlot(int at, long v0, long v1, long v2, long v3) {
    write(SLOT_VALUE, slots.entries, at, v0, v1, v2, v3);
  }

  int transientSlot(AccountEntry account, long k0, long k1, long k2, long k3) {
    return Math.abs(transients.find(account.id, k0, k1, k2, k3));
  }

  long[] transientEntries() {
    return transients.entries;
  }

  void writeTransient(int at, long v0, long v1, long v2, long v3) {
    write(TRANSIENT_VALUE, transients.entries, at, v0, v1, v2, v3);
  }

  private void write(int kind, long[] e, int at, long v0, long v1, long v2, long v3) {
    if (e[at + SlotTable.JOURNALED] <= frameMark) {
      // else the frame has a record of what to go back to
      record(kind, at);
      int j = journalSize - RECORD;
      journal[j + 2] = e[at + 5];
      journal[j + 3] = e[at + 6];
      journal[j + 4] = e[at + 7];
      journal[j + 5] = e[at + 8];
      e[at + SlotTable.JOURNALED] = j + 1L;
    }
    e[at + 5] = v0;
    e[at + 6] = v1;
    e[at + 7] = v2;
    e[at + 8] = v3;
  }

  // ---- refund and logs

  long refund() {
    return refund;
  }

  void addRefund(long amount) {
    record(REFUND, 0);
    journal[journalSize - RECORD + 2] = refund;
    refund += amount;
  }

  void log(Log log) {
    record(LOG, 0);
    logs.add(log);
  }

  List<Log> logs() {
    return logs;
  }

  // ---- journal

  private void record(int kind, long id) {
    if (journalSize + RECORD > journal.length) {
      journal = Arrays.copyOf(journal, journal.length * 2);
    }
    journal[journalSize] = kind;
    journal[journalSize + 1] = id;
    journalSize += RECORD;
  }

  /** Returns a mark to come back to with {@link #revert}; a frame begins there. */
  int mark() {
    frameMark = journalSize;
    return journalSize;
  }

  /** Returns where the journal ends, for {@link #revert} within a frame. */
  int journalSize() {
    return journalSize;
  }

  /** Goes on with the frame that began at a mark. */
  void resume(int mark) {
    frameMark = mark;
  }

  /** Undoes everything since a mark. */
  void revert(int mark) {
    while (journalSize > mark) {
      journalSize -= RECORD;
      long[] j = journal;
      int at = (int) j[journalSize + 1];
      switch ((int) j[journalSize]) {
        case SLOT_VALUE -> undo(slots.entries, at);
        case TRANSIENT_VALUE -> undo(transients.entries, at);
        case SLOT_WARM -> slots.entries[at + SlotTable.WARM] = 0;
        case ACCOUNT_WARM -> byId.get(at).warm = 0;
        case REFUND -> refund = j[journalSize + 2];
        case LOG -> logs.remove(logs.size() - 1);
        case ACCOUNT -> restore(undo.remove(undo.size() - 1));
        default -> throw new IllegalStateException("unknown journal record");
      }
    }
  }

  private void undo(long[] e, int at) {
    System.arraycopy(journal, journalSize + 2, e, at + SlotTable.CURRENT, 4);
    e[at + SlotTable.JOURNALED] = 0;
  }

  private void restore(AccountUndo u) {
    AccountEntry a = u.entry;
    boolean keepTouch = a.touched && a.address.equals(RIPEMD);
    if (keepTouch) {
      ripemd = a;
    }
    a.exists = u.exists;
    a.nonce = u.nonce;
    a.balance = u.balance;
    a.codeHash = u.codeHash;
    a.code = u.code;
    a.codeDeployed = u.codeDeployed;
    a.touched = u.touched || keepTouch;
    a.created = u.created;
    a.destroyed = u.destroyed;
  }

  /**
   * Ends a transaction: destroyed accounts go, empty touched ones go too (EIP-161), and the values
   * now become the original ones of the next transaction. Nothing before can be undone any more.
   */
  public void endTransaction(Fork fork) {
    boolean removeEmpty = fork.includes(Fork.SPURIOUS_DRAGON);
    for (AccountUndo u : undo) {
      AccountEntry a = u.entry;
      if (a.destroyed || (removeEmpty && a.touched && a.exists && a.isEmpty())) {
        remove(a);
      }
      a.touched = false;
      a.created = false;
      a.destroyed = false;
    }
    if (ripemd != null && ripemd.touched) {
      if (removeEmpty && ripemd.exists && ripemd.isEmpty()) {
        remove(ripemd);
      }
      ripemd.touched = false;
    }
    ripemd = null;
    AccessRecorder records = recorder;
    if (records != null) {
      recordAccounts(records);
    }
    for (int j = 0; j < journalSize; j += RECORD) {
      if (journal[j] == SLOT_VALUE) {
        int at = (int) journal[j + 1];
        long[] e = slots.entries;
        if (records != null) {
          recordSlot(records, at);
        }
        System.arraycopy(e, at + SlotTable.CURRENT, e, at + SlotTable.ORIGINAL, 4);
        e[at + SlotTable.JOURNALED] = 0;
      }
    }
    undo.clear();
    journalSize = 0;
    frameMark = 0;
    transients.clear();
    logs.clear();
    refund = 0;
    stamp++;
  }

  /** Records how the accounts are that the transaction has changed. */
  private void recordAccounts(AccessRecorder records) {
    Map<AccountEntry, AccountUndo> first = new LinkedHashMap<>();
    undo.forEach(u -> first.putIfAbsent(u.entry, u));
    first.forEach(
        (a, before) -> {
          records.balance(a, before.balance, a.balance);
          records.nonce(a, before.nonce, a.nonce);
          if (!before.codeHash.equals(a.codeHash)) {
            records.code(a, before.code == null ? Bytes.EMPTY : before.code.bytes, code(a).bytes);
          }
        });
  }

  private void recordSlot(AccessRecorder records, int at) {
    AccountEntry account = byId.get((int) slots.entries[at + SlotTable.ACCOUNT]);
    if (account.storageId == slots.entries[at]) { // else its account is gone
      UInt256 before = slotWord(at + SlotTable.ORIGINAL);
      UInt256 after = slotWord(at + SlotTable.CURRENT);
      records.storage(account, slotWord(at + SlotTable.KEY), before, after);
    }
  }

  private UInt256 slotWord(int at) {
    long[] e = slots.entries;
    return new UInt256(e[at + 3], e[at + 2], e[at + 1], e[at]);
  }

  // ---- accesses

  /** Starts the record of what a block accesses (EIP-7928). */
  void recordAccesses() {
    recorder = new AccessRecorder();
    byId.forEach(account -> account.accessed = false);
    for (int at = SlotTable.first(); at < slots.end(); at += SlotTable.ENTRY) {
      slots.entries[at + SlotTable.ACCOUNT] &= ~SlotTable.ACCESSED;
    }
  }

  /** Notes that a slot is accessed, whatever becomes of the frame. */
  void accessSlot(int at) {
    slots.entries[at + SlotTable.ACCOUNT] |= SlotTable.ACCESSED;
  }

  /**
   * Says which index of the block access list changes have from now on: 0 before the transactions,
   * then that of each transaction from 1, and one more after them.
   */
  public void accessIndex(int index) {
    if (recorder != null) {
      recorder.at(index);
    }
  }

  /** Returns the RLP of the block access list (EIP-7928); null before Amsterdam. */
  public @Nullable Bytes accessList() {
    AccessRecorder records = recorder;
    if (records == null) {
      return null;
    }
    byId.stream().filter(account -> account.accessed).forEach(records::account);
    for (int at = SlotTable.first(); at < slots.end(); at += SlotTable.ENTRY) {
      long account = slots.entries[at + SlotTable.ACCOUNT];
      if ((account & SlotTable.ACCESSED) != 0) {
        records.slot(byId.get((int) account), slotWord(at + SlotTable.KEY));
      }
    }
    return records.encode();
  }

  private void remove(AccountEntry a) {
    a.exists = false;
    a.nonce = 0;
    a.balance = UInt256.ZERO;
    a.codeHash = Account.EMPTY_CODE;
    a.code = Code.EMPTY;
    a.codeDeployed = false;
    if (a.destroyed) {
      freshStorage(a);
    }
  }

  /** Returns what differs from the state at the start. */
  public StateChanges changes() {
    Map<Integer, Map<UInt256, UInt256>> written = new HashMap<>();
    long[] e = slots.entries;
    for (int at = SlotTable.first(); at < slots.end(); at += SlotTable.ENTRY) {
      AccountEntry account = byId.get((int) e[at + SlotTable.ACCOUNT]);
      boolean changed =
          !Arrays.equals(
              e,
              at + SlotTable.CURRENT,
              at + SlotTable.CURRENT + 4,
              e,
              at + SlotTable.BASE,
              at + SlotTable.BASE + 4);
      if (account.storageId == e[at] && changed) {
        written
            .computeIfAbsent(account.id, id -> new TreeMap<>())
            .put(slotWord(at + SlotTable.KEY), slotWord(at + SlotTable.CURRENT));
      }
    }
    List<StateChanges.AccountChange> out = new ArrayList<>();
    for (AccountEntry a : byId) {
      Map<UInt256, UInt256> storage = written.getOrDefault(a.id, Map.of());
      if (differs(a) || !storage.isEmpty()) {
        out.add(
            new StateChanges.AccountChange(
                a.address,
                a.base,
                a.exists,
                a.nonce,
                a.balance,
                a.codeHash,
                a.codeDeployed && a.hasCode() && a.code != null ? a.code.bytes : null,
                a.storageCleared && a.base != null,
                storage));
      }
    }
    return new StateChanges(out);
  }

  private static boolean differs(AccountEntry a) {
    Account b = a.base;
    if (b == null) {
      return a.exists;
    }
    return !a.exists
        || a.storageCleared
        || a.nonce != b.nonce()
        || !a.balance.equals(b.balance())
        || !a.codeHash.equals(b.codeHash());
  }
}
