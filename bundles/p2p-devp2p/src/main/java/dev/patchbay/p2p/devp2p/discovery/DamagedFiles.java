// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * Keeps files that cannot be read from being overwritten with what was read of them. Threading: any
 * thread.
 */
public final class DamagedFiles {
  /** The end of the name of a file that was moved aside: {@code bans.damaged} for {@code bans}. */
  public static final String SUFFIX = ".damaged";

  private DamagedFiles() {}

  /**
   * What was done with a file.
   *
   * @param moved whether a new file may be written at its path
   * @param text for the log, such as "it is kept as /data/p2p/bans.damaged"
   */
  public record Outcome(boolean moved, String text) {}

  /** Moves a file aside; one that was moved aside before is replaced. */
  public static Outcome moveAside(Path file) {
    Path copy = file.resolveSibling(file.getFileName() + SUFFIX);
    try {
      Files.move(file, copy, StandardCopyOption.REPLACE_EXISTING);
      return new Outcome(true, "it is kept as " + copy);
    } catch (IOException failure) {
      return new Outcome(
          false, "it cannot be moved (" + failure + "), and is not written until the next start");
    }
  }
}
