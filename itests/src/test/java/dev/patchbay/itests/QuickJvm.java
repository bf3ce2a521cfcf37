// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Options of Java with which a node starts in half the time: without the optimising compiler, and
 * with an archive of classes (class data sharing), which its JVM maps instead of parsing and
 * verifying them. For journeys that are neither long nor about time, memory or exchanged classes.
 *
 * <p>Threading: any thread.
 */
final class QuickJvm {
  private static final String NO_OPTIMISING_COMPILER = "-XX:TieredStopAtLevel=1";

  /** The options; null until the archive has been made, once for all journeys. */
  private static @Nullable String options;

  private QuickJvm() {}

  /** Returns the environment of a launcher that starts such a JVM. */
  static Map<String, String> environment(String... more) throws Exception {
    List<String> all = new ArrayList<>(List.of(options()));
    all.addAll(List.of(more));
    return Map.of(Node.JAVA_OPTIONS, String.join(" ", all));
  }

  /** Returns the options; the first call runs a node that writes the archive when it stops. */
  static synchronized String options() throws Exception {
    String known = options;
    if (known == null) {
      known = NO_OPTIMISING_COMPILER + archive();
      options = known;
    }
    return known;
  }

  private static String archive() throws Exception {
    Path folder = Files.createTempDirectory("patchbay-classes");
    Path archive = folder.resolve("classes.jsa");
    folder.toFile().deleteOnExit(); // after the archive
    archive.toFile().deleteOnExit();
    Path data = folder.resolve("node");
    try (Node node = new Node(data)) {
      node.launch(
              Map.of(
                  Node.JAVA_OPTIONS,
                  NO_OPTIMISING_COMPILER + " -XX:ArchiveClassesAtExit=" + archive))
          .awaitStart();
    }
    org.assertj.core.util.Files.delete(data.toFile());
    if (!Files.exists(archive)) { // a JVM without class data sharing
      return "";
    }
    return " -XX:SharedArchiveFile=" + archive + " -Xlog:cds=off -Xlog:cds+dynamic=off";
  }
}
