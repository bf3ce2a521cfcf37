// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The packets of Node Discovery v5.1 (devp2p discv5-wire.md, "Packet Encoding"): {@code
 * masking-iv(16) || masked header || encrypted message}.
 *
 * <p>Threading: any thread.
 */
final class V5Codec {
  /** Shortest packet in bytes: a WHOAREYOU packet. */
  static final int MIN_BYTES = 63;

  static final int MAX_BYTES = 1280;
  static final int NONCE_BYTES = 12;
  static final int ID_NONCE_BYTES = 16;
  static final int IV_BYTES = 16;

  private static final byte[] PROTOCOL = {'d', 'i', 's', 'c', 'v', '5', 0, 1};
  private static final int FLAG_OFFSET = PROTOCOL.length;
  private static final int STATIC_BYTES = PROTOCOL.length + 1 + NONCE_BYTES + 2;

  private static final int WHOAREYOU_BYTES = ID_NONCE_BYTES + Long.BYTES;
  private static final int SIGNATURE_BYTES = 64;
  private static final int EPHEMERAL_KEY_BYTES = 33;
  private static final int HANDSHAKE_HEAD_BYTES = Hash.SIZE + 2;
  private static final int HANDSHAKE_BYTES =
      HANDSHAKE_HEAD_BYTES + SIGNATURE_BYTES + EPHEMERAL_KEY_BYTES;

  private V5Codec() {}

  /** The section {@code authdata} of a header, by the kind of the packet. */
  sealed interface AuthData {
    /** Returns the number of the kind. */
    int flag();

    /** Returns the encoding. */
    byte[] encode();
  }

  /**
   * Of a message that the keys of a session encrypt.
   *
   * @param sender its node id, not verified
   */
  record MessageAuth(Hash sender) implements AuthData {
    @Override
    public int flag() {
      return 0;
    }

    @Override
    public byte[] encode() {
      return sender.toArray();
    }
  }

  /**
   * Of WHOAREYOU: a challenge to start a handshake. The nonce of its header is the one of the
   * packet that could not be decrypted.
   *
   * @param idNonce 16 random bytes
   * @param recordSeq number of the record that the challenger has of the recipient; 0 when it has
   *     none
   */
  record WhoAreYouAuth(Bytes idNonce, long recordSeq) implements AuthData {
    @Override
    public int flag() {
      return 1;
    }

    @Override
    public byte[] encode() {
      return ByteBuffer.allocate(WHOAREYOU_BYTES)
          .put(idNonce.unsafeArray())
          .putLong(recordSeq)
          .array();
    }
  }

  /**
   * Of a message that completes a handshake.
   *
   * @param sender its node id, not verified
   * @param signature 64 bytes
   * @param ephemeralKey compressed, 33 bytes
   * @param record of the sender, not verified; empty when the challenger has it
   */
  record HandshakeAuth(Hash sender, Bytes signature, Bytes ephemeralKey, Bytes record)
      implements AuthData {
    @Override
    public int flag() {
      return 2;
    }

    @Override
    public byte[] encode() {
      return ByteBuffer.allocate(HANDSHAKE_BYTES + record.size())
          .put(sender.unsafeArray())
          .put((byte) SIGNATURE_BYTES)
          .put((byte) EPHEMERAL_KEY_BYTES)
          .put(signature.unsafeArray())
          .put(ephemeralKey.unsafeArray())
          .put(record.unsafeArray())
          .array();
    }
  }

  /**
   * A received packet with its header decoded.
   *
   * @param headerData masking-iv and header without mask: authenticated with the message, and the
   *     challenge data when the packet is WHOAREYOU
   * @param nonce 12 bytes
   * @param message encrypted; empty for WHOAREYOU
   */
  record Received(AuthData auth, Bytes nonce, byte[] headerData, byte[] message) {
    @Override
    public String toString() {
      return auth.getClass().getSimpleName();
    }
  }

  /**
   * The start of a packet to send; the message is appended.
   *
   * @param masked bytes of the packet
   * @param data as of {@link Received#headerData}
   */
  record Header(byte[] masked, byte[] data) {
    /** Returns the packet with an encrypted message. */
    byte[] with(byte[] message) {
      byte[] packet = Arrays.copyOf(masked, masked.length + message.length);
      System.arraycopy(message, 0, packet, masked.length, message.length);
      return packet;
    }
  }

