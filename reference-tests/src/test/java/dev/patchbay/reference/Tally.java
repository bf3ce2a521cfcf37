// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;

/** Counts passed and failed cases of a suite and prints them. */
final class Tally {
  private final String suite;
  private int passed;
  private final List<String> failures = new ArrayList<>();

  Tally(String suite) {
    this.suite = suite;
  }

  /** A case that throws when it fails. */
  interface Case {
    void run() throws Exception;
  }

  void run(String name, Case body) {
    try {
      body.run();
      pass();
    } catch (Exception | AssertionError failure) {
      fail(name, failure);
    }
  }

  private synchronized void pass() {
    passed++;
  }

  private synchronized void fail(String name, Throwable failure) {
    failures.add(name + ": " + failure);
    if (failures.size() == 1 && Boolean.getBoolean("reference.trace")) {
      failure.printStackTrace();
    }
  }

  /** Prints the counts and fails unless something ran and all of it passed. */
  synchronized void close() {
    System.out.println(suite + ": " + passed + " passed, " + failures.size() + " failed");
    failures.stream().limit(Integer.getInteger("reference.show", 20)).forEach(System.out::println);
    assertThat(failures.size()).as("failures of " + suite).isZero();
    assertThat(passed).as("cases of " + suite).isPositive();
  }
}
