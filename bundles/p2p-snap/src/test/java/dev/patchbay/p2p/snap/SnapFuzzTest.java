// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Malformed requests, from a fixed seed: nothing but the two expected exceptions may come out. */
class SnapFuzzTest extends SnapFixture {
  private static final int ROUNDS = 2_000;

  private final Random fuzz = new Random(42);

  private Bytes valid(int message) {
    Hash root = states.root();
    Bytes top = Bytes.wrap(new byte[1]);
    Bytes contract = Bytes.wrap(states.contracts.get(3).toArray());
    return switch (message) {
      case MessageCode.GET_ACCOUNT_RANGE -> accountsRequest(root, Hash.ZERO, MAX, 2_000);
      case MessageCode.GET_STORAGE_RANGES ->
          slotsRequest(root, states.contracts, contract, top, 2_000);
      case MessageCode.GET_BYTE_CODES -> codesRequest(List.copyOf(states.codes.keySet()), 2_000);
      default -> nodesRequest(root, List.of(List.of(top), List.of(contract, top, contract)), 2_000);
    };
  }

  private byte[] mutate(byte[] input) {
    byte[] out = input.clone();
    switch (fuzz.nextInt(5)) {
      case 0 -> out = Arrays.copyOf(out, fuzz.nextInt(out.length + 1));
      case 1 -> out = Arrays.copyOf(out, out.length + 1 + fuzz.nextInt(8));
      case 2 -> {
        out = new byte[fuzz.nextInt(64)];
        fuzz.nextBytes(out);
      }
      default -> {
        for (int i = 0; i <= fuzz.nextInt(4); i++) {
          out[fuzz.nextInt(out.length)] = (byte) fuzz.nextInt();
        }
      }
    }
    return out;
  }

  @ParameterizedTest
  @ValueSource(
      ints = {
        MessageCode.GET_ACCOUNT_RANGE,
        MessageCode.GET_STORAGE_RANGES,
        MessageCode.GET_BYTE_CODES,
        MessageCode.GET_TRIE_NODES
      })
  void malformedRequestsAreRefused(int message) {
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Bytes payload = Bytes.wrap(mutate(valid(message).toArray()));
      try {
        peer.messageReceived(message, payload);
        assertThat(connection.take().message()).isEqualTo(message + 1);
      } catch (PeerBreachException | RlpException expected) {
        assertThat(expected.getMessage()).hasSizeLessThan(400);
        assertThat(connection.sent).isEmpty();
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(ROUNDS / 2).isLessThan(ROUNDS);
  }
}
