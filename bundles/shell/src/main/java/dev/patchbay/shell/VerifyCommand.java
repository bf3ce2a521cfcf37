// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.ChainVerifier;
import dev.patchbay.api.chain.ChainVerifier.Problem;
import dev.patchbay.api.chain.ChainVerifier.Progress;
import dev.patchbay.api.chain.ChainVerifier.Report;
import java.io.PrintStream;
import java.util.concurrent.TimeUnit;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Verifies the store of the chain. */
@Service
@Command(
    scope = "chain",
    name = "verify",
    description =
        "Verifies the store of the chain: blocks, receipts, indexes, state, tries, change sets")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class VerifyCommand implements Action {
  private static final long REPORT_NANOS = TimeUnit.SECONDS.toNanos(1);

  @Option(
      name = "--unwind",
      description = "How many of the latest blocks are unwound in memory, default 16")
  private int unwind = 16;

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    if (unwind < 0) {
      throw new IllegalArgumentException("--unwind is a number of blocks, not " + unwind);
    }
    ChainVerifier verifier = new Services(context).require(ChainVerifier.class);
    long start = System.nanoTime();
    Report report = verifier.verify(unwind, new Lines(System.out), VerifyCommand::isCancelled);
    print(report, (System.nanoTime() - start) / 1e9, System.out);
    if (!report.isWhole()) {
      throw new IllegalStateException(advice(report.found()));
    }
    System.out.println("the store is whole");
    return null;
  }

  private static boolean isCancelled() {
    return Thread.currentThread().isInterrupted() || System.out.checkError();
  }

  static void print(Report report, double seconds, PrintStream out) {
    out.printf(
        "verified in %.1f s:%n"
            + "  %,d canonical blocks, %,d side blocks, %,d transactions%n"
            + "  %,d accounts, %,d slots, %,d codes, %,d trie nodes%n"
            + "  %,d change sets, %,d blocks unwound%n",
        seconds,
        report.blocks(),
        report.sideBlocks(),
        report.transactions(),
        report.accounts(),
        report.slots(),
        report.codes(),
        report.trieNodes(),
        report.changeSets(),
        report.unwound());
    for (Problem problem : report.problems()) {
      out.printf("damaged: %s %s: %s%n", problem.column(), problem.key(), problem.what());
    }
    long more = report.found() - report.problems().size();
    if (more > 0) {
      out.printf("and %,d more problems%n", more);
    }
  }

  static String advice(long problems) {
    return String.format(
        "the store is damaged: %,d %s. Nothing was changed. Stop the node, keep the data directory,"
            + " and do one of these: restore the data directory from a backup; or go on from an"
            + " older copy, where storage:list shows one; or import the chain into another"
            + " --datadir from a chain file of another node",
        problems, problems == 1 ? "problem" : "problems");
  }

  /** Prints a line each second, and one for each step. */
  private static final class Lines implements java.util.function.Consumer<Progress> {
    private final PrintStream out;
    private int step;
    private long began;
    private long reported;

    Lines(PrintStream out) {
      this.out = out;
    }

    @Override
    public void accept(Progress progress) {
      long now = System.nanoTime();
      if (progress.step() != step) {
        step = progress.step();
        began = now;
        reported = now;
        out.printf("step %d of %d: %s%n", step, progress.steps(), progress.name());
        out.flush();
      } else if (now - reported >= REPORT_NANOS) {
        reported = now;
        double left =
            (now - began) / 1e9 * (1 - progress.fraction()) / Math.max(1e-6, progress.fraction());
        out.printf(
            "%s: %d %%, %s left%n",
            progress.name(), (int) (100 * progress.fraction()), ChainImport.duration(left));
        out.flush();
      }
    }
  }
}
