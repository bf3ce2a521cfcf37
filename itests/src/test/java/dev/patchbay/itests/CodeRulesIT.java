// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaCodeUnitReference;
import com.tngtech.archunit.core.domain.JavaConstructorCall;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Provider;
import java.security.Security;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.Timer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Rules that keep a bundle replaceable, checked on the compiled classes of every bundle. */
class CodeRulesIT {
  /** Interfaces of constant tables; {@code EnumMap} is such a table while a class initialises. */
  private static final Set<Class<?>> TABLES =
      Set.of(Map.class, List.class, Set.class, EnumMap.class);

  private static final String THREADS = "dev.patchbay.binding.Threads";

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
  void threadsInheritNothing() {
    noClasses()
        .that()
        .resideOutsideOfPackages(
            "dev.patchbay.launcher..", "dev.patchbay.chronos.kit..", "dev.patchbay.storage.tck..")
        .should()
        .callConstructorWhere(
            describe("it creates a thread without " + THREADS, CodeRulesIT::createsHeir))
        .because(
            "a thread that inherits the access control context of its creator keeps the class"
                + " loaders of bundles that have been updated; use "
                + THREADS)
        .check(classes);
  }

  @Test
  void classesOfThreadsAreInLibraries() {
    noClasses()
        .that()
        .resideOutsideOfPackages("dev.patchbay.binding..", "dev.patchbay.api..")
        .should()
        .beAssignableTo(Thread.class)
        .because(
            "Felix may keep a thread that has ended, and with it the class loader of its class")
        .check(classes);
  }

  @Test
  void noThreadOfTheJdkIsUsed() {
    noClasses()
        .should()
        .callMethodWhere(
            describe(
                "it runs tasks on threads of the JDK, or has the JDK create one",
                (JavaCall<?> call) ->
                    call.getTargetOwner().isAssignableTo(CompletableFuture.class)
                        && (Set.of("orTimeout", "completeOnTimeout", "delayedExecutor")
                                .contains(call.getName())
                            || call.getName().endsWith("Async")
                                && call.getTarget().getRawParameterTypes().stream()
                                    .noneMatch(type -> type.isEquivalentTo(Executor.class)))
                        && !call.getOriginOwner().getName().equals(THREADS)))
        .because("the threads of the JDK outlive every bundle; use " + THREADS)
        .check(classes);
  }

  /** Returns whether a thread is created outside of a lambda that {@code Threads} gets. */
  private static boolean createsHeir(JavaConstructorCall call) {
    boolean isSuper = call.getOriginOwner().isAssignableTo(Thread.class);
    return call.getTargetOwner().isAssignableTo(Thread.class)
        && !(isSuper && call.getOrigin().isConstructor())
        && !call.getOriginOwner().getName().equals(THREADS)
        && !(call.isDeclaredInLambda()
            && call.getOrigin().getMethodCallsFromSelf().stream()
                .anyMatch(other -> other.getTargetOwner().getName().equals(THREADS)));
  }

  /**
   * The body of a thread is what {@code Threads.create}, a constructor of {@code Thread}, {@code
   * Executor.execute}, or {@code schedule} of an event loop gets: a method reference, or the
   * methods that a lambda calls. A member of an annotation, which reads a value of a configuration,
   * is none. A {@code Future} that is read passes on what its task throws, and {@code Loop} catches
   * everything.
   */
  @Test
  void threadsSurviveErrors() {
    methods()
        .that(describe("are the body of a thread", CodeRulesIT::isThreadBody))
        .should(catchThrowable())
        .because(
            "an Error ends the thread otherwise, and the node works no more without a sign; use"
                + " dev.patchbay.binding.Loop")
        .check(classes);
    noClasses()
        .should()
        .dependOnClassesThat(
            assignableTo(ScheduledExecutorService.class).and(not(resideInAPackage("io.netty.."))))
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(Timer.class)
        .because("a task that throws is never run again, and nothing says so")
        .check(classes);
  }

  private static boolean isThreadBody(JavaMethod method) {
    if (method.getOwner().isAnnotation()) {
      return false;
    }
    return Stream.concat(method.getCallsOfSelf().stream(), method.getReferencesToSelf().stream())
        .filter(access -> access instanceof JavaCodeUnitReference || access.isDeclaredInLambda())
        .map(JavaAccess::getOrigin)
        .anyMatch(origin -> isNear(origin, method) && startsThreads(origin));
  }

  /** Returns whether both are of one bundle, and not of a tool or a test kit. */
  private static boolean isNear(JavaCodeUnit origin, JavaMethod method) {
    String name = method.getOwner().getPackageName();
    return name.equals(origin.getOwner().getPackageName())
        && !Set.of("dev.patchbay.launcher", "dev.patchbay.storage.tck").contains(name);
  }

  private static boolean startsThreads(JavaCodeUnit unit) {
    return unit.getCallsFromSelf().stream()
        .anyMatch(
            call ->
                call.getTargetOwner().isAssignableTo(Executor.class)
                        && (call.getName().equals("execute")
                            || call.getName().startsWith("schedule"))
                    || (call.getTargetOwner().isAssignableTo(Thread.class)
                                && call instanceof JavaConstructorCall
                            || call.getTargetOwner().getName().equals(THREADS)
                                && call.getName().equals("create"))
                        && !call.isDeclaredInLambda());
  }

  private static ArchCondition<JavaMethod> catchThrowable() {
    return new ArchCondition<>("catch Throwable") {
      @Override
      public void check(JavaMethod method, ConditionEvents events) {
        boolean caught =
            method.getTryCatchBlocks().stream()
                .flatMap(block -> block.getCaughtThrowables().stream())
                .anyMatch(type -> type.isEquivalentTo(Throwable.class));
        String message =
            method.getFullName() + (caught ? " catches" : " does not catch") + " Throwable";
        events.add(new SimpleConditionEvent(method, caught, message));
      }
    };
  }

  /** Tests of networks shift the clock of a node, in {@code BlockClock}. */
  @Test
  void timesOfBlocksAreOfOneClock() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "dev.patchbay.consensus..",
            "dev.patchbay.op.consensus..",
            "dev.patchbay.chain..",
            "dev.patchbay.payload..",
            "dev.patchbay.execution..",
            "dev.patchbay.sync..")
        .should()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(InstantSource.class, "system")
        .orShould()
        .callMethod(Instant.class, "now")
        .because("they write or judge the time of a block: BlockClock has the clock for that")
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
