// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarInputStream;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;

/** Builds the bundles of third parties in {@code examples}. */
final class Examples {
  private static final Path ROOT = Node.ROOT.toAbsolutePath().normalize();

  /** Takes half of the time where little is compiled. */
  private static final Map<String, String> QUICK =
      Map.of("MAVEN_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC");

  /** The URLs of the examples that were built, by name; guarded by this class. */
  private static final Map<String, String> BUILT = new HashMap<>();

  private Examples() {}

  /**
   * Builds an example by its own pom, once; the contracts of this build stand in for a released
   * version. Returns the URL of its bundle.
   */
  static synchronized String build(String name) throws Exception {
    if (BUILT.isEmpty()) {
      installContracts(); // the same for all examples
    }
    if (!BUILT.containsKey(name)) {
      Path project = ROOT.resolve("examples").resolve(name);
      maven("-f", project.resolve("pom.xml").toString(), "package");
      BUILT.put(name, project.resolve("target/" + name + "-1.0.0.jar").toUri().toString());
    }
    return BUILT.get(name);
  }

  /**
   * Creates a copy of a bundle of the node, with another symbolic name and a higher ranking of its
   * services, as a third party may have built it. Returns its URL.
   */
  static String copyOf(String artifact, String symbolicName, Path folder) throws Exception {
    Path original;
    try (Stream<Path> files = Files.walk(ROOT.resolve("karaf-assembly/target/assembly"))) {
      original =
          files
              .filter(file -> file.getFileName().toString().matches(artifact + "-.*\\.jar"))
              .findFirst()
              .orElseThrow();
    }
    Path copy = folder.resolve(symbolicName + ".jar");
    try (JarInputStream in = new JarInputStream(Files.newInputStream(original))) {
      Manifest manifest = in.getManifest();
      manifest.getMainAttributes().putValue("Bundle-SymbolicName", symbolicName);
      try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(copy), manifest)) {
        for (JarEntry entry = in.getNextJarEntry(); entry != null; entry = in.getNextJarEntry()) {
          out.putNextEntry(new JarEntry(entry.getName()));
          byte[] content = in.readAllBytes();
          out.write(entry.getName().matches("OSGI-INF/[^/]*\\.xml") ? ranked(content) : content);
        }
      }
    }
    return copy.toUri().toString();
  }

  /** Returns the description of a component whose services have a higher ranking. */
  private static byte[] ranked(byte[] component) {
    String ranking = "<property name='service.ranking' type='Integer' value='100'/>";
    return new String(component, StandardCharsets.UTF_8)
        .replace("<service>", ranking + "<service>")
        .getBytes(StandardCharsets.UTF_8);
  }

  private static void installContracts() throws Exception {
    for (String pom :
        new String[] {
          "pom.xml", "bundles/crypto/pom.xml", "bundles/primitives/pom.xml", "bundles/api/pom.xml"
        }) {
      String name =
          pom.equals("pom.xml") ? "patchbay" : Path.of(pom).getParent().getFileName().toString();
      Path jar = ROOT.resolve(pom).resolveSibling("target/" + name + "-0.1.0-SNAPSHOT.jar");
      boolean packed = Files.exists(jar);
      maven(
          "org.apache.maven.plugins:maven-install-plugin:3.1.4:install-file",
          "-Dfile=" + (packed ? jar : ROOT.resolve(pom)),
          "-DpomFile=" + ROOT.resolve(pom),
          "-Dpackaging=" + (packed ? "jar" : "pom"));
    }
  }

  private static void maven(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("mvn", "-B", "-q", "-ntp"));
    command.addAll(List.of(arguments));
    assertThat(Journeys.run(ROOT, QUICK, command)).as(command.toString()).isZero();
  }
}
