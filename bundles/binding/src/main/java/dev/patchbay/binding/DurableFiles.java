// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Replaces files in one step. Threading: any thread, but only one at a time may replace the same
 * file.
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
   * one. Do not use this method for a secret.
   *
   * @throws IOException when the file cannot be replaced; the message names the path
   */
  public static void replace(Path file, Content content) throws IOException {
    Path absolute = file.toAbsolutePath();
    Path folder = absolute.getParent();
    if (folder == null) {
      throw new FileSystemException(file.toString(), null, "it is not a file");
    }
    try {
      DurableFolders.create(folder);
      writeAndMove(content, absolute.resolveSibling(absolute.getFileName() + TEMPORARY), absolute);
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

  private static void writeAndMove(Content content, Path temporary, Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(
            temporary,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
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
