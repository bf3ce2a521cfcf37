// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A scheduler whose time passes only when a test says so. */
final class ManualScheduler implements Scheduler {
  private final List<Task> tasks = new ArrayList<>();
  private Duration now = Duration.ZERO;

  private record Task(Duration due, Runnable body) {}

  @Override
  public synchronized void schedule(Duration delay, Runnable task) {
    tasks.add(new Task(now.plus(delay), task));
  }

  /** Lets time pass, and runs the tasks that are due in it. */
  void advance(Duration time) {
    Duration end = now.plus(time);
    Runnable next;
    while ((next = takeDue(end)) != null) {
      next.run();
    }
    now = end;
  }

  private synchronized Runnable takeDue(Duration end) {
    Task first = tasks.stream().min(Comparator.comparing(Task::due)).orElse(null);
    if (first == null || first.due().compareTo(end) > 0) {
      return null;
    }
    tasks.remove(first);
    now = first.due();
    return first.body();
  }

  /** Returns the number of tasks that wait. */
  synchronized int size() {
    return tasks.size();
  }
}
