// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DurableFilesTest {
  @TempDir Path folder;

  @Test
  void aFileIsCreatedWithItsFolders() throws IOException {
    Path file = folder.resolve("a/b/file");
    DurableFiles.replace(file, "first".getBytes(UTF_8));
    assertThat(file).hasContent("first");
    assertThat(file.getParent()).isDirectoryContaining("glob:**/file");
    assertOnlyFile(file);
  }

  @Test
  void theContentIsReplaced() throws IOException {
    Path file = folder.resolve("file");
    DurableFiles.replace(file, "a first, longer content".getBytes(UTF_8));
    DurableFiles.replace(file, "second".getBytes(UTF_8));
    assertThat(file).hasContent("second");
    assertOnlyFile(file);
  }

  @Test
  void contentLongerThanTheBufferIsWritten() throws IOException {
    Path file = folder.resolve("file");
    byte[] part = new byte[50_001];
    Arrays.fill(part, (byte) 7);
    DurableFiles.replace(
        file,
        out -> {
          for (int i = 0; i < 10; i++) {
            out.write(part);
            out.write(i);
          }
        });
    byte[] content = Files.readAllBytes(file);
    assertThat(content).hasSize(10 * 50_002);
    assertThat(content[50_001 + 50_002]).isEqualTo((byte) 1);
  }

  @Test
  void theOldFileIsThereUntilTheContentIsComplete() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");
    DurableFiles.replace(
        file,
        out -> {
          out.write("new".getBytes(UTF_8));
          out.flush();
          assertThat(file).hasContent("old");
          assertThat(folder.resolve("file.new")).hasContent("new");
        });
    assertThat(file).hasContent("new");
  }

  @Test
  void aLeftOverTemporaryFileIsOverwritten() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");
    Files.writeString(folder.resolve("file.new"), "a half-written content, longer than the next");
    DurableFiles.replace(file, "new".getBytes(UTF_8));
    assertThat(file).hasContent("new");
    assertOnlyFile(file);
  }

  @Test
  void contentThatFailsLeavesTheOldFileOnly() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");
    UncheckedIOException failure = new UncheckedIOException(new IOException("a bad source"));
    assertThatThrownBy(
            () ->
                DurableFiles.replace(
                    file,
                    out -> {
                      out.write(new byte[100_000]);
                      throw failure;
                    }))
        .isSameAs(failure);
    assertThat(file).hasContent("old");
    assertOnlyFile(file);
  }

  @Test
  void aFullDiskLeavesTheOldFileOnlyAndNamesThePath() throws IOException {
    Path full = Path.of("/dev/full");
    assumeThat(full).exists();
    Path file = Files.writeString(folder.resolve("file"), "old");
    Files.createSymbolicLink(folder.resolve("file.new"), full);
    assertThatThrownBy(() -> DurableFiles.replace(file, new byte[1]))
        .isInstanceOf(FileSystemException.class)
        .hasMessage(file + ": No space left on device")
        .hasCauseInstanceOf(IOException.class);
    assertThat(file).hasContent("old");
    assertOnlyFile(file);
  }

  @Test
  void aFolderAtThePathOfTheTemporaryFileIsNotDeleted() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");
    Path blocked = Files.createDirectory(folder.resolve("file.new"));
    assertThatThrownBy(() -> DurableFiles.replace(file, new byte[1]))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(blocked.toString());
    assertThat(file).hasContent("old");
    assertThat(blocked).isDirectory();
  }

  @Test
  void aFolderAtThePathOfTheFileIsAnError() throws IOException {
    Path file = Files.createDirectories(folder.resolve("file/full")).getParent();
    assertThatThrownBy(() -> DurableFiles.replace(file, new byte[1]))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file.toString());
    assertOnlyFile(file);
  }

  @Test
  void aFolderThatIsNotWritableIsAnErrorWithThePath() throws IOException {
    Path closed = Files.createDirectory(folder.resolve("closed"));
    Path file = Files.writeString(closed.resolve("file"), "old");
    Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("r-x------"));
    try {
      assumeThat(Files.isWritable(closed)).as("the user may write to all folders").isFalse();
      assertThatThrownBy(() -> DurableFiles.replace(file, new byte[1]))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(file.toString());
      assertThat(file).hasContent("old");
      assertOnlyFile(file);
    } finally {
      Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwx------"));
    }
  }

  @Test
  void aFileAtThePathOfTheFolderIsAnErrorWithThePath() throws IOException {
    Path notAFolder = Files.writeString(folder.resolve("p2p"), "a file");
    assertThatThrownBy(() -> DurableFiles.replace(notAFolder.resolve("bans"), new byte[1]))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(notAFolder.toString());
  }

  @Test
  void theRootOfTheFileSystemIsNoFile() {
    assertThatThrownBy(() -> DurableFiles.replace(Path.of("/"), new byte[1]))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("/: it is not a file");
  }

  @Test
  void anInterruptLeavesTheOldFileOnly() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");
    Thread.currentThread().interrupt();
    try {
      assertThatThrownBy(() -> DurableFiles.replace(file, new byte[1]))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(file.toString());
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThat(file).hasContent("old");
    assertOnlyFile(file);
  }

  @Test
  void aSecretIsReadableByItsOwnerOnly() throws IOException {
    Path file = folder.resolve("new/secret");
    DurableFiles.createSecret(file, "secret".getBytes(UTF_8));
    assertThat(file).hasContent("secret");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertOnlyFile(file);
    assertThatThrownBy(() -> DurableFiles.createSecret(file, new byte[1]))
        .isInstanceOf(FileAlreadyExistsException.class)
        .hasMessageContaining(file.toString());
    assertThat(file).hasContent("secret");
  }

  @Test
  void aLeftOverTemporaryFileDoesNotLendItsPermissionsToASecret() throws IOException {
    Path temporary = Files.writeString(folder.resolve("secret.new"), "half");
    Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rw-r--r--"));
    Path file = folder.resolve("secret");
    DurableFiles.createSecret(file, "secret".getBytes(UTF_8));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertOnlyFile(file);
  }

  @Test
  void aSecretThatCannotBeWrittenLeavesNoFile() throws IOException {
    Path file = folder.resolve("secret");
    Thread.currentThread().interrupt();
    try {
      assertThatThrownBy(() -> DurableFiles.createSecret(file, new byte[1]))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(file.toString());
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThat(folder).isEmptyDirectory();
  }

  private static void assertOnlyFile(Path file) throws IOException {
    assertThat(file.resolveSibling(file.getFileName() + DurableFiles.TEMPORARY)).doesNotExist();
    try (var files = Files.list(file.getParent())) {
      assertThat(files).containsExactly(file);
    }
  }
}
