// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.p2p.devp2p.MessageQueue.Message;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The order in which the messages of a peer are handled. */
class MessageQueueTest {
  private static final SharedProtocol PROTOCOL =
      SharedProtocol.match(
              List.of(new TestProtocol("test", 1, 100)),
              java.util.Set.of(new dev.patchbay.api.p2p.Capability("test", 1)))
          .get(0);

  private static final int FAILING = 99;

  private final Deque<Runnable> tasks = new ArrayDeque<>();
  private final List<String> calls = new ArrayList<>();
  private boolean writable = true;
  private final MessageQueue queue =
      new MessageQueue(tasks::add, new Recorder(calls), () -> writable, () -> calls.add("taken"));

  private record Recorder(List<String> calls) implements MessageQueue.Handler {
    @Override
    public void begin() {
      calls.add("begin");
    }

    @Override
    public void handle(Message message) {
      if (message.id() == FAILING) {
        throw new StackOverflowError("of the handler");
      }
      calls.add(Integer.toString(message.id()));
    }

    @Override
    public void end() {
      calls.add("end");
    }

    @Override
    public void failed(Throwable failure) {
      calls.add(failure.getMessage());
    }
  }

  private static Message message(int id) {
    return new Message(PROTOCOL, id, new byte[10], 1);
  }

  private void run() {
    while (!tasks.isEmpty()) {
      assertThat(tasks).hasSize(1);
      tasks.remove().run();
    }
  }

  @Test
  void messagesAreHandledInOrderBetweenBeginAndEnd() {
    queue.open();
    queue.add(message(1));
    queue.add(message(2));
    assertThat(queue.size()).isEqualTo(2);
    assertThat(queue.bytes()).isEqualTo(20);
    run();
    queue.close();
    queue.close();
    queue.add(message(3));
    run();
    assertThat(calls).containsExactly("begin", "taken", "1", "taken", "2", "end");
    assertThat(queue.bytes()).isZero();
  }

  @Test
  void aTaskHandlesOneMessage() {
    queue.open();
    queue.add(message(1));
    queue.add(message(2));
    tasks.remove().run();
    tasks.remove().run();
    assertThat(calls).containsExactly("begin", "taken", "1");
    assertThat(tasks).hasSize(1);
  }

  @Test
  void nothingIsHandledWhileThePeerDoesNotRead() {
    writable = false;
    queue.open();
    queue.add(message(1));
    run();
    assertThat(calls).containsExactly("begin");
    writable = true;
    queue.wake();
    run();
    assertThat(calls).containsExactly("begin", "taken", "1");
  }

  @Test
  void messagesThatWaitAreDroppedAtTheEnd() {
    queue.open();
    queue.add(message(1));
    queue.close();
    run();
    assertThat(calls).containsExactly("end"); // it did not begin
  }

  @Test
  void anErrorOfTheHandlerIsReportedAndTheNextMessageIsHandled() {
    queue.open();
    queue.add(message(FAILING));
    queue.add(message(1));
    run();
    assertThat(calls).containsExactly("begin", "taken", "of the handler", "taken", "1");
  }

  @Test
  void theHandlerEndsAlsoWhenTheExecutorHasEnded() {
    List<String> others = new ArrayList<>();
    MessageQueue rejected =
        new MessageQueue(
            task -> {
              throw new RejectedExecutionException();
            },
            new Recorder(others),
            () -> true,
            () -> {});
    rejected.open();
    rejected.close();
    assertThat(others).containsExactly("begin", "end");
  }

  @Test
  void oneThreadAtATimeHandlesMessagesOfManyThreads() throws InterruptedException {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    AtomicInteger inside = new AtomicInteger();
    List<Integer> handled = Collections.synchronizedList(new ArrayList<>());
    List<String> overlaps = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch ended = new CountDownLatch(1);
    CountDownLatch all = new CountDownLatch(1_000);
    MessageQueue shared =
        new MessageQueue(
            pool,
            new MessageQueue.Handler() {
              @Override
              public void begin() {}

              @Override
              public void handle(Message message) {
                if (inside.incrementAndGet() != 1) {
                  overlaps.add("overlap");
                }
                handled.add(message.id());
                inside.decrementAndGet();
                all.countDown();
              }

              @Override
              public void end() {
                ended.countDown();
              }

              @Override
              public void failed(Throwable failure) {
                overlaps.add(failure.toString());
              }
            },
            () -> true,
            () -> {});
    try {
      shared.open();
      IntStream.range(0, 1_000).forEach(id -> shared.add(message(id)));
      assertThat(all.await(60, TimeUnit.SECONDS)).isTrue();
      shared.close();
      assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
    } finally {
      pool.shutdownNow();
    }
    assertThat(overlaps).isEmpty();
    assertThat(handled).containsExactlyElementsOf(IntStream.range(0, 1_000).boxed().toList());
  }
}
