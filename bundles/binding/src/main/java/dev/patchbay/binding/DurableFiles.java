// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * Creates and replaces files in one step. Threading: any thread, but only one at a time may replace
 * the same file.
 */
public final class DurableFiles {
  /** The end of the name of a temporary file: {@code choice.new} for {@code choice}. */
  public static final String TEMPORARY = ".new";

  private static final int BUFFER_BYTES = 1 << 16;

  private DurableFiles() {}

  /** The content of a file. */
  @FunctionalInterface
  public interface Content {
    /**
     * Writes the content.
     *
     * @param out a buffered stream; it must not be closed
     */
    void writeTo(OutputStream out) throws IOException;
  }

  /** Replaces a file as {@link #replace(Path, Content)} does. */
  public static void replace(Path file, byte[] content) throws IOException {
    replace(file, out -> out.write(content));
  }

  /**
   * Creates or replaces a file; its folder is created when it does not exist. The content, the name
   * of the file and the folder are on the disk on return.
   *
   * <p>The content is written to a temporary file in the same folder, with the name of the file and
   * {@value #TEMPORARY}. The temporary file is forced to the disk, then moved over the file, then
   * the folder is forced to the disk. Whatever happens, the file has either all of the old content
   * or all of the new one:
   *
   * <ul>
   *   <li>When writing fails, as on a full disk, the old file stays and the temporary file is
   *       deleted. The same holds when {@code content} throws, or the thread is interrupted.
   *   <li>When the process or the power fails before the move is on the disk, the old file stays. A
   *       temporary file may be left; the next replacement overwrites it.
   *   <li>When only forcing the folder fails, the file is new for all readers, but a power cut may
   *       bring the old one back.
   * </ul>
   *
   * <p>The new file has the permissions of a file that the process creates, not those of the old
   * one. For a secret see {@link #createSecret}.
   *
   * @throws IOException when the file cannot be replaced; the message names the path
   */
  public static void replace(Path file, Content content) throws IOException {
    write(file, content, false);
  }

  /**
   * Creates a file that only its owner may read and write, mode 0600 where the file system has
   * permissions. Its folder is created when it does not exist. As with {@link #replace(Path,
   * Content)}, the file is on the disk on return, and whatever happens it has all of the content or
   * does not exist.
   *
   * @throws FileAlreadyExistsException when the file exists
   * @throws IOException when the file cannot be created; the message names the path
   */
  public static void createSecret(Path file, byte[] content) throws IOException {
    if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new FileAlreadyExistsException(file.toString());
    }
    write(file, out -> out.write(content), true);
  }

  private static void write(Path file, Content content, boolean isSecret) throws IOException {
    Path absolute = file.toAbsolutePath();
    Path folder = absolute.getParent();
    if (folder == null) {
      throw new FileSystemException(file.toString(), null, "it is not a file");
    }
    Path temporary = absolute.resolveSibling(absolute.getFileName() + TEMPORARY);
    try {
      DurableFolders.create(folder);
      writeAndMove(
          content, isSecret ? openSecret(temporary) : open(temporary), temporary, absolute);
      DurableFolders.sync(folder);
    } catch (FileSystemException named) {
      throw named;
    } catch (IOException failure) {
      FileSystemException named =
          new FileSystemException(file.toString(), null, failure.getMessage());
      named.initCause(failure);
      throw named;
    }
  }

  private static FileChannel open(Path temporary) throws IOException {
    return FileChannel.open(
        temporary,
        StandardOpenOption.CREATE,
        StandardOpenOption.TRUNCATE_EXISTING,
        StandardOpenOption.WRITE);
  }

  private static FileChannel openSecret(Path temporary) throws IOException {
    Files.deleteIfExists(temporary); // its permissions may be others
    Set<StandardOpenOption> options =
        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    if (!temporary.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      return FileChannel.open(temporary, options);
    }
    return FileChannel.open(
        temporary,
        options,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
  }

  private static void writeAndMove(Content content, FileChannel channel, Path temporary, Path file)
      throws IOException {
    try {
      try (channel) {
        OutputStream out =
            new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER_BYTES);
        content.writeTo(out);
        out.flush();
        channel.force(true);
      }
      Files.move(
          temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException | RuntimeException | Error failure) {
      try {
        Files.deleteIfExists(temporary);
      } catch (IOException remains) {
        failure.addSuppressed(remains);
      }
      throw failure;
    }
  }
}
