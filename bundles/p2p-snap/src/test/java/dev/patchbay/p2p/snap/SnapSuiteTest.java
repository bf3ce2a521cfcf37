// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What the snap test suite of geth's devp2p tool checks, on a state of our own. That the states of
 * the last 128 blocks are served and no others is in {@code RecentStateArchiveTest} of the chain.
 */
class SnapSuiteTest extends SnapFixture {
  private final Hash root = states.root();

  /** Returns how many accounts fit, the first one that exceeds the bytes included. */
  private int fitting(int from, long bytes) {
    int size = 0;
    int count = 0;
    for (Account account : List.copyOf(states.accounts.values()).subList(from, 300)) {
      size += Hash.SIZE + account.encodeSlim().length;
      count++;
      if (size > bytes) {
        break;
      }
    }
    return count;
  }

  @Test
  void accountsAreLimitedByBytes() {
    for (long bytes : new long[] {4_000, 3_000, 2_000, 1, 0}) {
      List<Hash> found = accounts(root, Hash.ZERO, MAX, bytes);
      assertThat(found).hasSize(fitting(0, bytes)).startsWith(account(0));
    }
    assertThat(accounts(root, Hash.ZERO, MAX, 0)).containsExactly(account(0));
    assertThat(accounts(root, Hash.ZERO, MAX, -1)).as("unsigned").hasSize(FakeStates.ACCOUNTS);
  }

  @Test
  void accountsAreLimitedByTheRange() {
    Hash first = account(0);
    Hash second = account(1);
    assertThat(accounts(root, plus(first, -500), plus(first, 1), 4_000))
        .as("the next one proves where the range ends")
        .containsExactly(first, second);
    assertThat(accounts(root, plus(first, -500), plus(first, -450), 4_000)).containsExactly(first);
    assertThat(accounts(root, Hash.ZERO, Hash.ZERO, 4_000)).containsExactly(first);
    assertThat(accounts(root, first, MAX, 4_000)).hasSize(fitting(0, 4_000)).startsWith(first);
    assertThat(accounts(root, plus(first, 1), MAX, 4_000))
        .hasSize(fitting(1, 4_000))
        .startsWith(second);
    assertThat(accounts(root, plus(account(299), 1), MAX, 4_000)).as("none").isEmpty();
  }

  @Test
  void aLimitBelowTheOriginIsPassedByTheFirstAccount() {
    Hash first = account(0);
    assertThat(accounts(root, MAX, Hash.ZERO, 4_000)).isEmpty();
    assertThat(accounts(root, first, plus(first, -1), 4_000)).containsExactly(first);
    assertThat(accounts(root, first, Hash.ZERO, 4_000)).containsExactly(first);
  }

  @Test
  void otherRootsHaveEmptyReplies() {
    Hash storageRoot = states.accounts.get(states.contracts.get(0)).storageRoot();
    for (Hash other : List.of(Hash.keccak(new byte[] {1}), storageRoot, Hash.ZERO)) {
      assertThat(accounts(other, Hash.ZERO, MAX, 4_000)).isEmpty();
      assertThat(nodes(other, List.of(List.of(Bytes.wrap(new byte[1]))), 4_000)).isEmpty();
    }
  }

  @Test
  void slotsOfOneAccount() {
    Hash small = states.contracts.get(0);
    List<Hash> slots = slots(small);
    assertThat(slots).hasSize(3);
    List<Hash> one = List.of(small);
    Bytes zero = Bytes.wrap(Hash.ZERO.toArray());
    Bytes max = Bytes.wrap(MAX.toArray());
    assertThat(slots(one, zero, max, 500)).containsExactly(slots);
    assertThat(slots(one, Bytes.EMPTY, Bytes.EMPTY, 500)).containsExactly(slots);
    assertThat(slots(one, bytes(slots.get(0)), max, 1_000)).containsExactly(slots);
    assertThat(slots(one, bytes(plus(slots.get(0), 1)), max, 500))
        .containsExactly(slots.subList(1, 3));
    assertThat(slots(one, bytes(slots.get(0)), bytes(slots.get(1)), 500))
        .containsExactly(slots.subList(0, 2));
    assertThat(slots(one, bytes(plus(slots.get(0), 1)), bytes(plus(slots.get(1), 1)), 500))
        .as("the next one proves where the range ends")
        .containsExactly(slots.subList(1, 3));
    assertThat(slots(one, bytes(plus(slots.get(2), 1)), max, 500)).containsExactly(List.of());
  }

  private static Bytes bytes(Hash hash) {
    return Bytes.wrap(hash.toArray());
  }

