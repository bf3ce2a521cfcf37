// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.evm.StateBase;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.primitives.rlp.RlpWriter;
import dev.patchbay.trie.Trie;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/** A small state in memory whose root is computed from scratch. */
final class TestState implements StateBase {
  private static final class Entry {
    long nonce;
    UInt256 balance = UInt256.ZERO;
    Bytes code = Bytes.EMPTY;
    final Map<UInt256, UInt256> storage = new TreeMap<>();
  }

  private final Map<Address, Entry> entries = new HashMap<>();
  private final Map<Hash, Bytes> codes = new HashMap<>();

  static TestState of(JsonNode alloc) {
    TestState state = new TestState();
    alloc
        .fields()
        .forEachRemaining(
            field -> {
              Entry entry = new Entry();
              JsonNode account = field.getValue();
              entry.nonce = number(account.path("nonce").asText("0x0")).longValue();
              entry.balance = number(account.path("balance").asText("0x0"));
              entry.code = Bytes.fromHex(account.path("code").asText("0x"));
              account
                  .path("storage")
                  .fields()
                  .forEachRemaining(
                      slot -> {
                        UInt256 value = number(slot.getValue().asText());
                        if (!value.isZero()) {
                          entry.storage.put(number(slot.getKey()), value);
                        }
                      });
              state.entries.put(Address.fromHex(field.getKey()), entry);
              state.codes.put(entry.code.keccak(), entry.code);
            });
    return state;
  }

  static UInt256 number(String text) {
    return text.equals("0x") || text.isEmpty()
        ? UInt256.ZERO
        : text.startsWith("0x")
            ? UInt256.fromHex(text)
            : UInt256.of(new java.math.BigInteger(text));
  }

  void apply(StateChanges changes) {
    for (StateChanges.AccountChange change : changes.accounts()) {
      if (!change.exists()) {
        entries.remove(change.address());
        continue;
      }
      Entry entry = entries.computeIfAbsent(change.address(), a -> new Entry());
      if (change.storageCleared()) {
        entry.storage.clear();
      }
      entry.nonce = change.nonce();
      entry.balance = change.balance();
      Bytes code = change.newCode();
      if (code != null) {
        codes.put(code.keccak(), code);
      }
      entry.code = code(change.codeHash());
      change
          .storage()
          .forEach(
              (key, value) -> {
                if (value.isZero()) {
                  entry.storage.remove(key);
                } else {
                  entry.storage.put(key, value);
                }
              });
    }
  }

  Hash root() {
    Trie trie = Trie.inMemory();
    entries.forEach(
        (address, entry) -> trie.put(address.keccak().toArray(), account(entry).encode()));
    return trie.rootHash();
  }

  private static Account account(Entry entry) {
    Trie trie = Trie.inMemory();
    entry.storage.forEach(
        (key, value) ->
            trie.put(
                Hash.keccak(key.toArray()).toArray(), new RlpWriter().number(value).toArray()));
    return new Account(entry.nonce, entry.balance, trie.rootHash(), entry.code.keccak());
  }

  @Override
  public Account account(Address address) {
    Entry entry = entries.get(address);
    return entry == null ? null : account(entry);
  }

  @Override
  public UInt256 storage(Address address, UInt256 key) {
    Entry entry = entries.get(address);
    return entry == null ? UInt256.ZERO : entry.storage.getOrDefault(key, UInt256.ZERO);
  }

  @Override
  public Bytes code(Hash codeHash) {
    return codeHash.equals(Account.EMPTY_CODE) ? Bytes.EMPTY : codes.get(codeHash);
  }
}
