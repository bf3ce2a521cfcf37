// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.execution;

import dev.patchbay.primitives.Hash;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;

/** The commitment to the requests of a block (EIP-7685). Threading: stateless. */
public final class Requests {
  private Requests() {}

  /**
   * Returns the hash that the header holds; each request starts with its type byte and is not
   * empty.
   */
  public static Hash hash(List<byte[]> requests) {
    try {
      MessageDigest outer = MessageDigest.getInstance("SHA-256");
      for (byte[] request : requests) {
        outer.update(MessageDigest.getInstance("SHA-256").digest(request));
      }
      return Hash.wrap(outer.digest());
    } catch (NoSuchAlgorithmException absent) {
      throw new IllegalStateException("every Java platform has SHA-256", absent);
    }
  }
}
