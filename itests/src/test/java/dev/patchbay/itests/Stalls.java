// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Measures for how long the machine itself stands still while a test runs, whatever the node does:
 * how late a thread wakes up, and how long a small file takes to be forced to the disk. On a
 * machine that is shared both can take many times what is usual.
 */
final class Stalls implements AutoCloseable {
  private static final long TICK = TimeUnit.MILLISECONDS.toNanos(5);
  private static final long BETWEEN_WRITES = TimeUnit.MILLISECONDS.toNanos(50);

  private final AtomicLong latest = new AtomicLong();
  private final AtomicLong slowestDisk = new AtomicLong();
  private volatile boolean running = true;
  private final Thread clock = new Thread(this::tick, "stalls-clock");
  private final Thread disk;

  /** Starts; the file is written in {@code folder}. */
  Stalls(Path folder) {
    disk = new Thread(() -> write(folder.resolve("stalls")), "stalls-disk");
    clock.start();
    disk.start();
  }

  private void tick() {
    while (running) {
      long start = System.nanoTime();
      LockSupport.parkNanos(TICK);
      latest.accumulateAndGet(System.nanoTime() - start - TICK, Math::max);
    }
  }

  private void write(Path file) {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      ByteBuffer page = ByteBuffer.allocate(4096);
      while (running) {
        long start = System.nanoTime();
        channel.write(page.clear(), 0);
        channel.force(false);
        slowestDisk.accumulateAndGet(System.nanoTime() - start, Math::max);
        LockSupport.parkNanos(BETWEEN_WRITES);
      }
    } catch (IOException failure) {
      throw new IllegalStateException("cannot write to " + file, failure);
    }
  }

  /** Returns the longest time that a thread woke up too late, in nanoseconds. */
  long clockNanos() {
    return latest.get();
  }

  /** Returns the longest time that a page took to be forced to the disk, in nanoseconds. */
  long diskNanos() {
    return slowestDisk.get();
  }

  @Override
  public void close() throws InterruptedException {
    running = false;
    clock.join();
    disk.join();
  }
}
