// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * A node that seals a block each second under a steady load of all namespaces does not grow. In
 * {@code -Psoak} alone, for half an hour after caches are full and code is compiled.
 */
@Isolated
class SoakIT {
  private static final int MINUTES = Integer.getInteger("it.soak.minutes", 30);
  private static final int WARM_UP_MINUTES = 3;
  private static final int GAP_MILLIS = 10;

  /** Samples, one a second, whose mean is compared: collections of the heap come and go. */
  private static final int WINDOW = 60;

  @TempDir Path folder;

  @Test
  void theNodeDoesNotGrow() throws Exception {
    try (Node node = new Node(folder.resolve("node")).countsLiveBytes()) {
      node.start("--block-period", "1", "--namespaces", UpdateIT.NAMESPACES);
      List<Besieger> large =
          IntStream.range(0, 4)
              .mapToObj(i -> new Besieger(node, Besieger.Kind.LARGE, i, 0))
              .toList();
      Besieger.fund(node, large);
      Besieger.fillCaches(node, large);
      UpdateLoad load = new UpdateLoad(node, UpdateIT.requests()).pauseBetween(GAP_MILLIS);
      List<Node.Memory> means = new ArrayList<>();
      long before;
      long after;
      try (load) {
        load.sendTransfers().followHeads().followTransactions().awaitHead(2).start();
        for (int minute = 0; minute < WARM_UP_MINUTES; minute++) {
          mean(node);
        }
        before = node.liveBytes(); // the collection may give memory back, which is then taken again
        for (int minute = 0; minute < WARM_UP_MINUTES; minute++) {
          mean(node);
        }
        for (int minute = 0; minute < MINUTES; minute++) {
          means.add(mean(node));
        }
        after = node.liveBytes();
      }
      long first = means.get(0).resident();
      System.out.println(
          load.seen("").requests()
              + " requests; MiB resident, a mean a minute: "
              + mebibytes(means, Node.Memory::resident)
              + ", anonymous "
              + mebibytes(means, Node.Memory::anonymous)
              + ", of files "
              + mebibytes(means, Node.Memory::files)
              + "; live bytes before "
              + before
              + ", after "
              + after);
      assertThat(load.failures()).as(node.warnings()).isEmpty();
      assertThat(after).as("live bytes").isLessThan(before * 105 / 100);
      assertThat(means)
          .allSatisfy(mean -> assertThat(mean.resident()).isLessThan(first * 105 / 100));
    }
  }

  private static List<Long> mebibytes(List<Node.Memory> means, ToLongFunction<Node.Memory> part) {
    return means.stream().map(mean -> part.applyAsLong(mean) >> 20).toList();
  }

  private static Node.Memory mean(Node node) throws Exception {
    Node.Memory sum = new Node.Memory(0, 0, 0);
    for (int i = 0; i < WINDOW; i++) {
      sum = sum.plus(node.memory());
      LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
    }
    return new Node.Memory(sum.resident() / WINDOW, sum.anonymous() / WINDOW, sum.files() / WINDOW);
  }
}
