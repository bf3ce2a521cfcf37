// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.binding.NamedServices.Registration;
import java.lang.reflect.Proxy;
import org.junit.jupiter.api.Test;

class ScheduleTest {
  private final Choices choices = new Choices("engine", "");

  private static ConsensusRules rules() {
    return (ConsensusRules)
        Proxy.newProxyInstance(
            ConsensusRules.class.getClassLoader(),
            new Class<?>[] {ConsensusRules.class},
            (proxy, method, args) -> {
              throw new UnsupportedOperationException(method.getName());
            });
  }

  private static Registration registration(long id, String bundle) {
    return new Registration(id, 0, bundle, "bundle " + id);
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
        choices,
        HistoryPruner.Windows.ALL,
        0);
  }

  @Test
  void theRulesAreThoseThatTheGenesisNamesWhileTheyAreInstalled() throws Exception {
    ProtocolSchedule schedule = schedule("\"terminalTotalDifficulty\": 0");
    assertThat(schedule.config().consensus()).isEqualTo("engine");
    choices.rules().add(registration(1, "clique"), "clique", rules());
    assertThatThrownBy(schedule::rules)
        .isInstanceOf(NotReadyException.class)
        .hasMessage(
            "the consensus rules 'engine' are not installed; start or install a bundle with this"
                + " name");
    ConsensusRules engine = rules();
    choices.rules().add(registration(2, "engine"), "engine", engine);
    assertThat(schedule.rules() == engine).isTrue();
    choices.addTo(new WriteSet()); // as the first block does
    choices.rules().remove(registration(2, "engine"));
    choices.rules().add(registration(3, "other"), "engine", rules());
    assertThatThrownBy(schedule::rules)
        .isInstanceOf(NotReadyException.class)
        .hasMessage(
            "the consensus rules 'engine' of bundle engine are not installed; start or install this"
                + " bundle, or choose with consensus:use BUNDLE: 'engine' of bundle other");
    ConsensusRules updated = rules();
    choices.rules().add(registration(4, "engine"), "engine", updated);
    assertThat(schedule.rules() == updated).isTrue();
  }
}
