// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The voting scenarios of EIP-225, and a header of Rinkeby. */
class VotingTest {
  private static Address account(char name) {
    byte[] bytes = new byte[20];
    bytes[19] = name == '0' ? 0 : (byte) name;
    return Address.wrap(bytes);
  }

  private static BlockHeader header(long number, Address target, long nonce) {
    return BlockHeader.builder()
        .coinbase(target)
        .difficulty(UInt256.of(2))
        .number(number)
        .timestamp(number)
        .nonce(nonce)
        .build();
  }

  private static List<Address> accounts(String names) {
    return names == null || names.isBlank()
        ? List.of()
        : Arrays.stream(names.split(" "))
            .map(name -> account(name.charAt(0)))
            .collect(Collectors.toList());
  }

  /**
   * Applies blocks written as {@code A}, {@code A+B} (A votes for B), {@code A-B} or {@code A*} (a
   * checkpoint).
   */
  private static Voting play(String signers, String blocks, long epoch)
      throws InvalidBlockException {
    Voting voting = Voting.atCheckpoint(0, accounts(signers), Map.of());
    long number = 0;
    for (String block : blocks.split(" ")) {
      number++;
      boolean votes = block.length() == 3;
      Address target = votes ? account(block.charAt(2)) : Address.ZERO;
      long nonce = votes && block.charAt(1) == '+' ? Voting.AUTHORIZE : Voting.DROP;
      voting = voting.apply(header(number, target, nonce), account(block.charAt(0)), epoch);
    }
    return voting;
  }

  @ParameterizedTest
  @CsvSource({
    "A, A, A, 30000",
    "A, A+B B A+C, A B, 30000",
    "A B, A+C B+C A+D B+D C A+E B+E, A B C D, 30000",
    "A, A-A, '', 30000",
    "A B, A-B, A B, 30000",
    "A B, A-B B-B, A, 30000",
    "A B C, A-C B-C, A B, 30000",
    "A B C D, A-C B-C, A B C D, 30000",
    "A B C D, A-D B-D C-D, A B C, 30000",
    "A B, A+C B A+C B A+C, A B, 30000",
    "A B, A+C B A+D B A B+D A B+C, A B C D, 30000",
    "A B, A-B B A-B B A-B, A B, 30000",
    "A B C D, A-C B C A-D B C A B-D C-D A B-C, A B, 30000",
    "A B C, C-B A-C B-C A-B, A B, 30000",
    "A B C, C+D A-C B-C A+D, A B, 30000",
    "A B C D, A-C B C A-D B-C C A B-D C-D, A B C, 30000",
    "A B C D, A-C B C A-D B-C C A B-D C-D A C+C, A B, 30000",
    "A B C D, A-C B C A-D B-C C A B-D C-D A B+C, A B C, 30000",
    "A B C D E, A+F B+F C+F D-F E-F B-F C-F D+F E+F B-A C-A D-A B+F, B C D E F, 30000",
    "A B, A+C B A* B+C, A B, 3",
    // 0 is the zero address: each block without a vote is one against it, also a checkpoint
    "A B C 0, A B C* A B, A B C, 3",
    "A B C 0, A B C* A, 0 A B C, 3",
  })
  void votingScenarios(String signers, String blocks, String expected, long epoch)
      throws Exception {
    assertThat(play(signers, blocks, epoch).signers()).isEqualTo(accounts(expected));
  }

  @ParameterizedTest
  @CsvSource({
    "A, B, unauthorized signer, 30000",
    "A B, A A, recently, 30000",
    "A B C, A B A* A, recently, 3",
    "A B C, A B A* A, recently, 3"
  })
  void refusals(String signers, String blocks, String reason, long epoch) {
    assertThatThrownBy(() -> play(signers, blocks, epoch)).hasMessageContaining(reason);
  }

  @Test
  void checkpointOfRinkeby() {
    BlockHeader header =
        BlockHeader.builder()
            .parentHash(
                Hash.fromHex("0xff570bb9893cb9bac64e346419fb9ad51e203c1cf6da5cfcc0c0dff3351b454b"))
            .stateRoot(
                Hash.fromHex("0x829b58faacea7b0aa625617ba90c93e08150bed160364a7a96505e8205043d34"))
            .transactionsRoot(
                Hash.fromHex("0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"))
            .receiptsRoot(
                Hash.fromHex("0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"))
            .difficulty(UInt256.of(2))
            .number(30000)
            .gasLimit(4712388)
            .timestamp(1492460444)
            .extraData(
                Bytes.fromHex(
                    "0xd783010600846765746887676f312e372e33856c696e7578000000000000000042eb768f2244c8811c63729a21a3569731535f067ffc57839b00206d1ad20c69a1981b489f772031b279182d99e65703f0076e4812653aab85fca0f0c5bc40d0535af16266714ccb26fc49448c10bdf2969411514707d7442956b3397b09a980f4bea9347f70eea52183326247a0239b6d01fa0b07afc44e8a05463301"))
            .build();
    assertThat(header.computeHash())
        .isEqualTo(
            Hash.fromHex("0x8b27a29300811af926039b90288d3d384dcb55931049c17c4f762e45c116776e"));
    assertThat(Hash.wrap(Extra.sealHash(header)))
        .isEqualTo(
            Hash.fromHex("0x89cb211c2d7a21ef8d7af39625fb047547ab7ecfee5467f3548946eca3c0ac3b"));
    assertThat(Extra.signer(header))
        .isEqualTo(Address.fromHex("0x42eb768f2244c8811c63729a21a3569731535f06"));
    assertThat(Extra.signers(header)).hasSize(3);
  }
}
