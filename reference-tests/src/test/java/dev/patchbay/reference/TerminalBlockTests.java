// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.chain.Chains;
import dev.patchbay.consensus.engine.EngineRules;
import dev.patchbay.evm.engine.DefaultEvmEngine;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.rpc.engine.Engines;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Blocks of proof of work as heads that a consensus client names: only the terminal block may be
 * one (EIP-3675; execution-apis, {@code paris.md}).
 */
class TerminalBlockTests {
  private static final Address MINER =
      Address.fromHex("0x00000000000000000000000000000000000000aa");
  private static final UInt256 REWARD = UInt256.of(2_000_000_000_000_000_000L);
  private static final long DIFFICULTY = 131_072;

  private static Chains.Wired chain(UInt256 terminal) {
    ObjectNode genesis = Chains.shanghaiGenesis();
    ObjectNode config = genesis.withObject("/config");
    config.remove(List.of("shanghaiTime", "terminalTotalDifficulty"));
    if (terminal != null) {
      config.put("terminalTotalDifficulty", terminal.toBigInteger());
    }
    genesis.put("difficulty", "0x20000");
    return Chains.of(genesis, Chains.memory(), new DefaultEvmEngine(), new EngineRules());
  }

  /** Returns an empty block of proof of work on the head, which becomes the head. */
  private static Block mine(Chains.Wired chain) {
    Block parent = chain.reader().head();
    long number = parent.number() + 1;
    StateChanges reward =
        new StateChanges(
            List.of(
                new StateChanges.AccountChange(
                    MINER,
                    null,
                    true,
                    0,
                    REWARD.multiply(UInt256.of(number)),
                    Account.EMPTY_CODE,
                    null,
                    false,
                    Map.of())));
    BlockHeader header =
        BlockHeader.builder()
            .parentHash(parent.hash())
            .coinbase(MINER)
            .stateRoot(chain.states().computeStateRoot(parent.hash(), reward))
            .difficulty(UInt256.of(DIFFICULTY))
            .number(number)
            .gasLimit(parent.header().gasLimit())
            .timestamp(parent.header().timestamp() + 10)
            .baseFeePerGas(
                chain
                    .schedule()
                    .rules()
                    .nextBaseFee(parent.header(), number, chain.schedule().config()))
            .build();
    Block block = new Block(header, List.of(), List.of(), null);
    assertThat(chain.importer().importBlock(block)).isEqualTo(new ImportResult.Imported(true));
    return block;
  }

  private static Map<?, ?> update(Chains.Wired chain, Block head) throws Exception {
    Map<String, Object> state =
        Map.of(
            "headBlockHash", head.hash().toString(),
            "safeBlockHash", Hash.ZERO.toString(),
            "finalizedBlockHash", Hash.ZERO.toString());
    Map<?, ?> answer =
        (Map<?, ?>)
            Engines.of(chain)
                .methods()
                .get("engine_forkchoiceUpdatedV1")
                .call(List.of(state), null);
    assertThat(answer.get("payloadId")).isNull();
    return (Map<?, ?>) answer.get("payloadStatus");
  }

  private static void assertRejected(Chains.Wired chain, Block block) throws Exception {
    Block before = chain.reader().head();
    Map<?, ?> status = update(chain, block);
    assertThat(status.get("status")).as("%s: %s", block, status).isEqualTo("INVALID");
    assertThat(status.get("latestValidHash")).isEqualTo("0x" + "00".repeat(32));
    assertThat((String) status.get("validationError")).contains("is not the terminal block");
    assertThat(chain.reader().head()).isEqualTo(before);
  }

  private static void assertAccepted(Chains.Wired chain, Block block) throws Exception {
    Map<?, ?> status = update(chain, block);
    assertThat(status.get("status")).as("%s: %s", block, status).isEqualTo("VALID");
    assertThat(status.get("latestValidHash")).isEqualTo(block.hash().toString());
    assertThat(chain.reader().head()).isEqualTo(block);
  }

  @Test
  void onlyTheTerminalBlockIsAHead() throws Exception {
    Chains.Wired chain = chain(UInt256.of(4 * DIFFICULTY));
    List<Block> blocks = new ArrayList<>(List.of(chain.reader().genesis()));
    for (int i = 0; i < 2; i++) {
      blocks.add(mine(chain));
      for (Block block : blocks) { // the head and what is before it
        assertRejected(chain, block);
      }
    }
    Block terminal = mine(chain);
    for (Block block : blocks) {
      assertRejected(chain, block);
    }
    assertAccepted(chain, terminal);
  }

  @Test
  void theTerminalBlockMayGoBeyondTheTerminalTotalDifficulty() throws Exception {
    Chains.Wired chain = chain(UInt256.of(DIFFICULTY + 1));
    Block genesis = chain.reader().genesis();
    assertRejected(chain, genesis);
    Block terminal = mine(chain);
    assertAccepted(chain, terminal);
    assertRejected(chain, genesis);
  }

  @Test
  void genesisMayBeTheTerminalBlock() throws Exception {
    Chains.Wired chain = chain(UInt256.of(DIFFICULTY));
    assertAccepted(chain, chain.reader().genesis());
  }

  @Test
  void withoutATerminalTotalDifficultyNoneIs() throws Exception {
    Chains.Wired chain = chain(null);
    assertRejected(chain, chain.reader().genesis());
    assertRejected(chain, mine(chain));
  }
}
