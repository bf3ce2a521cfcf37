// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.primitives.Block;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.zip.GZIPOutputStream;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Exports canonical blocks. */
@Service
@Command(
    scope = "chain",
    name = "export",
    description =
        "Writes the canonical blocks to a file, one RLP item each; gzip when its name ends in .gz")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class ExportCommand implements Action {
  private static final long REPORT_NANOS = 1_000_000_000L;

  @Argument(name = "FILE", description = "Absolute path of the file to write", required = true)
  private String file;

  @Option(name = "--first", description = "First block number")
  private long first;

  @Option(name = "--last", description = "Last block number; the head when it is left out")
  private long last = -1;

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() throws Exception {
    ChainReader chain = new Services(context).require(ChainReader.class);
    long head = chain.head().number();
    long end = last < 0 ? head : last;
    if (first < 0 || first > end || end > head) {
      throw new IllegalArgumentException(
          "blocks " + first + " to " + end + " are not there; the head is " + head);
    }
    long oldest = chain.retention().oldestBlock();
    if (end > 0 && Math.max(1, first) < oldest) {
      throw new IllegalArgumentException(
          "blocks "
              + first
              + " to "
              + end
              + " cannot be exported: those before block "
              + oldest
              + " have been pruned. The first block that can be exported is "
              + oldest
              + ": give --first "
              + oldest);
    }
    Path target = Path.of(file);
    Path part = target.resolveSibling(target.getFileName() + ".part");
    long start = System.nanoTime();
    try (OutputStream out = open(part)) {
      long reported = start;
      for (long number = first; number <= end; number++) {
        Block block = chain.block(number);
        if (block == null) {
          throw new IOException(
              "block " + number + " has gone: the chain was reorganized; try again");
        }
        out.write(block.encode());
        if (System.nanoTime() - reported > REPORT_NANOS) {
          reported = System.nanoTime();
          System.out.printf("block %,d of %,d%n", number, end);
        }
      }
    }
    Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
    System.out.printf(
        "exported blocks %,d to %,d, %,d bytes in %.1f s%n",
        first, end, Files.size(target), (System.nanoTime() - start) / 1e9);
    return null;
  }

  private OutputStream open(Path part) throws IOException {
    OutputStream out =
        new BufferedOutputStream(
            Files.newOutputStream(
                part, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING),
            1 << 16);
    return file.endsWith(".gz") ? new GZIPOutputStream(out, 1 << 16) : out;
  }
}
