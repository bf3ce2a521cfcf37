// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.state.StateProof;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.rpc.codec.Params;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Methods about accounts. */
final class StateMethods {
  private static final int MAX_PROOF_KEYS = 1_024;
  private static final int MAX_STORAGE_VALUES = 1_024;

  private final ChainReader chain;
  private final StateProvider states;
  private final TransactionPool pool;

  StateMethods(ChainReader chain, StateProvider states, TransactionPool pool) {
    this.chain = chain;
    this.states = states;
    this.pool = pool;
  }

  Map<String, RpcMethod> methods() {
    Map<String, RpcMethod> m = new LinkedHashMap<>();
    m.put("eth_getBalance", (p, s) -> account(new Params(p)).balance().toHex());
    m.put("eth_getTransactionCount", (p, s) -> nonce(new Params(p)));
    m.put("eth_getCode", (p, s) -> code(new Params(p)));
    m.put("eth_getStorageAt", (p, s) -> storage(new Params(p)));
    m.put("eth_getStorageValues", (p, s) -> storageValues(new Params(p)));
    m.put("eth_getProof", RpcMethod.expensive((p, s) -> proof(new Params(p))));
    return m;
  }

  private StateReader state(Params params, int index) throws RpcError {
    Block block = params.requiredHeader(index, chain);
    StateReader state = states.stateAt(block.hash());
    if (state == null) {
      throw new RpcError(RpcError.SERVER_ERROR, "header not found");
    }
    return state;
  }

  private Account account(Params params) throws RpcError {
    Address address = params.address(0);
    try (StateReader state = state(params, 1)) {
      Account account = state.account(address);
      return account == null ? Account.EMPTY : account;
    }
  }

  private String nonce(Params params) throws RpcError {
    boolean pending = "pending".equals(params.optional(1));
    Long next = pending ? pool.nextNonce(params.address(0)) : null;
    long nonce = account(params).nonce(); // read last: the pool drops what a block includes
    boolean isAhead = next != null && Long.compareUnsigned(next, nonce) > 0;
    return Hex.quantity(isAhead ? next : nonce);
  }

  private String code(Params params) throws RpcError {
    Address address = params.address(0);
    try (StateReader state = state(params, 1)) {
      Account account = state.account(address);
      return account == null ? "0x" : state.code(account.codeHash()).toString();
    }
  }

  private String storage(Params params) throws RpcError {
    Address address = params.address(0);
    UInt256 key = Params.storageKey(params.optional(1));
    try (StateReader state = state(params, 2)) {
      return state.storage(address, key).toHash().toString();
    }
  }

  private Object storageValues(Params params) throws RpcError {
    Map<Address, List<UInt256>> asked = new LinkedHashMap<>();
    int count = 0;
    for (Map.Entry<String, @Nullable Object> entry : params.object(0).entrySet()) {
      List<UInt256> keys = new ArrayList<>();
      for (Object key : Params.list("storage keys", entry.getValue())) {
        keys.add(Params.storageKey(key));
      }
      count += keys.size();
      asked.put(Params.address("address", entry.getKey()), keys);
    }
    if (count == 0) {
      throw RpcError.invalidParams("empty request");
    }
    if (count > MAX_STORAGE_VALUES) {
      throw new RpcError(
          RpcError.Kind.LIMIT, "too many slots: " + count + ", at most " + MAX_STORAGE_VALUES);
    }
    Map<String, Object> out = new LinkedHashMap<>();
    try (StateReader state = state(params, 1)) {
      asked.forEach(
          (address, keys) ->
              out.put(
                  address.toString(),
                  keys.stream()
                      .map(key -> state.storage(address, key).toHash().toString())
                      .toList()));
    }
    return out;
  }

  private Object proof(Params params) throws RpcError {
    Address address = params.address(0);
    List<@Nullable Object> asked = params.list(1);
    if (asked.size() > MAX_PROOF_KEYS) {
      throw new RpcError(
          RpcError.Kind.LIMIT, "too many keys: " + asked.size() + ", at most " + MAX_PROOF_KEYS);
    }
    List<UInt256> keys = new ArrayList<>();
    for (Object key : asked) {
      keys.add(Params.storageKey(key));
    }
    Block block = params.requiredHeader(2, chain);
    StateProof proof = states.prove(block.hash(), address, keys);
    if (proof == null) {
      throw new RpcError(RpcError.SERVER_ERROR, "header not found");
    }
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("address", address.toString());
    out.put("accountProof", proof.accountProof().stream().map(Bytes::toString).toList());
    out.put("balance", proof.account().balance().toHex());
    out.put("codeHash", proof.account().codeHash().toString());
    out.put("nonce", Hex.quantity(proof.account().nonce()));
    out.put("storageHash", proof.account().storageRoot().toString());
    List<Object> slots = new ArrayList<>();
    for (int i = 0; i < proof.slots().size(); i++) {
      StateProof.Slot slot = proof.slots().get(i);
      Map<String, Object> item = new LinkedHashMap<>();
      String key = String.valueOf(asked.get(i));
      item.put("key", key.length() == 66 ? key : slot.key().toHex());
      item.put("value", slot.value().toHex());
      item.put("proof", slot.proof().stream().map(Bytes::toString).toList());
      slots.add(item);
    }
    out.put("storageProof", slots);
    return out;
  }
}
