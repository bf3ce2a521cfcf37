// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import org.jspecify.annotations.Nullable;

/** Message numbers and payloads of the base protocol (devp2p, rlpx.md, "p2p Capability"). */
final class BaseMessages {
  static final int HELLO = 0x00;
  static final int DISCONNECT = 0x01;
  static final int PING = 0x02;
  static final int PONG = 0x03;

  /** Message numbers below are those of the base protocol. */
  static final int COUNT = 0x10;

  /** Greatest payload of a base message, in bytes. */
  static final int MAX_BYTES = 2048;

  private static final byte EMPTY_LIST = (byte) 0xc0;

  private BaseMessages() {}

  /** Returns the payload of Ping and Pong. */
  static byte[] empty() {
    return new byte[] {EMPTY_LIST};
  }

  /** Returns the payload of Disconnect. */
  static byte[] disconnect(DisconnectReason reason) {
    return new RlpWriter().list(list -> list.number(reason.code())).toArray();
  }

  /**
   * Reads the payload of Disconnect: a list with a number, a number without a list, or an empty
   * list, as clients send them.
   *
   * @return the number; null when there is none
   */
  static @Nullable Integer disconnectCode(byte[] payload) {
    try {
      RlpReader items = RlpReader.of(payload);
      if (items.nextIsList()) {
        items = items.list();
      }
      if (!items.hasNext()) {
        return DisconnectReason.REQUESTED.code();
      }
      byte[] code = items.byteArray(); // also 0x00, which is not a canonical number
      if (code.length > 1) {
        return null;
      }
      return code.length == 0 ? 0 : code[0] & 0xff;
    } catch (RlpException malformed) {
      return null;
    }
  }

  /**
   * Puts a message number before a payload: the data of a frame.
   *
   * @param id at least 0
   */
  static byte[] frame(int id, byte[] payload) {
    int idBytes = id < 0x80 ? 1 : id < 0x100 ? 2 : id < 0x10000 ? 3 : 5;
    return new RlpWriter(idBytes + payload.length).number(id).raw(payload).toArray();
  }
}
