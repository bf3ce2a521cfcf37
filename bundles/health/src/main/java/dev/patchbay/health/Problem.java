// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.PartHealth;
import java.util.Set;
import java.util.TreeSet;

/** A part that does not work, or not completely, and the parts that it waits for. */
final class Problem {
  final PartHealth.Kind kind;
  final String name;
  final Health health;
  final String nextStep;

  /** Whether an operator may want it so: it counts only when another part waits for it. */
  final boolean intended;

  /** The keys of the problems without which this part would work. */
  final Set<String> waitsFor = new TreeSet<>();

  Problem(PartHealth.Kind kind, String name, Health health, String nextStep, boolean intended) {
    this.kind = kind;
    this.name = name;
    this.health = health;
    this.nextStep = nextStep;
    this.intended = intended;
  }
}
