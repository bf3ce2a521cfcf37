// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import dev.patchbay.binding.DurableFolders;
import dev.patchbay.crypto.KeyFile;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Bytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.SecureRandom;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The static private key of a node, and the file {@code p2p_key} that keeps it: 64 hexadecimal
 * digits. The key is the identity of the node, so a file that cannot be used is never replaced by a
 * new key. No method and no message shows the key.
 *
 * <p>Threading: any thread.
 */
public final class NodeKey {
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
    return new NodeKey(KeyFile.generate(random));
  }

  /**
   * Reads the key of a file; creates the file, readable by its owner only, when there is none.
   *
   * @throws IOException when the file holds no key, or cannot be read or created; the message names
   *     the file, and what to do
   */
  public static NodeKey loadOrCreate(Path file, SecureRandom random) throws IOException {
    synchronized (KeyFile.class) { // another network may use the key, too
      return loadOrCreateAlone(file, random);
    }
  }

  private static NodeKey loadOrCreateAlone(Path file, SecureRandom random) throws IOException {
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      NodeKey created = random(random);
      created.write(file);
      return created;
    }
    try {
      return new NodeKey(KeyFile.read(file));
    } catch (IOException unusable) {
      throw new IOException(
          "the node key cannot be used ("
              + unusable
              + "): check the permissions of the file and restore it, or remove it to give the node"
              + " a new identity");
    }
  }

  /** A power cut leaves either no key or this key. */
  private void write(Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    try {
      if (folder != null) {
        DurableFolders.create(folder);
      }
      KeyFile.write(file, secret);
      if (folder != null) {
        DurableFolders.sync(folder);
      }
    } catch (IOException failure) {
      throw new IOException(
          "the node key " + file + " cannot be created (" + failure + "): check its folder",
          failure);
    }
  }

  /** Returns the public key. */
  public NodeId id() {
    return id;
  }

  /** Returns a copy of the number itself, 32 bytes, for node discovery, which signs with it too. */
  public byte[] copySecret() {
    return secret.clone();
  }

  /**
   * Returns a warning when others than the owner may read a key file; null when they may not, or
   * the file system does not tell.
   */
  public static @Nullable String exposure(Path file) {
    try {
      Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
      if (permissions.contains(PosixFilePermission.GROUP_READ)
          || permissions.contains(PosixFilePermission.OTHERS_READ)) {
        return "other users can read the node key: chmod 600 " + file;
      }
    } catch (IOException | UnsupportedOperationException unknown) {
      return null;
    }
    return null;
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
