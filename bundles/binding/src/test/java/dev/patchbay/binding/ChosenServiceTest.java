// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.binding.ChosenService.Choice;
import dev.patchbay.binding.NamedServices.Registration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class ChosenServiceTest {
  private static final String OURS = "dev.patchbay.evm.engine";
  private static final String THEIRS = "com.example.evm";

  private final ChosenService<String> services = new ChosenService<>("patchbay");

  private static Registration registration(long id, int ranking, String symbolicName) {
    return new Registration(id, ranking, symbolicName, "bundle " + id);
  }

  private void add(long id, int ranking, String symbolicName, String service) {
    services.add(registration(id, ranking, symbolicName), "patchbay", service);
  }

  private boolean remove(long id) {
    return services.remove(registration(id, 0, ""));
  }

  @Test
  void theOnlyBundleWithTheNameIsUsedAndChosenOnDemand() {
    assertThat(services.get()).isNull();
    services.add(registration(1, 9, THEIRS), "other", "other");
    assertThat(services.get()).isNull();
    add(2, 0, OURS, "ours");
    assertThat(services.choice()).isEqualTo(new Choice("patchbay", null));
    assertThat(services.get()).isEqualTo("ours");
    assertThat(services.choice()).isEqualTo(new Choice("patchbay", null));
    add(3, 9, THEIRS, "theirs");
    services.chooseOnly();
    assertThat(services.get()).as("of two").isNull();
    assertThat(remove(3)).isFalse();
    services.chooseOnly();
    assertThat(services.choice()).isEqualTo(new Choice("patchbay", OURS));
    assertThat(services.get()).isEqualTo("ours");
  }

  @Test
  void noneOfTwoBundlesWithTheNameIsUsedWithoutACommand() {
    add(1, 0, OURS, "ours");
    add(2, 5, THEIRS, "theirs");
    assertThat(services.get()).isNull();
    assertThat(services.registered("patchbay"))
        .containsExactly(new Choice("patchbay", THEIRS), new Choice("patchbay", OURS));
    services.choose(new Choice("patchbay", OURS));
    assertThat(services.get()).isEqualTo("ours");
  }

  @Test
  void anotherBundleOfTheNameTakesOverByCommandAlone() {
    add(1, 0, OURS, "ours");
    services.chooseOnly();
    assertThat(services.get()).isEqualTo("ours");
    add(2, 100, THEIRS, "theirs");
    assertThat(services.get()).as("a higher ranking").isEqualTo("ours");
    assertThat(remove(1)).isTrue();
    assertThat(services.get()).as("the chosen bundle is removed").isNull();
    assertThat(services.choice()).isEqualTo(new Choice("patchbay", OURS));
    add(3, 0, OURS, "ours again");
    assertThat(services.get()).as("the chosen bundle after its update").isEqualTo("ours again");
    services.choose(new Choice("patchbay", THEIRS));
    assertThat(services.get()).isEqualTo("theirs");
    assertThat(remove(3)).isFalse();
    assertThat(services.get()).as("a bystander is removed").isEqualTo("theirs");
    add(4, 200, OURS, "ours");
    assertThat(services.get()).as("a bystander is added").isEqualTo("theirs");
  }

  @Test
  void aServiceThatIsChosenBeforeItIsRegisteredIsWaitedFor() {
    add(1, 0, OURS, "ours");
    services.choose(new Choice("other", THEIRS));
    assertThat(services.get()).isNull();
    services.add(registration(2, 0, OURS), "other", "another bundle");
    add(3, 0, THEIRS, "another name");
    assertThat(services.get()).isNull();
    services.add(registration(4, 0, THEIRS), "other", "chosen");
    assertThat(services.get()).isEqualTo("chosen");
  }

  /** Two versions of a bundle may be installed for a moment. */
  @Test
  void theFirstRegistrationOfTheChosenBundleStaysWhileItIsRegistered() {
    add(1, 0, OURS, "first");
    services.chooseOnly();
    assertThat(services.get()).isEqualTo("first");
    add(2, 5, OURS, "second");
    add(3, 9, OURS, "third");
    assertThat(services.get()).isEqualTo("first");
    assertThat(remove(1)).isFalse();
    assertThat(services.get()).isEqualTo("third");
    assertThat(services.registered()).containsExactly(new Choice("patchbay", OURS));
  }

  /** While bundles are updated, readers see a service of the chosen bundle, or none. */
  @Test
  void concurrentUpdatesNeverUseAnotherBundle() throws Exception {
    add(0, 0, OURS, OURS);
    services.chooseOnly();
    assertThat(services.get()).isEqualTo(OURS);
    AtomicBoolean running = new AtomicBoolean(true);
    List<FutureTask<Integer>> tasks = new ArrayList<>();
    for (int i = 1; i <= 3; i++) {
      int first = 100_000 * i;
      String bundle = i == 1 ? OURS : THEIRS + i;
      tasks.add(
          new FutureTask<>(
              () -> {
                for (int step = 0; step < 20_000; step++) {
                  add(first + step, step % 7, bundle, bundle);
                  remove(first + step);
                }
                return 0;
              }));
    }
    FutureTask<Integer> reader =
        new FutureTask<>(
            () -> {
              int reads = 0;
              while (running.get() || reads == 0) {
                assertThat(services.get()).isIn(OURS, null);
                reads++;
              }
              return reads;
            });
    List<Thread> threads = new ArrayList<>();
    for (FutureTask<Integer> task : tasks) {
      threads.add(new Thread(task, "updates"));
    }
    threads.add(new Thread(reader, "reader"));
    threads.forEach(Thread::start);
    remove(0);
    for (FutureTask<Integer> task : tasks) {
      task.get(60, TimeUnit.SECONDS);
    }
    running.set(false);
    assertThat(reader.get(60, TimeUnit.SECONDS)).isPositive();
    assertThat(services.get()).isNull();
    add(1, 0, OURS, "back");
    assertThat(services.get()).isEqualTo("back");
  }
}
