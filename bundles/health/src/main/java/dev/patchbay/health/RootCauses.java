// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Finds the root causes of problems that wait for each other: those that wait for no other problem,
 * and one of each circle of problems that nothing outside of it causes.
 */
final class RootCauses {
  private final Map<String, Problem> problems;

  /** The keys of the problems that wait for a problem. */
  private final Map<String, Set<String>> waiting = new TreeMap<>();

  /** The keys of the root causes of each problem; a root cause has itself. */
  private final Map<String, Set<String>> roots = new TreeMap<>();

  /**
   * Finds the root causes.
   *
   * @param problems the problems by their keys; the key of a problem that is waited for may be
   *     absent
   */
  RootCauses(Map<String, Problem> problems) {
    this.problems = problems;
    problems.forEach(
        (key, problem) ->
            problem.waitsFor.forEach(
                needed -> waiting.computeIfAbsent(needed, any -> new TreeSet<>()).add(key)));
    problems.keySet().stream().filter(key -> needed(key).isEmpty()).forEach(this::spread);
    for (String key : new TreeSet<>(problems.keySet())) {
      if (!roots.containsKey(key)) {
        spread(inCircle(key));
      }
    }
  }

  private Collection<String> needed(String key) {
    Problem problem = problems.get(key);
    return problem == null
        ? List.of()
        : problem.waitsFor.stream().filter(problems::containsKey).toList();
  }

  /** Makes a problem a root cause of itself and of all problems that wait for it. */
  private void spread(String root) {
    Deque<String> open = new ArrayDeque<>(List.of(root));
    Set<String> seen = new HashSet<>(open);
    while (!open.isEmpty()) {
      String key = open.remove();
      roots.computeIfAbsent(key, any -> new TreeSet<>()).add(root);
      for (String next : waiting.getOrDefault(key, Set.of())) {
        if (seen.add(next)) {
          open.add(next);
        }
      }
    }
  }

  /** Returns a problem of the circle that a problem is in, or waits for. */
  private String inCircle(String start) {
    Set<String> path = new LinkedHashSet<>();
    String key = start;
    while (path.add(key)) {
      // none of them has a root cause: it would have spread to this problem
      key = needed(key).iterator().next();
    }
    List<String> steps = new ArrayList<>(path);
    return new TreeSet<>(steps.subList(steps.indexOf(key), steps.size())).first();
  }

  /** Returns the keys of the root causes of a problem, without the problem itself. */
  Set<String> causes(String key) {
    Set<String> out = new TreeSet<>(roots.getOrDefault(key, Set.of()));
    return out.remove(key) ? Set.of() : out;
  }

  /** Returns the keys of the problems of which a problem is a root cause, without itself. */
  Set<String> blocked(String root) {
    Set<String> out = new TreeSet<>();
    roots.forEach(
        (key, causes) -> {
          if (causes.contains(root) && !key.equals(root)) {
            out.add(key);
          }
        });
    return out;
  }
}
