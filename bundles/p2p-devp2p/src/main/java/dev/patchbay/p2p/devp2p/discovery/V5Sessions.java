// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of version 5, by node id and UDP endpoint. At most {@link #MAX_SESSIONS}, and {@link
 * #MAX_SESSIONS_PER_SUBNET} of a subnet; the one that was not used for the longest time is evicted,
 * and a new handshake replaces it.
 */
final class V5Sessions {
  static final int MAX_SESSIONS = 1_024;

  /** Sessions with the nodes of a subnet. */
  static final int MAX_SESSIONS_PER_SUBNET = 64;

  private final RandomGenerator random;
  private final SubnetBoundedMap<Key, Session> sessions =
      new SubnetBoundedMap<>(
          MAX_SESSIONS, MAX_SESSIONS_PER_SUBNET, key -> key.endpoint().getAddress());

  private record Key(Hash id, InetSocketAddress endpoint) {}

  /** The keys of a session from the view of this node. */
  final class Session {
    private final byte[] writeKey;
    private final byte[] readKey;
    private int sent;

    private Session(byte[] writeKey, byte[] readKey) {
      this.writeKey = writeKey;
      this.readKey = readKey;
    }

    byte[] writeKey() {
      return writeKey;
    }

    byte[] readKey() {
      return readKey;
    }

    /** Returns a nonce of 12 bytes: a count, which makes it unique, and 8 random bytes. */
    Bytes nextNonce() {
      return Bytes.wrap(
          ByteBuffer.allocate(V5Codec.NONCE_BYTES)
              .putInt(sent++)
              .putLong(random.nextLong())
              .array());
    }
  }

  V5Sessions(RandomGenerator random) {
    this.random = random;
  }

  /** Returns the session with a node; null when there is none. */
  @Nullable Session get(Hash id, InetSocketAddress endpoint) {
    Key key = new Key(id, endpoint);
    Session session = sessions.get(key);
    if (session != null) {
      sessions.put(key, session); // it was used
    }
    return session;
  }

  /**
   * Replaces the session with a node.
   *
   * @param writeKey 16 bytes: encrypts what this node sends
   * @param readKey 16 bytes: decrypts what the other node sends
   */
  Session put(Hash id, InetSocketAddress endpoint, byte[] writeKey, byte[] readKey) {
    Session session = new Session(writeKey, readKey);
    sessions.put(new Key(id, endpoint), session);
    return session;
  }

  /** Returns the number of sessions. */
  int size() {
    return sessions.size();
  }
}
