// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.primitives.ChainConfig;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A genesis of Clique starts as geth and Besu write it, and its mistakes are refused. */
class CliqueGenesisTest {
  static final String A = "0a".repeat(20);
  private static final String B = "0b".repeat(20);
  private static final String C = "ff".repeat(20);
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Returns extra data of a genesis: vanity, what is between, and an empty seal. */
  static String extraData(String between) {
    return "0x" + "00".repeat(32) + between + "00".repeat(65);
  }

  private static GenesisFile parse(String clique, String extraData) throws Exception {
    return GenesisFile.parse(
        JSON.readTree(
            ("{'config':{'chainId':7,'homesteadBlock':0,'clique':"
                    + clique
                    + "},'gasLimit':'0x1c9c380','difficulty':'0x1','alloc':{},'extraData':'"
                    + extraData
                    + "'}")
                .replace('\'', '"')));
  }

  private static ChainConfig.Clique parameters(String clique) throws Exception {
    return Objects.requireNonNull(parse(clique, extraData(A)).config().clique());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'period':3,'epoch':8}",
        "{'Period':3,'EPOCH':'0x8'}",
        "{'blockperiodseconds':3,'epochlength':8}",
        "{'blockPeriodSeconds':3,'epochLength':8}",
        "{'period':3,'epochlength':8}",
        "{'period':3,'blockperiodseconds':'0x3','epoch':8,'epochlength':8,'comment':null}",
      })
  void theNamesOfGethAndOfBesuAreRead(String clique) throws Exception {
    assertThat(parameters(clique)).isEqualTo(new ChainConfig.Clique(3, 8));
    assertThat(parse(clique, extraData(A)).configText())
        .doesNotContain("blockperiodseconds", "epochlength");
  }

  @Test
  void theEpochIsThatOfGethWhenItIsMissing() throws Exception {
    assertThat(parameters("{'period':0}")).isEqualTo(new ChainConfig.Clique(0, 30_000));
  }

  @Test
  void sortedSignersAndAnyVanityAreAccepted() throws Exception {
    assertThat(parse("{'period':5,'epoch':1}", extraData(A + B + C)).config().clique()).isNotNull();
    String vanity = "0x" + "67".repeat(32) + A + "00".repeat(65);
    assertThat(parse("{'period':5}", vanity).config().clique()).isNotNull();
  }

  /** The extra data of the genesis of Rinkeby and of Goerli. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "0x52657370656374206d7920617574686f7269746168207e452e436172746d616e"
            + "42eb768f2244c8811c63729a21a3569731535f067ffc57839b00206d1ad20c69a1981b489f772031"
            + "b279182d99e65703f0076e4812653aab85fca0f0",
        "0x22466c6578692069732061207468696e6722202d204166726900000000000000"
            + "e0a2bd4258d2768837baa26a28fe71dc079f84c7",
      })
  void genesisBlocksOfGethStart(String vanityAndSigners) throws Exception {
    GenesisFile genesis = parse("{'period':15,'epoch':30000}", vanityAndSigners + "00".repeat(65));
    assertThat(genesis.config().clique()).isEqualTo(new ChainConfig.Clique(15, 30_000));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | config.clique.period | missing",
        "{'epoch':8} | config.clique.period | missing",
        "{'period':'five'} | config.clique.period | five",
        "{'period':-1} | config.clique.period | -1",
        "{'period':'0x8000000000000000'} | config.clique.period | 9223372036854775808",
        "{'period':1,'epoch':0} | config.clique.epoch | is 0",
        "{'period':1,'epoch':'0x'} | config.clique.epoch | is 0",
        "{'period':1,'epochlength':0} | config.clique.epoch | is 0",
        "{'period':1,'epoch':'many'} | config.clique.epoch | many",
        "{'period':1,'periode':2} | config.clique.periode | period",
        "{'period':1,'createemptyblocks':false} | config.clique.createemptyblocks | false",
        "{'period':1,'signers':['x']} | config.clique.signers | x",
        "{'period':1,'blockperiodseconds':2} | config.clique.blockperiodseconds | 1 and 2",
        "{'period':1,'epoch':7,'EpochLength':8} | config.clique.epochlength | 7 and 8",
        "{'period':1,'blockperiodsecond':2} | config.clique.blockperiodsecond | its value is 2",
      })
  void aWrongParameterIsRefusedByItsName(String clique, String field, String value) {
    assertThatThrownBy(() -> parse(clique, extraData(A)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("field")
        .hasMessageContaining(field)
        .hasMessageContaining(value);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0x | has 0 bytes",
        "0x05 | has 1 bytes",
        "SHORT | has 96 bytes",
        "{} | lists no signers",
        "{A/2} | 10 bytes between vanity and seal, which are not whole addresses",
        "{D*19 A/2} | 390 bytes between vanity and seal",
        "{D*19 A/2} | 19 and a part of 10 bytes",
        "{A A} | lists the signer 0xA twice",
        "{A B B} | lists the signer 0xB twice",
        "{B A} | lists the signer 0xA after 0xB",
        "{A C B} | lists the signer 0xB after 0xC",
        "{A B A} | lists the signer 0xA after 0xB",
      })
  void wrongSignersAreRefused(String given, String problem) {
    String extraData = expand(given);
    assertThatThrownBy(() -> parse("{'period':5}", extraData))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("field extraData")
        .hasMessageContaining(extraData.substring(0, Math.min(80, extraData.length())))
        .hasMessageContaining(
            problem.replace("0xA", "0x" + A).replace("0xB", "0x" + B).replace("0xC", "0x" + C));
  }

  private static String expand(String given) {
    if (given.equals("SHORT")) {
      return "0x" + "00".repeat(96);
    }
    if (!given.startsWith("{")) {
      return given;
    }
    StringBuilder between = new StringBuilder();
    for (String part : given.substring(1, given.length() - 1).split(" ")) {
      switch (part) {
        case "A" -> between.append(A);
        case "B" -> between.append(B);
        case "C" -> between.append(C);
        case "A/2" -> between.append(A, 0, 20);
        case "D*19" -> {
          for (int i = 1; i <= 19; i++) {
            between.append("%040x".formatted(i));
          }
        }
        default -> {}
      }
    }
    return extraData(between.toString());
  }
}
