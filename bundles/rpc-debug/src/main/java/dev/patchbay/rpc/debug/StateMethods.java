// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.debug;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.execution.BlockExecutor.Follower;
import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.primitives.execution.StateChanges.AccountChange;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Replay;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Methods that look into states, between the transactions of a block too, and set the head. */
final class StateMethods {
  /** As many as geth gives at once. */
  private static final int MAX_ACCOUNTS = 256;

  private static final int MAX_SLOTS = 1_024;

  /** Characters of code and storage that a range of accounts shows, about. */
  private static final long MAX_RANGE_CHARACTERS = 8 << 20;

  /** A slot of a range of accounts: its hash, its value, and what is around them. */
  private static final long SLOT_CHARACTERS = 140;

  private final ChainReader chain;
  private final StateProvider states;
  private final Replay replay;

  private final BlockImporter importer;

  StateMethods(ChainReader chain, StateProvider states, Replay replay, BlockImporter importer) {
    this.chain = chain;
    this.states = states;
    this.replay = replay;
    this.importer = importer;
  }

  Map<String, RpcMethod> methods() {
    Map<String, RpcMethod> m = new LinkedHashMap<>();
    m.put("debug_accountAt", RpcMethod.expensive((p, s) -> accountAt(new Params(p))));
    m.put("debug_accountRange", RpcMethod.expensive((p, s) -> accountRange(new Params(p))));
    m.put("debug_storageRangeAt", RpcMethod.expensive((p, s) -> storageRangeAt(new Params(p))));
    m.put(
        "debug_intermediateRoots", RpcMethod.expensive((p, s) -> intermediateRoots(new Params(p))));
    m.put("debug_setHead", RpcMethod.expensive((p, s) -> setHead(new Params(p))));
    return m;
  }

  /** An account when a transaction of a block has ended. */
  private @Nullable Object accountAt(Params params) throws RpcError {
    Block block = params.requiredBlock(0, chain);
    int index = params.position(1);
    Address address = params.address(2);
    if (index >= block.transactions().size()) {
      throw RpcError.invalidParams(
          "transaction index " + index + " of a block with " + block.transactions().size());
    }
    return replay.run(
        block,
        index + 1,
        Follower.NONE,
        (before, changes) -> {
          AccountChange change = changeOf(changes, address);
          if (change != null) {
            Bytes code = change.newCode();
            return account(
                change.nonce(),
                change.balance(),
                change.codeHash(),
                code == null ? before.code(change.codeHash()) : code);
          }
          Account account = before.account(address);
          return account == null
              ? null
              : account(
                  account.nonce(),
                  account.balance(),
                  account.codeHash(),
                  before.code(account.codeHash()));
        });
  }

  private static @Nullable AccountChange changeOf(StateChanges changes, Address address) {
    for (AccountChange change : changes.accounts()) {
      if (change.address().equals(address)) {
        return change;
      }
    }
    return null;
  }

  private static Map<String, Object> account(
      long nonce, UInt256 balance, Hash codeHash, Bytes code) {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("code", code.toString());
    out.put("nonce", Hex.quantity(nonce));
    out.put("balance", balance.toHex());
    out.put("codehash", codeHash.toString());
    return out;
  }

  /**
   * Accounts in the order of the hashes of their addresses, in the words of geth's dump. The
   * addresses themselves are not stored, so that every account goes by its hash. A range ends
   * before the account whose code and storage do not fit any more.
   */
  private Object accountRange(Params params) throws RpcError {
    Block block = params.requiredHeader(0, chain);
    Hash from = startKey("start", params.optional(1));
    int wanted = params.optional(2) == null ? MAX_ACCOUNTS : params.position(2);
    int most = Math.min(wanted == 0 ? MAX_ACCOUNTS : wanted, MAX_ACCOUNTS);
    boolean code = !params.flag(3);
    boolean storage = !params.flag(4);
    Map<String, Object> accounts = new LinkedHashMap<>();
    Hash[] next = {null};
    try (IterableStateReader state = states.stateAt(block.hash())) {
      if (state == null) {
        throw new RpcError(
            RpcError.SERVER_ERROR, "the state after block " + block.number() + " is not there");
      }
      long[] left = {MAX_RANGE_CHARACTERS};
      state.accounts(
          from,
          (hash, account) -> {
            Deadline.check();
            if (accounts.size() == most) {
              next[0] = hash;
              return false;
            }
            Map<String, Object> item = new LinkedHashMap<>();
            item.put("balance", account.balance().toBigInteger().toString());
            item.put("nonce", account.nonce());
            item.put("root", account.storageRoot().toString());
            item.put("codeHash", account.codeHash().toString());
            if (code && !account.codeHash().equals(Account.EMPTY_CODE)) {
              Bytes bytes = state.code(account.codeHash());
              left[0] -= 2L * bytes.size();
              item.put("code", bytes.toString());
            }
            if (storage && !account.storageRoot().equals(Account.EMPTY_ROOT)) {
              Map<String, Object> values = new LinkedHashMap<>();
              state.slots(
                  hash,
                  Hash.ZERO,
                  (slot, value) -> {
                    Deadline.check();
                    left[0] -= SLOT_CHARACTERS;
                    if (left[0] >= 0) {
                      values.put(slot.toString(), value.toHash().toString().substring(2));
                    }
                    return left[0] >= 0;
                  });
              item.put("storage", values);
            }
            if (left[0] < 0) {
              next[0] = hash;
              return false;
            }
            item.put("key", hash.toString());
            accounts.put("pre(" + hash + ")", item);
            return true;
          });
    }
    if (accounts.isEmpty() && next[0] != null) {
      throw new RpcError(
          RpcError.Kind.LIMIT,
          "the storage of account "
              + next[0]
              + " is too large: ask without storage, and for its slots by debug_storageRangeAt");
    }
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("root", block.header().stateRoot().toString().substring(2));
    out.put("accounts", accounts);
    if (next[0] != null) {
      out.put("next", Base64.getEncoder().encodeToString(next[0].toArray()));
    }
    return out;
  }

