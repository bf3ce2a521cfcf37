// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Set;

/**
 * A private key in a file: 64 hexadecimal digits, an optional {@code 0x} prefix and line end
 * tolerated, mode 0600.
 *
 * <p>A file that is there but malformed is refused, never replaced: a new key is a new identity.
 */
public final class KeyFile {
  private static final int MAX_BYTES = 128;

  private KeyFile() {}

  /**
   * Reads a key.
   *
   * @return 32 bytes, between 1 and the group order
   * @throws IOException when the file cannot be read or does not hold a key; the message names the
   *     file and never shows its content
   */
  public static byte[] read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException("key file " + file + " does not exist or is not a regular file");
    }
    if (Files.size(file) > MAX_BYTES) {
      throw new IOException("key file " + file + " must hold 64 hexadecimal digits; it is larger");
    }
    String text = Files.readString(file, StandardCharsets.ISO_8859_1).strip();
    if (text.startsWith("0x") || text.startsWith("0X")) {
      text = text.substring(2);
    }
    byte[] key;
    try {
      key = HexFormat.of().parseHex(text);
      Secp256k1.checkPrivateKey(key);
    } catch (IllegalArgumentException malformed) {
      throw new IOException(
          "key file " + file + " must hold 64 hexadecimal digits of a secp256k1 private key");
    }
    return key;
  }

  /**
   * Writes a key to a new file with mode 0600, atomically.
   *
   * @throws IOException when the file exists or cannot be written
   */
  public static void write(Path file, byte[] key) throws IOException {
    Secp256k1.checkPrivateKey(key);
    if (Files.exists(file)) {
      throw new IOException("key file " + file + " exists; it is not overwritten");
    }
    Path parent = file.toAbsolutePath().getParent();
    if (parent == null) {
      throw new IOException("key file " + file + " names a directory");
    }
    Files.createDirectories(parent);
    Path temporary = createPrivate(parent, file.getFileName() + ".new");
    Files.writeString(temporary, HexFormat.of().formatHex(key) + "\n", StandardCharsets.ISO_8859_1);
    try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
  }

  /**
   * Reads a key, or creates the file with a random one when there is none. All parts of a process
   * that use one file get one key; those that do more than this hold the lock of this class.
   *
   * @throws IOException as {@link #read} and {@link #write}
   */
  public static synchronized byte[] readOrCreate(Path file, SecureRandom random)
      throws IOException {
    if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return read(file);
    }
    byte[] key = generate(random);
    write(file, key);
    return key;
  }

  /** Makes a random key with {@code random}: 32 bytes between 1 and the group order. */
  public static byte[] generate(SecureRandom random) {
    byte[] key = new byte[32];
    while (true) {
      random.nextBytes(key);
      try {
        Secp256k1.checkPrivateKey(key);
        return key;
      } catch (IllegalArgumentException outOfRange) {
        // one in 2^128: draw again
      }
    }
  }

  private static Path createPrivate(Path parent, String name) throws IOException {
    Path path = parent.resolve(name);
    Files.deleteIfExists(path);
    if (FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
      Set<PosixFilePermission> owner = PosixFilePermissions.fromString("rw-------");
      return Files.createFile(path, PosixFilePermissions.asFileAttribute(owner));
    }
    return Files.createFile(path);
  }
}
