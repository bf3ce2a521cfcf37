// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.security.SecureRandom;
import java.util.Arrays;

/**
 * The encryption handshake (devp2p, rlpx.md, "Initial Handshake"; EIP-8 packets only). The
 * initiator sends {@code auth}, the recipient replies with {@code ack}; each packet is {@code size
 * || ecies(rlp || padding)} with a size of 2 bytes, big-endian.
 *
 * <p>Every invalid packet causes the same exception, so that a peer does not learn which check has
 * failed.
 *
 * <p>Threading: any thread.
 */
public final class Handshake {
  /** Greatest size of a packet, the two bytes of the size not counted. */
  public static final int MAX_PACKET_BYTES = 2048;

  /** Least size of a packet that can be decrypted. */
  public static final int MIN_PACKET_BYTES = Ecies.OVERHEAD_BYTES;

  /** Length of the size of a packet. */
  public static final int SIZE_BYTES = 2;

  private static final int NONCE_BYTES = 32;
  private static final int SIGNATURE_BYTES = 65;
  private static final int VERSION = 4;

  /** EIP-8: at least 100 bytes, a random number of them, so that packets have no typical size. */
  private static final int MIN_PADDING_BYTES = 100;

  private static final int PADDING_RANGE_BYTES = 100;

  private Handshake() {}

  /**
   * The random values of one side for one handshake.
   *
   * @param key the ephemeral key
   * @param nonce 32 bytes
   */
  record Ephemeral(NodeKey key, byte[] nonce) {
    static Ephemeral random(SecureRandom random) {
      NodeKey key = NodeKey.random(random);
      byte[] nonce = new byte[NONCE_BYTES];
      random.nextBytes(nonce);
      return new Ephemeral(key, nonce);
    }
  }

  /**
   * The result of the recipient.
   *
   * @param remote the static public key of the initiator
   * @param ack the packet to send
   */
  public record Accepted(NodeId remote, byte[] ack, Secrets secrets) {}

  /** Returns the exception for an invalid packet, the same one for each cause. */
  public static PeerBreachException invalid() {
    return new PeerBreachException(
        DisconnectReason.PROTOCOL_BREACH, "the encryption handshake is invalid");
  }

  /** The side that has dialed. Threading: one thread at a time. */
  public static final class Initiator {
    private final NodeKey key;
    private final Ephemeral own;
    private final byte[] auth;

    /**
     * Creates the first packet.
     *
     * @param key the key of this node
     * @param remote the node that was dialed
     */
    public Initiator(NodeKey key, NodeId remote, SecureRandom random) {
      this(key, remote, Ephemeral.random(random), random);
    }

    Initiator(NodeKey key, NodeId remote, Ephemeral own, SecureRandom random) {
      this.key = key;
      this.own = own;
      byte[] signed = Secrets.xor(sharedSecret(remote, key), own.nonce());
      Secp256k1.Signature signature = own.key().sign(signed);
      byte[] signatureBytes = Arrays.copyOf(signature.r(), SIGNATURE_BYTES);
      System.arraycopy(signature.s(), 0, signatureBytes, 32, 32);
      signatureBytes[64] = (byte) signature.yParity();
      byte[] body =
          new RlpWriter()
              .list(
                  list ->
                      list.bytes(signatureBytes)
                          .bytes(key.id().key())
                          .bytes(own.nonce())
                          .number(VERSION))
              .toArray();
      this.auth = seal(body, remote, random);
    }

    /** Returns the first packet, with its size. */
    public byte[] auth() {
      return auth.clone();
    }

    /**
     * Reads the second packet.
     *
     * @param ack the packet with its size
     * @throws PeerBreachException when it is invalid
     */
    public Secrets complete(byte[] ack) throws PeerBreachException {
      byte[] body = open(ack, key);
      try {
        RlpReader items = RlpReader.of(body).list();
        NodeId remoteEphemeral = new NodeId(Bytes.wrap(items.fixed(NodeId.BYTES)));
        byte[] remoteNonce = items.fixed(NONCE_BYTES);
        items.number(); // the version, which EIP-8 says to ignore
        byte[] shared = sharedSecret(remoteEphemeral, own.key());
        return Secrets.derive(shared, own.nonce(), remoteNonce, auth, ack, true);
      } catch (IllegalArgumentException malformed) { // also RlpException
        throw invalid();
      }
    }
  }

