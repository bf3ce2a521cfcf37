// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.evm.CodeCache;
import dev.patchbay.evm.EvmState;
import dev.patchbay.evm.Precompiles;
import dev.patchbay.evm.TransactionProcessor;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.TransactionRules;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** go-ethereum's tables of single precompiled contracts and single instructions. */
class InstructionTests {
  /** The address and rules of each table. */
  private record Rules(String address, Fork fork) {}

  private static final Map<String, Rules> PRECOMPILES =
      Map.ofEntries(
          Map.entry("ecRecover", new Rules("01", Fork.CANCUN)),
          Map.entry("modexp", new Rules("05", Fork.BYZANTIUM)),
          Map.entry("modexp_eip2565", new Rules("05", Fork.BERLIN)),
          Map.entry("modexp_eip7883", new Rules("05", Fork.OSAKA)),
          Map.entry("bn256Add", new Rules("06", Fork.ISTANBUL)),
          Map.entry("bn256ScalarMul", new Rules("07", Fork.ISTANBUL)),
          Map.entry("bn256Pairing", new Rules("08", Fork.ISTANBUL)),
          Map.entry("blake2F", new Rules("09", Fork.ISTANBUL)),
          Map.entry("blake2f", new Rules("09", Fork.ISTANBUL)),
          Map.entry("pointEvaluation", new Rules("0a", Fork.CANCUN)),
          Map.entry("blsG1Add", new Rules("0b", Fork.PRAGUE)),
          Map.entry("blsG1Mul", new Rules("0c", Fork.PRAGUE)),
          Map.entry("blsG1MultiExp", new Rules("0c", Fork.PRAGUE)),
          Map.entry("blsG2Add", new Rules("0d", Fork.PRAGUE)),
          Map.entry("blsG2Mul", new Rules("0e", Fork.PRAGUE)),
          Map.entry("blsG2MultiExp", new Rules("0e", Fork.PRAGUE)),
          Map.entry("blsPairing", new Rules("0f", Fork.PRAGUE)),
          Map.entry("blsMapG1", new Rules("10", Fork.PRAGUE)),
          Map.entry("blsMapG2", new Rules("11", Fork.PRAGUE)),
          Map.entry("p256Verify", new Rules("0100", Fork.OSAKA)));

  private static final Map<String, Integer> OPCODES =
      Map.ofEntries(
          Map.entry("add", 0x01),
          Map.entry("mul", 0x02),
          Map.entry("sub", 0x03),
          Map.entry("div", 0x04),
          Map.entry("sdiv", 0x05),
          Map.entry("mod", 0x06),
          Map.entry("smod", 0x07),
          Map.entry("exp", 0x0a),
          Map.entry("signext", 0x0b),
          Map.entry("lt", 0x10),
          Map.entry("gt", 0x11),
          Map.entry("slt", 0x12),
          Map.entry("sgt", 0x13),
          Map.entry("eq", 0x14),
          Map.entry("and", 0x16),
          Map.entry("or", 0x17),
          Map.entry("xor", 0x18),
          Map.entry("byte", 0x1a),
          Map.entry("shl", 0x1b),
          Map.entry("shr", 0x1c),
          Map.entry("sar", 0x1d));

  @Test
  void precompiles() throws Exception {
    Tally tally = new Tally("precompiles");
    Vectors.forEach(
        "precompiles",
        name -> true,
        (name, content) -> {
          String table =
              name.substring(name.lastIndexOf('/') + 1).replace(".json", "").replace("fail-", "");
          Rules rules = PRECOMPILES.get(table);
          assertThat(rules).as("rules of " + table).isNotNull();
          String address = "0x" + "0".repeat(40 - rules.address.length()) + rules.address;
          Precompiles.Contract contract = Precompiles.of(rules.fork).get(Address.fromHex(address));
          for (JsonNode test : content) {
            tally.run(name + " " + test.get("Name"), () -> precompile(contract, test));
          }
        });
    tally.close();
  }

  private static void precompile(Precompiles.Contract contract, JsonNode test) {
    byte[] input = HexFormat.of().parseHex(test.get("Input").asText());
    byte[] output = contract.run(input);
    if (test.has("ExpectedError")) {
      assertThat(output).isNull();
      return;
    }
    assertThat(HexFormat.of().formatHex(output)).isEqualTo(test.get("Expected").asText());
    assertThat(contract.gas(input)).as("gas").isEqualTo(test.get("Gas").asLong());
  }

  @Test
  void opcodes() throws Exception {
    Tally tally = new Tally("opcodes");
    Vectors.forEach(
        "opcodes",
        name -> true,
        (name, content) -> {
          String opcode = name.replaceAll(".*testcases_(.*).json", "$1");
          int code = OPCODES.get(opcode);
          for (JsonNode test : content) {
            tally.run(
                opcode + " " + test,
                () ->
                    assertThat(apply(code, test.get("X").asText(), test.get("Y").asText()))
                        .isEqualTo("0x" + test.get("Expected").asText()));
          }
        });
    tally.close();
  }

  /** Runs PUSH x PUSH y OPCODE and returns the word on the stack. */
  private static String apply(int opcode, String x, String y) throws Exception {
    String code = "7f" + x + "7f" + y + String.format("%02x", opcode) + "5f5260205ff3";
    BlockContext block =
        new BlockContext(
            Fork.OSAKA,
            UInt256.ONE,
            Address.ZERO,
            1,
            1,
            30_000_000,
            UInt256.ZERO,
            Hash.ZERO,
            UInt256.ZERO,
            UInt256.ZERO,
            0,
            0,
            number -> Hash.ZERO,
            TransactionRules.ETHEREUM);
    Transaction call =
        Transaction.builder(TransactionType.LEGACY)
            .gasLimit(1_000_000)
            .data(Bytes.fromHex("0x" + code))
            .sender(Address.ZERO)
            .build();
    ExecutionResult result =
        new TransactionProcessor(new EvmState(new TestState(), new CodeCache(1 << 20)), block)
            .process(call, 30_000_000, TransactionProcessor.Mode.SIMULATION, null);
    return result.output().toString();
  }
}
