// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import dev.patchbay.crypto.Keccak;

/**
 * The secrets of a connection after its handshake (devp2p, rlpx.md, "Initial Handshake"). To be
 * used by one {@link FrameReader} and one {@link FrameWriter}.
 *
 * @param aes key of both key streams, 32 bytes
 * @param mac key of the frame MACs, 32 bytes
 * @param egress hash over all that this side sends
 * @param ingress hash over all that the other side sends
 */
public record Secrets(byte[] aes, byte[] mac, RunningHash egress, RunningHash ingress) {
  /**
   * Derives them.
   *
   * @param ephemeralShared x coordinate of the point that both ephemeral keys share, 32 bytes
   * @param auth the complete first packet, with its size
   * @param ack the complete second packet, with its size
   */
  static Secrets derive(
      byte[] ephemeralShared,
      byte[] initiatorNonce,
      byte[] recipientNonce,
      byte[] auth,
      byte[] ack,
      boolean initiator) {
    byte[] nonces = Keccak.hash256(concat(recipientNonce, initiatorNonce));
    byte[] shared = Keccak.hash256(concat(ephemeralShared, nonces));
    byte[] aes = Keccak.hash256(concat(ephemeralShared, shared));
    byte[] mac = Keccak.hash256(concat(ephemeralShared, aes));
    RunningHash ofAuth = begin(xor(mac, recipientNonce), auth);
    RunningHash ofAck = begin(xor(mac, initiatorNonce), ack);
    return initiator ? new Secrets(aes, mac, ofAuth, ofAck) : new Secrets(aes, mac, ofAck, ofAuth);
  }

  private static RunningHash begin(byte[] seed, byte[] packet) {
    RunningHash hash = RunningHash.keccak256();
    hash.update(seed, 0, seed.length);
    hash.update(packet, 0, packet.length);
    return hash;
  }

  static byte[] concat(byte[] first, byte[] second) {
    byte[] out = java.util.Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, out, first.length, second.length);
    return out;
  }

  /** Returns the exclusive or of two arrays of the same length. */
  static byte[] xor(byte[] first, byte[] second) {
    byte[] out = first.clone();
    for (int i = 0; i < out.length; i++) {
      out[i] ^= second[i];
    }
    return out;
  }

  /** Returns no secret. */
  @Override
  public String toString() {
    return "Secrets";
  }
}
