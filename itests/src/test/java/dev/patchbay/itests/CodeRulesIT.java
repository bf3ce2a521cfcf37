// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Provider;
import java.security.Security;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Rules that keep a bundle replaceable, checked on the compiled classes of every bundle. */
class CodeRulesIT {
  /** Interfaces of constant tables; {@code EnumMap} is such a table while a class initialises. */
  private static final Set<Class<?>> TABLES =
      Set.of(Map.class, List.class, Set.class, EnumMap.class);

  private static JavaClasses classes;

  @BeforeAll
  static void read() throws Exception {
    List<Path> outputs = new ArrayList<>();
    try (Stream<Path> bundles = Files.list(Node.ROOT.resolve("bundles"))) {
      bundles
          .map(bundle -> bundle.resolve("target/classes/dev"))
          .filter(Files::isDirectory)
          .forEach(outputs::add);
    }
    assertThat(outputs).as("compiled bundles").hasSizeGreaterThan(20);
    classes = new ClassFileImporter().importPaths(outputs);
    assertThat(classes.size()).isGreaterThan(200);
  }

  @Test
  void staticStateIsConstant() {
    fields()
        .that()
        .areStatic()
        .should()
        .beFinal()
        .because("what is static outlives a stop, and is shared by what should be apart")
        .check(classes);
    noFields()
        .that()
        .areStatic()
        .should()
        .haveRawType(describe("a type that is there to be changed", CodeRulesIT::isMutable))
        .check(classes);
  }

  private static boolean isMutable(JavaClass type) {
    boolean table = TABLES.stream().anyMatch(type::isEquivalentTo);
    boolean collection = type.isAssignableTo(Collection.class) || type.isAssignableTo(Map.class);
    return (collection && !table)
        || type.isAssignableTo(ThreadLocal.class)
        || type.isAssignableTo(StringBuilder.class)
        || type.isAssignableTo(Thread.class)
        || type.getPackageName().startsWith("java.util.concurrent");
  }

  @Test
  void threadsHaveNames() {
    noClasses()
        .should()
        .callConstructor(Thread.class)
        .orShould()
        .callConstructor(Thread.class, Runnable.class)
        .because(
            "a thread is named <bundle>-<role>-<number>, so that an operator knows whose it is")
        .check(classes);
    noClasses()
        .should()
        .callMethodWhere(
            describe(
                "it makes an executor without a thread factory",
                (JavaCall<?> call) ->
                    call.getTargetOwner().isEquivalentTo(Executors.class)
                        && call.getName().startsWith("new")
                        && call.getTarget().getRawParameterTypes().stream()
                            .noneMatch(type -> type.isEquivalentTo(ThreadFactory.class))))
        .check(classes);
  }

  @Test
  void nothingIsFoundByTheThreadsContextLoader() {
    noClasses()
        .should()
        .callMethod(ServiceLoader.class, "load", Class.class)
        .because("in a container the context loader is anybody's")
        .check(classes);
    noClasses()
        .should()
        .callMethod(Security.class, "addProvider", Provider.class)
        .orShould()
        .callMethod(Security.class, "insertProviderAt", Provider.class, int.class)
        .because("a provider would outlive its bundle")
        .check(classes);
  }
}
