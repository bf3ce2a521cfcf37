// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeployedFilesTest {
  @TempDir Path folder;

  private String fault(String name, byte[] content) throws IOException {
    Path file = Files.write(folder.resolve(name), content);
    return DeployedFiles.fault(file.toFile());
  }

  @Test
  void filesThatAreBrokenAreNamed() throws IOException {
    Path whole = folder.resolve("whole.jar");
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(whole))) {
      out.putNextEntry(new JarEntry("a"));
      out.write(new byte[5_000]);
    }
    byte[] jar = Files.readAllBytes(whole);
    assertThat(DeployedFiles.fault(whole.toFile())).isNull();
    byte[] cut = java.util.Arrays.copyOf(jar, jar.length - 30);
    assertThat(fault("cut.jar", cut)).contains("not a whole archive");
    assertThat(fault("text.KAR", "text".getBytes())).contains("not a whole archive");
    assertThat(fault("empty.jar", new byte[0])).contains("not a whole archive");

    assertThat(fault("cut.xml", "<features><feature".getBytes())).contains("not well-formed");
    assertThat(fault("none.xml", new byte[0])).contains("not well-formed");
    String external = "<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/a.dtd\"><a>&lt;</a>";
    assertThat(fault("whole.xml", external.getBytes())).isNull();
  }

  @Test
  void filesOfOtherKindsAreNotLookedAt() throws IOException {
    assertThat(fault("a.cfg", "<".getBytes())).isNull();
    Files.createDirectory(folder.resolve("exploded.jar"));
    assertThat(DeployedFiles.fault(folder.resolve("exploded.jar").toFile())).isNull();
    assertThat(DeployedFiles.fault(folder.resolve("nosuch").toFile())).isNull();
  }

  /** Another installer may handle it, so that this one must not. */
  @Test
  void noFileIsHandled() throws IOException {
    Path file = Files.writeString(folder.resolve("a.jar"), "text");
    DeployedFiles files = new DeployedFiles();
    assertThat(files.canHandle(file.toFile())).isFalse();
    assertThat(files.canHandle(file.toFile())).isFalse();
  }
}