  /**
   * Reads the first packet as its recipient, and creates the second.
   *
   * @param key the key of this node
   * @param auth the packet with its size
   * @throws PeerBreachException when it is invalid
   */
  public static Accepted accept(NodeKey key, byte[] auth, SecureRandom random)
      throws PeerBreachException {
    return accept(key, auth, Ephemeral.random(random), random);
  }

  static Accepted accept(NodeKey key, byte[] auth, Ephemeral own, SecureRandom random)
      throws PeerBreachException {
    Auth read = Auth.read(open(auth, key), key);
    byte[] body =
        new RlpWriter()
            .list(list -> list.bytes(own.key().id().key()).bytes(own.nonce()).number(VERSION))
            .toArray();
    byte[] ack = seal(body, read.remote(), random);
    return new Accepted(read.remote(), ack, read.secrets(auth, ack, own));
  }

  /** The content of a first packet. */
  record Auth(NodeId remote, NodeId remoteEphemeral, byte[] nonce) {
    static Auth read(byte[] body, NodeKey key) throws PeerBreachException {
      try {
        RlpReader items = RlpReader.of(body).list();
        byte[] signature = items.fixed(SIGNATURE_BYTES);
        NodeId remote = new NodeId(Bytes.wrap(items.fixed(NodeId.BYTES)));
        byte[] nonce = items.fixed(NONCE_BYTES);
        items.number(); // the version, which EIP-8 says to ignore
        byte[] ephemeral =
            Secp256k1.recover(
                Secrets.xor(sharedSecret(remote, key), nonce),
                Arrays.copyOf(signature, 32),
                Arrays.copyOfRange(signature, 32, 64),
                signature[64]);
        if (ephemeral == null) {
          throw invalid();
        }
        return new Auth(remote, new NodeId(Bytes.wrap(ephemeral)), nonce);
      } catch (IllegalArgumentException malformed) { // also RlpException
        throw invalid();
      }
    }

    /** Derives the secrets of the recipient. */
    Secrets secrets(byte[] auth, byte[] ack, Ephemeral own) {
      byte[] shared = sharedSecret(remoteEphemeral, own.key());
      return Secrets.derive(shared, nonce, own.nonce(), auth, ack, false);
    }
  }

  /**
   * Checks the size of a packet before the packet is read.
   *
   * @param size the first two bytes as a number
   * @throws PeerBreachException when no valid packet has this size
   */
  public static void checkSize(int size) throws PeerBreachException {
    if (size < MIN_PACKET_BYTES || size > MAX_PACKET_BYTES) {
      throw invalid();
    }
  }

  /** Decrypts a packet; the result is an RLP item and padding. */
  static byte[] open(byte[] packet, NodeKey key) throws PeerBreachException {
    if (packet.length < SIZE_BYTES) {
      throw invalid();
    }
    byte[] size = Arrays.copyOf(packet, SIZE_BYTES);
    int bytes = (size[0] & 0xff) << 8 | size[1] & 0xff;
    checkSize(bytes);
    if (packet.length != SIZE_BYTES + bytes) {
      throw invalid();
    }
    byte[] text = Arrays.copyOfRange(packet, SIZE_BYTES, packet.length);
    byte[] body = Ecies.decrypt(key.secret(), text, size);
    if (body == null) {
      throw invalid();
    }
    return body;
  }

  private static byte[] seal(byte[] body, NodeId recipient, SecureRandom random) {
    int padding = MIN_PADDING_BYTES + random.nextInt(PADDING_RANGE_BYTES);
    byte[] padded = Arrays.copyOf(body, body.length + padding);
    int bytes = padded.length + Ecies.OVERHEAD_BYTES;
    byte[] size = {(byte) (bytes >>> 8), (byte) bytes};
    byte[] iv = new byte[Aes.BLOCK_BYTES];
    random.nextBytes(iv);
    byte[] ephemeral = NodeKey.random(random).secret();
    return Secrets.concat(size, Ecies.encrypt(recipient, padded, size, ephemeral, iv));
  }

  /** Returns the x coordinate of the point that two keys share, 32 bytes with leading zeros. */
  static byte[] sharedSecret(NodeId remote, NodeKey own) {
    byte[] point = Secp256k1.multiply(remote.key().unsafeArray(), own.secret());
    if (point == null) {
      throw new RlpException("a node id is a point of the curve");
    }
    return Arrays.copyOf(point, 32);
  }
}