  /**
   * Decodes the header of a packet.
   *
   * @param self id of the local node
   * @throws MalformedPacketException when the packet is not of this protocol or malformed
   */
  static Received decode(Hash self, byte[] packet) throws MalformedPacketException {
    if (packet.length < MIN_BYTES || packet.length > MAX_BYTES) {
      throw new MalformedPacketException("a packet of " + packet.length + " bytes");
    }
    byte[] iv = Arrays.copyOf(packet, IV_BYTES);
    byte[] plain = V5Crypto.mask(self, iv, packet, IV_BYTES, packet.length);
    if (!Arrays.equals(plain, 0, PROTOCOL.length, PROTOCOL, 0, PROTOCOL.length)) {
      throw new MalformedPacketException("neither of version 4 nor of version 5.1");
    }
    ByteBuffer header = ByteBuffer.wrap(plain, FLAG_OFFSET, STATIC_BYTES - FLAG_OFFSET);
    int flag = header.get();
    byte[] nonce = new byte[NONCE_BYTES];
    header.get(nonce);
    int authBytes = header.getShort() & 0xffff;
    if (authBytes > plain.length - STATIC_BYTES) {
      throw new MalformedPacketException("authdata of " + authBytes + " bytes is cut off");
    }
    int headerBytes = STATIC_BYTES + authBytes;
    AuthData auth = decodeAuth(flag, Arrays.copyOfRange(plain, STATIC_BYTES, headerBytes));
    byte[] headerData = Arrays.copyOf(iv, IV_BYTES + headerBytes);
    System.arraycopy(plain, 0, headerData, IV_BYTES, headerBytes);
    byte[] message = Arrays.copyOfRange(packet, IV_BYTES + headerBytes, packet.length);
    if (auth instanceof WhoAreYouAuth != (message.length == 0)) {
      throw new MalformedPacketException("a message of " + message.length + " bytes");
    }
    return new Received(auth, Bytes.wrap(nonce), headerData, message);
  }

  private static AuthData decodeAuth(int flag, byte[] data) throws MalformedPacketException {
    ByteBuffer in = ByteBuffer.wrap(data);
    switch (flag) {
      case 0 -> {
        requireSize(data.length == Hash.SIZE, data);
        return new MessageAuth(Hash.wrap(data));
      }
      case 1 -> {
        requireSize(data.length == WHOAREYOU_BYTES, data);
        return new WhoAreYouAuth(next(in, ID_NONCE_BYTES), in.getLong());
      }
      case 2 -> {
        int maxBytes = HANDSHAKE_BYTES + NodeRecord.MAX_BYTES;
        requireSize(data.length >= HANDSHAKE_BYTES && data.length <= maxBytes, data);
        Hash sender = Hash.wrap(next(in, Hash.SIZE).unsafeArray());
        if (in.get() != SIGNATURE_BYTES || in.get() != EPHEMERAL_KEY_BYTES) {
          throw new MalformedPacketException("a handshake of another identity scheme than v4");
        }
        return new HandshakeAuth(
            sender,
            next(in, SIGNATURE_BYTES),
            next(in, EPHEMERAL_KEY_BYTES),
            next(in, in.remaining()));
      }
      default -> throw new MalformedPacketException("unknown packet kind");
    }
  }

  private static void requireSize(boolean right, byte[] data) throws MalformedPacketException {
    if (!right) {
      throw new MalformedPacketException("authdata of " + data.length + " bytes");
    }
  }

  private static Bytes next(ByteBuffer in, int length) {
    byte[] out = new byte[length];
    in.get(out);
    return Bytes.wrap(out);
  }

  /**
   * Encodes a header.
   *
   * @param recipient id of the node to which the packet goes
   * @param iv 16 random bytes
   * @param nonce 12 bytes
   */
  static Header header(Hash recipient, byte[] iv, Bytes nonce, AuthData auth) {
    byte[] authData = auth.encode();
    byte[] data =
        ByteBuffer.allocate(IV_BYTES + STATIC_BYTES + authData.length)
            .put(iv)
            .put(PROTOCOL)
            .put((byte) auth.flag())
            .put(nonce.unsafeArray())
            .putShort((short) authData.length)
            .put(authData)
            .array();
    byte[] masked = Arrays.copyOf(iv, data.length);
    byte[] header = V5Crypto.mask(recipient, iv, data, IV_BYTES, data.length);
    System.arraycopy(header, 0, masked, IV_BYTES, header.length);
    return new Header(masked, data);
  }
}