  /** A hash in hexadecimal digits, in Base64 as {@code next} is given, or none. */
  private static Hash startKey(String what, @Nullable Object value) throws RpcError {
    if (value == null || value.equals("") || value.equals("0x")) {
      return Hash.ZERO;
    }
    if (value instanceof String text && text.length() == 44 && !text.startsWith("0x")) {
      try {
        return Hash.of(Base64.getDecoder().decode(text));
      } catch (IllegalArgumentException malformed) {
        throw RpcError.invalidParams("invalid " + what + ": " + malformed.getMessage());
      }
    }
    byte[] given = Params.bytes(what, value).toArray();
    if (given.length > 32) {
      throw RpcError.invalidParams(
          "invalid " + what + ": " + given.length + " bytes, at most 32 are expected");
    }
    return Hash.of(Arrays.copyOf(given, 32));
  }

  /** Slots of an account before a transaction, in the order of the hashes of their keys. */
  private @Nullable Object storageRangeAt(Params params) throws RpcError {
    Block block = params.requiredBlock(0, chain);
    int index = params.position(1);
    Address address = params.address(2);
    Hash from = startKey("start key", params.optional(3));
    int most = params.position(4);
    if (index > block.transactions().size()) {
      throw RpcError.invalidParams(
          "transaction index " + index + " of a block with " + block.transactions().size());
    }
    if (most > MAX_SLOTS) {
      throw new RpcError(
          RpcError.Kind.LIMIT, most + " slots are asked for, at most " + MAX_SLOTS + " are given");
    }
    return replay.run(
        block,
        index,
        Follower.NONE,
        (before, changes) -> storageRange(before, changeOf(changes, address), address, from, most));
  }

  private static Object storageRange(
      IterableStateReader before,
      @Nullable AccountChange change,
      Address address,
      Hash from,
      int most) {
    TreeMap<Hash, @Nullable UInt256> written = new TreeMap<>();
    Map<Hash, UInt256> keys = new LinkedHashMap<>();
    if (change != null) {
      change
          .storage()
          .forEach(
              (key, value) -> {
                Hash hash = Hash.keccak(key.toArray());
                keys.put(hash, key);
                if (hash.compareTo(from) >= 0) {
                  written.put(hash, value.isZero() ? null : value);
                }
              });
    }
    TreeMap<Hash, @Nullable UInt256> merged = new TreeMap<>(written);
    boolean gone = change != null && (change.storageCleared() || !change.exists());
    if (!gone) {
      // of the old slots as many are read as may be overwritten, and one for the next key
      int[] left = {most + written.size() + 1};
      before.slots(
          address.keccak(),
          from,
          (hash, value) -> {
            Deadline.check();
            if (!written.containsKey(hash)) {
              merged.put(hash, value);
            }
            return --left[0] > 0;
          });
    }
    Map<String, @Nullable Object> storage = new LinkedHashMap<>();
    Hash next = null;
    for (Map.Entry<Hash, @Nullable UInt256> entry : merged.entrySet()) {
      UInt256 value = entry.getValue();
      if (value == null || (change != null && !change.exists())) {
        continue;
      }
      if (storage.size() == most) {
        next = entry.getKey();
        break;
      }
      UInt256 key = keys.get(entry.getKey());
      Map<String, @Nullable Object> item = new LinkedHashMap<>();
      item.put("key", key == null ? null : key.toHash().toString());
      item.put("value", value.toHash().toString());
      storage.put(entry.getKey().toString(), item);
    }
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("storage", storage);
    out.put("nextKey", next == null ? null : next.toString());
    return out;
  }

  /** The state root when each transaction of a block has ended. */
  private Object intermediateRoots(Params params) throws RpcError {
    Block block = params.requiredBlock(0, chain);
    List<Object> roots = new ArrayList<>();
    replay.run(
        block,
        block.transactions().size(),
        new Follower() {
          @Override
          public @Nullable Tracer tracer(int index) {
            return null;
          }

          @Override
          public void onEnd(int index, Supplier<StateChanges> changes) {
            roots.add(
                states.computeStateRoot(block.header().parentHash(), changes.get()).toString());
          }
        });
    return roots;
  }

  private @Nullable Object setHead(Params params) throws RpcError {
    UInt256 number = params.quantity(0);
    if (!number.fitsLong() || number.longValue() > chain.head().number()) {
      throw new RpcError(
          RpcError.SERVER_ERROR,
          "not allowed to rewind to a future block: "
              + number.toHex()
              + ", the head is "
              + chain.head().number());
    }
    try {
      importer.setHead(number.longValue());
    } catch (StorageException | IllegalArgumentException refused) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(refused.getMessage()));
    }
    return null;
  }
}
