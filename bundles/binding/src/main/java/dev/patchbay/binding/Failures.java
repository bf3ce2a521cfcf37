// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The failures of work that repeats: the step of a thread, the tasks of an executor, the calls of a
 * listener. Takes any {@link Throwable}, also an {@link Error}: out of memory, stack overflow, a
 * class of a bundle that is being exchanged, an assertion.
 *
 * <p>A failure is logged when it is new. While it repeats without a success it is logged again each
 * hour, and after a success at most once a minute. Failures whose texts differ in numbers only are
 * the same one: the bytes that a disk has left, a block, a random number in a path. Only text is
 * kept: no class loader is reachable from an instance.
 *
 * <p>Threading: any thread. No method throws.
 */
public final class Failures {
  /** A failure that lasts is logged this often. */
  private static final long LASTING_LOG_NANOS = 3_600_000_000_000L;

  /** A failure that comes and goes is logged this often, as is the success. */
  private static final long LOG_NANOS = 60_000_000_000L;

  /**
   * What differs between two texts of the same failure: numbers, also hexadecimal ones in names.
   */
  private static final Pattern NUMBER =
      Pattern.compile("[0-9a-fA-F]{8,}|[0-9a-fA-F]*[0-9][0-9a-fA-F]*");

  private static final String SUCCESS = "succeeds again";

  private static final int MAX_KNOWN = 16;
  private static final int MAX_TEXT = 500;

  private final String name;
  private final BiConsumer<String, Throwable> warn;
  private final Consumer<String> info;
  private final LongSupplier nanoTime;

  /** When each text without its numbers was logged; guarded by this. */
  private final Map<String, Logged> logged = new LinkedHashMap<>();

  /** How often a success has followed a failure; guarded by this. */
  private long recoveries;

  private volatile @Nullable String latest;

  private record Logged(long nanos, long recoveries) {}

  /** Work that may fail. */
  public interface Work {
    /**
     * Does the work.
     *
     * @throws Exception when it fails
     */
    void run() throws Exception;
  }

  /**
   * Creates an empty record.
   *
   * @param name what fails, as the subject of a sentence in a message
   * @param warn logs a message and a failure
   * @param info logs that the work succeeds again
   */
  public Failures(String name, BiConsumer<String, Throwable> warn, Consumer<String> info) {
    this(name, warn, info, System::nanoTime);
  }

  Failures(
      String name,
      BiConsumer<String, Throwable> warn,
      Consumer<String> info,
      LongSupplier nanoTime) {
    this.name = name;
    this.warn = warn;
    this.info = info;
    this.nanoTime = nanoTime;
  }

  /** Runs work and records the outcome; returns whether the work succeeded. */
  public boolean run(Work work) {
    try {
      work.run();
    } catch (Throwable failure) { // the thread belongs to the caller, who goes on
      failed(failure);
      return false;
    }
    succeeded();
    return true;
  }

  /** Records a failure. */
  public void failed(Throwable failure) {
    if (failure instanceof InterruptedException) {
      Thread.currentThread().interrupt();
    }
    try {
      String text = text(failure);
      latest = text;
      if (isToBeLogged(text)) {
        warn.accept(name + " failed: " + text, failure);
      }
    } catch (Throwable again) { // no memory for a text, or a logger that fails
      latest = latest == null ? "an error without a message" : latest;
    }
  }

  /** Records a success: {@link #latest} is null from now on. Logged at most once a minute. */
  public void succeeded() {
    if (latest == null) {
      return;
    }
    latest = null;
    try {
      if (isToBeLogged(SUCCESS)) {
        info.accept(name + " " + SUCCESS);
      }
    } catch (Throwable unlogged) {
      // the success counts
    }
  }

  /** Returns the latest failure as one line; null when the latest work succeeded. */
  public @Nullable String latest() {
    return latest;
  }

  private synchronized boolean isToBeLogged(String text) {
    if (text.equals(SUCCESS)) {
      recoveries++;
    }
    String key = NUMBER.matcher(text).replaceAll("#");
    long now = nanoTime.getAsLong();
    Logged before = logged.get(key);
    if (before != null) {
      boolean lasts = before.recoveries == recoveries;
      if (now - before.nanos < (lasts ? LASTING_LOG_NANOS : LOG_NANOS)) {
        return false;
      }
    }
    logged.remove(key);
    logged.put(key, new Logged(now, recoveries));
    if (logged.size() > MAX_KNOWN) {
      logged.remove(logged.keySet().iterator().next());
    }
    return true;
  }

  /** Returns the class and the message of a failure as one line. */
  private static String text(Throwable failure) {
    String type = failure.getClass().getSimpleName();
    String message;
    try {
      message = failure.getMessage();
    } catch (RuntimeException broken) {
      message = null;
    }
    String text = message == null ? type : type + ": " + message;
    String line = text.replace('\n', ' ').replace('\r', ' ');
    return line.length() > MAX_TEXT ? line.substring(0, MAX_TEXT) + "…" : line;
  }
}
