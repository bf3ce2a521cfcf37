// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.execution.NotReadyException;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ScheduleTest {
  private final Map<String, ConsensusRules> installed = new HashMap<>();

  private static ConsensusRules rules() {
    return (ConsensusRules)
        Proxy.newProxyInstance(
            ConsensusRules.class.getClassLoader(),
            new Class<?>[] {ConsensusRules.class},
            (proxy, method, args) -> {
              throw new UnsupportedOperationException(method.getName());
            });
  }

  private ProtocolSchedule schedule(String config) throws Exception {
    return new Chain(
        GenesisFile.parse(
            new ObjectMapper()
                .readTree(
                    "{\"config\": {\"chainId\": 7, %s}, \"gasLimit\": \"0x1c9c380\","
                            .formatted(config)
                        + " \"difficulty\": \"0x0\", \"alloc\": {}}")),
        new TrieWorkers(0),
        new RecentNodes(RecentNodes.MAX_BLOCKS),
        new BadBlocks(),
        installed::get,
        HistoryPruner.Windows.ALL);
  }

  @Test
  void theRulesAreThoseThatTheGenesisNamesWhileTheyAreInstalled() throws Exception {
    ProtocolSchedule schedule = schedule("\"terminalTotalDifficulty\": 0");
    assertThat(schedule.config().consensus()).isEqualTo("engine");
    installed.put("clique", rules());
    assertThatThrownBy(schedule::rules)
        .isInstanceOf(NotReadyException.class)
        .hasMessage("the consensus rules 'engine' are not installed");
    ConsensusRules engine = rules();
    installed.put("engine", engine);
    assertThat(schedule.rules() == engine).isTrue();
    ConsensusRules updated = rules();
    installed.put("engine", updated);
    assertThat(schedule.rules() == updated).isTrue();
    installed.remove("engine");
    assertThatThrownBy(schedule::rules).isInstanceOf(NotReadyException.class);
  }
}
