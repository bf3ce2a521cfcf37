// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import dev.patchbay.binding.DurableFolders;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Bytes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * The static private key of a node, and the file {@code p2p_key} that keeps it: 64 hexadecimal
 * digits. The key is the identity of the node, so a file that cannot be used is never replaced by a
 * new key. No method and no message shows the key.
 *
 * <p>Threading: any thread.
 */
public final class NodeKey {
  private static final int KEY_BYTES = 32;

  /** Longest file that can hold a key: a prefix, 64 digits, and some white space. */
  private static final int MAX_FILE_BYTES = 128;

  private final byte[] secret;
  private final NodeId id;

  private NodeKey(byte[] secret) {
    this.secret = secret;
    this.id = new NodeId(Bytes.wrap(Secp256k1.publicKey(secret)));
  }

  /**
   * Creates a key from its number.
   *
   * @param secret 32 bytes, between 1 and the group order - 1
   * @throws IllegalArgumentException when it is out of range; the message does not show it
   */
  public static NodeKey of(byte[] secret) {
    Secp256k1.checkPrivateKey(secret);
    return new NodeKey(secret.clone());
  }

  /** Creates a random key. */
  public static NodeKey random(SecureRandom random) {
    byte[] secret = new byte[KEY_BYTES];
    while (true) {
      random.nextBytes(secret);
      try {
        return of(secret);
      } catch (IllegalArgumentException outOfRange) { // once in 2^127
        continue;
      }
    }
  }

  /**
   * Reads the key of a file; creates the file, readable by its owner only, when there is none.
   *
   * @throws IOException when the file holds no key, or cannot be read or created; the message names
   *     the file, and what to do
   */
  public static NodeKey loadOrCreate(Path file, SecureRandom random) throws IOException {
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      NodeKey created = random(random);
      created.write(file);
      return created;
    }
    String text;
    try {
      text = read(file);
    } catch (IOException unreadable) {
      throw new IOException(
          "the node key " + file + " cannot be read (" + unreadable + "): check its permissions",
          unreadable);
    }
    String digits = text.startsWith("0x") || text.startsWith("0X") ? text.substring(2) : text;
    try {
      if (digits.length() != 2 * KEY_BYTES) {
        throw new IllegalArgumentException("a key has 64 hexadecimal digits");
      }
      return of(HexFormat.of().parseHex(digits));
    } catch (IllegalArgumentException malformed) { // its message may show digits
      throw new IOException(
          file
              + " holds no private key: 64 hexadecimal digits, between 1 and the group order."
              + " Restore the file, or remove it to give the node a new identity");
    }
  }

  private static String read(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return new String(in.readNBytes(MAX_FILE_BYTES), StandardCharsets.ISO_8859_1).strip();
    }
  }

  /** Writes to a second file first, so that a power cut leaves either no key or this key. */
  private void write(Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    Path temporary = file.resolveSibling(file.getFileName() + ".new");
    try {
      if (folder != null) {
        DurableFolders.create(folder);
      }
      Files.deleteIfExists(temporary);
      createPrivate(temporary);
      byte[] text = (HexFormat.of().formatHex(secret) + "\n").getBytes(StandardCharsets.US_ASCII);
      try (FileChannel out = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
        ByteBuffer left = ByteBuffer.wrap(text);
        while (left.hasRemaining()) {
          out.write(left);
        }
        out.force(true);
      }
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      if (folder != null) {
        DurableFolders.sync(folder);
      }
    } catch (IOException failure) {
      throw new IOException(
          "the node key " + file + " cannot be created (" + failure + "): check its folder",
          failure);
    }
  }

  private static void createPrivate(Path file) throws IOException {
    if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    } else {
      Files.createFile(file);
    }
  }

  /** Returns the public key. */
  public NodeId id() {
    return id;
  }

  /** Returns the number itself; the caller must not write to the array, nor keep it. */
  byte[] secret() {
    return secret;
  }

  /**
   * Signs a digest.
   *
   * @param digest 32 bytes
   */
  public Secp256k1.Signature sign(byte[] digest) {
    return Secp256k1.sign(digest, secret);
  }

  /** Returns the public key only. */
  @Override
  public String toString() {
    return "NodeKey of " + id;
  }
}
