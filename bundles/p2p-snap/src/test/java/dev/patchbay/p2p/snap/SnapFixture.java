// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.state.RecentStates;
import dev.patchbay.binding.Slot;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.math.BigInteger;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** A peer of a node that has one state, its requests, and its view of the replies. */
abstract class SnapFixture {
  static final Hash MAX = GetStorageRanges.MAX_HASH;
  static final long ID = 0x8000_0000_0000_0001L;

  final FakeStates states = new FakeStates();
  final Slot<RecentStates> slot = new Slot<>("states");
  final FakeConnection connection = new FakeConnection();
  final long[] nanos = {0};
  final SnapPeer peer =
      new SnapPeer(connection, new StateServer(new ServingTurns(slot, 1, 0, 0), () -> nanos[0]));

  SnapFixture() {
    slot.replace(states, Duration.ZERO);
  }

  // ---- hashes

  static Hash plus(Hash hash, long difference) {
    byte[] sum =
        new BigInteger(1, hash.toArray()).add(BigInteger.valueOf(difference)).toByteArray();
    byte[] out = new byte[Hash.SIZE];
    int length = Math.min(Hash.SIZE, sum.length);
    System.arraycopy(sum, sum.length - length, out, Hash.SIZE - length, length);
    return Hash.wrap(out);
  }

  Hash account(int index) {
    return List.copyOf(states.accounts.keySet()).get(index);
  }

  List<Hash> slots(Hash account) {
    return List.copyOf(states.storages.get(account).keySet());
  }

  // ---- requests

  static Bytes accountsRequest(Hash root, Hash origin, Hash limit, long bytes) {
    return RlpList.encode(w -> w.number(ID).hash(root).hash(origin).hash(limit).number(bytes));
  }

  static Bytes slotsRequest(Hash root, List<Hash> accounts, Bytes origin, Bytes limit, long bytes) {
    return RlpList.encode(
        w ->
            w.number(ID)
                .hash(root)
                .list(list -> accounts.forEach(list::hash))
                .bytes(origin)
                .bytes(limit)
                .number(bytes));
  }

  static Bytes codesRequest(List<Hash> hashes, long bytes) {
    return RlpList.encode(w -> w.number(ID).list(list -> hashes.forEach(list::hash)).number(bytes));
  }

  static Bytes nodesRequest(Hash root, List<List<Bytes>> sets, long bytes) {
    return RlpList.encode(
        w ->
            w.number(ID)
                .hash(root)
                .list(list -> sets.forEach(set -> RlpList.write(list, set, RlpWriter::bytes)))
                .number(bytes));
  }

  // ---- replies

  /** Sends a request; returns the items of the reply behind the id. */
  RlpReader ask(int message, Bytes request) {
    try {
      peer.messageReceived(message, request);
    } catch (PeerBreachException breach) {
      throw new AssertionError(breach);
    }
    FakeConnection.Sent sent = connection.take();
    assertThat(sent.message()).isEqualTo(message + 1);
    RlpReader reply = RlpReader.of(sent.payload().toArray()).list();
    assertThat(reply.number()).isEqualTo(ID);
    return reply;
  }

  static List<Bytes> strings(RlpReader reply) {
    List<Bytes> out = new ArrayList<>();
    for (RlpReader items = reply.list(); items.hasNext(); ) {
      out.add(items.bytes());
    }
    return out;
  }

  /** Accounts of a reply, checked against their proof; the bodies are slim lists. */
  List<Hash> accounts(Hash root, Hash origin, Hash limit, long bytes) {
    RlpReader reply =
        ask(MessageCode.GET_ACCOUNT_RANGE, accountsRequest(root, origin, limit, bytes));
    TreeMap<Hash, byte[]> found = new TreeMap<>();
    List<Hash> order = new ArrayList<>();
    for (RlpReader items = reply.list(); items.hasNext(); ) {
      RlpReader item = items.list();
      Hash hash = item.hash();
      order.add(hash);
      Account account = Account.decodeSlim(item.raw());
      assertThat(account).isEqualTo(states.accounts.get(hash));
      found.put(hash, account.encode());
    }
    assertThat(order).isSorted();
    List<Bytes> proof = strings(reply);
    if (!proof.isEmpty() || !found.isEmpty()) {
      RangeProof.check(root, origin, found, proof);
    }
    return order;
  }

  /** Slots of a reply, checked against their proofs. */
  List<List<Hash>> slots(List<Hash> accounts, Bytes origin, Bytes limit, long bytes) {
    RlpReader reply =
        ask(
            MessageCode.GET_STORAGE_RANGES,
            slotsRequest(states.root(), accounts, origin, limit, bytes));
    List<TreeMap<Hash, byte[]>> found = new ArrayList<>();
    for (RlpReader lists = reply.list(); lists.hasNext(); ) {
      TreeMap<Hash, byte[]> slots = new TreeMap<>();
      for (RlpReader items = lists.list(); items.hasNext(); ) {
        RlpReader item = items.list();
        slots.put(item.hash(), item.byteArray());
      }
      found.add(slots);
    }
    List<Bytes> proof = strings(reply);
    for (int i = 0; i < found.size(); i++) {
      boolean isProven = i == found.size() - 1 && !proof.isEmpty();
      Hash root = states.accounts.get(accounts.get(i)).storageRoot();
      Hash from = i == 0 && origin.size() == Hash.SIZE ? Hash.of(origin.toArray()) : Hash.ZERO;
      if (isProven || !found.get(i).isEmpty()) {
        RangeProof.check(root, from, found.get(i), isProven ? proof : List.of());
      }
    }
    return found.stream().map(one -> List.copyOf(one.keySet())).toList();
  }

  List<Bytes> codes(List<Hash> hashes, long bytes) {
    return strings(ask(MessageCode.GET_BYTE_CODES, codesRequest(hashes, bytes)));
  }

  List<Bytes> nodes(Hash root, List<List<Bytes>> sets, long bytes) {
    return strings(ask(MessageCode.GET_TRIE_NODES, nodesRequest(root, sets, bytes)));
  }
}
