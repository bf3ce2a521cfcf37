// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ExecutionRules;
import dev.patchbay.api.consensus.FeeRules;
import dev.patchbay.api.consensus.HeaderRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.consensus.RollupRules;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The dependencies between the packages of the contracts. */
class PackagesTest {
  private static final int MAX_METHODS = 7;

  private final JavaClasses classes =
      new ClassFileImporter().importPath(Path.of("target", "classes"));

  @Test
  void theChainDoesNotDependOnItsConsensusRules() {
    assertThat(classes.contain(ChainReader.class)).isTrue();
    assertThat(classes.contain(ProtocolSchedule.class)).isTrue();
    noClasses()
        .that()
        .resideInAPackage("dev.patchbay.api.chain..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("dev.patchbay.api.consensus..")
        .because(
            "a schedule gives the rules of a chain, which read headers and blocks of the chain")
        .check(classes);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("dev.patchbay.api.(*)..").should().beFreeOfCycles().check(classes);
  }

  @Test
  void eachRoleOfTheConsensusRulesIsNarrow() {
    for (Class<?> role :
        new Class<?>[] {
          HeaderRules.class,
          FeeRules.class,
          ExecutionRules.class,
          RollupRules.class,
          ConsensusRules.class,
          ProtocolSchedule.class
        }) {
      JavaClass type = classes.get(role);
      assertThat(type.getMethods()).as(role.getSimpleName()).hasSizeBetween(1, MAX_METHODS);
    }
  }
}