  @Test
  void slotsOfSeveralAccounts() {
    List<Hash> contracts = states.contracts;
    List<List<Hash>> found = slots(contracts, Bytes.EMPTY, Bytes.EMPTY, 20_000);
    assertThat(found).as("the large one is cut").hasSize(10);
    for (int i = 0; i < 9; i++) {
      assertThat(found.get(i)).isEqualTo(slots(contracts.get(i)));
    }
    Hash large = contracts.get(9);
    int part = found.get(9).size();
    assertThat(part).isBetween(100, 700);
    Hash next = plus(found.get(9).get(part - 1), 1);
    assertThat(slots(List.of(large), bytes(next), Bytes.EMPTY, -1))
        .containsExactly(slots(large).subList(part, 3_000));
    assertThat(slots(contracts, Bytes.EMPTY, Bytes.EMPTY, 0)).as("at least one").hasSize(1);
    Hash none = states.accounts.lastKey();
    assertThat(states.accounts.get(none).storageRoot()).isEqualTo(Account.EMPTY_ROOT);
    assertThat(slots(List.of(none, contracts.get(0)), Bytes.EMPTY, Bytes.EMPTY, 500))
        .as("an account without storage keeps its place")
        .containsExactly(List.of(), slots(contracts.get(0)));
    assertThat(slots(List.of(contracts.get(0), Hash.ZERO), Bytes.EMPTY, Bytes.EMPTY, 500))
        .as("the reply ends before an account that does not exist")
        .hasSize(1);
    assertThat(slots(List.of(Hash.ZERO), Bytes.EMPTY, Bytes.EMPTY, 500)).isEmpty();
  }

  @Test
  void codes() {
    List<Hash> all = List.copyOf(states.codes.keySet());
    assertThat(codes(List.of(root), 10_000)).isEmpty();
    assertThat(codes(List.of(Account.EMPTY_ROOT), 10_000)).isEmpty();
    assertThat(codes(List.of(Account.EMPTY_CODE), 10_000)).containsExactly(Bytes.EMPTY);
    assertThat(codes(List.of(Account.EMPTY_CODE, Account.EMPTY_CODE, Account.EMPTY_CODE), 10_000))
        .hasSize(3);
    assertThat(codes(all, 100_000)).containsExactlyElementsOf(states.codes.values());
    assertThat(codes(all, 1)).hasSize(1);
    assertThat(codes(all, 0)).hasSize(1);
    Hash one = all.get(0);
    assertThat(codes(List.of(one, one, one, one), 1_000)).hasSize(4);
    assertThat(codes(List.of(Hash.ZERO, one), 0)).containsExactly(states.codes.get(one));
  }

  @Test
  void nodesOfTheAccountTrie() {
    Bytes top = Bytes.wrap(new byte[1]);
    assertThat(nodes(root, List.of(), 500)).isEmpty();
    List<Bytes> found = nodes(root, List.of(List.of(top), List.of(bytesOf(1), top)), 5_000);
    assertThat(found).as("a name that is no hash is left out").hasSize(1);
    assertThat(found.get(0).keccak()).isEqualTo(root);
    assertThat(nodes(root, List.of(List.of(Bytes.wrap(new byte[55]))), 5_000))
        .containsExactly(Bytes.EMPTY);
    Hash key = account(17);
    byte[] nibbles = RangeProof.nibbles(key.toArray());
    List<List<Bytes>> paths = new ArrayList<>();
    for (int length = 0; length <= 64; length++) {
      byte[] path = RangeProof.compact(Arrays.copyOf(nibbles, length), false);
      paths.add(List.of(Bytes.wrap(path)));
    }
    List<Bytes> all = nodes(root, paths, 100_000);
    assertThat(all).hasSize(65);
    List<Bytes> proof = states.proveAccount(key);
    assertThat(all.subList(0, proof.size())).as("the leaf, too").isEqualTo(proof);
    assertThat(all.subList(proof.size(), 65)).containsOnly(Bytes.EMPTY);
    assertThat(nodes(root, List.of(paths.get(10), paths.get(1), paths.get(0)), 5_000))
        .containsExactly(Bytes.EMPTY, proof.get(1), proof.get(0));
    byte[] value = RangeProof.compact(nibbles, true);
    assertThat(nodes(root, List.of(List.of(Bytes.wrap(value))), 500)).containsExactly(Bytes.EMPTY);
  }

  private static Bytes bytesOf(int value) {
    return Bytes.wrap(new byte[] {(byte) value});
  }

  @Test
  void nodesOfStorageTries() {
    Hash contract = states.contracts.get(5);
    Bytes top = Bytes.wrap(new byte[1]);
    Hash slot = slots(contract).get(0);
    byte nibble = RangeProof.nibbles(slot.toArray())[0];
    Bytes below = Bytes.wrap(RangeProof.compact(new byte[] {nibble}, false));
    List<Bytes> proof = states.proveSlot(contract, slot);
    assertThat(nodes(root, List.of(List.of(bytes(contract), top)), 5_000))
        .containsExactly(proof.get(0));
    assertThat(nodes(root, List.of(List.of(bytes(contract), top, below)), 5_000))
        .containsExactly(proof.get(0), proof.get(1));
    assertThat(nodes(root, List.of(List.of(bytes(contract), top, below)), 0))
        .as("one at least")
        .containsExactly(proof.get(0));
    assertThat(
            nodes(
                root, List.of(List.of(bytes(states.accounts.lastKey()), top), List.of(top)), 5_000))
        .as("an account without storage is left out")
        .hasSize(1);
  }

  @Test
  void anEmptySetOfPathsIsAViolation() {
    Bytes request = nodesRequest(root, List.of(List.of(), List.of(bytesOf(0))), 5_000);
    assertThatThrownBy(() -> peer.messageReceived(MessageCode.GET_TRIE_NODES, request))
        .isInstanceOf(RlpException.class);
    assertThat(connection.sent).isEmpty();
  }
}
