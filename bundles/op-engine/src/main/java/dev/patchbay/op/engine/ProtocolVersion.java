// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.op.engine;

import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.rpc.codec.Params;
import java.nio.ByteBuffer;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A version of the superchain's protocol: a type byte, 7 bytes reserved, 8 of a build, then major,
 * minor, patch and pre-release of 4 bytes each (OP Stack specification, superchain upgrades).
 */
final class ProtocolVersion {
  private static final Logger LOG = LoggerFactory.getLogger(ProtocolVersion.class);

  /** What op-geth 1.101702 says, which knows the same forks. */
  private static final Hash OWN = Hash.wrap(ByteBuffer.allocate(32).putInt(16, 9).array());

  private ProtocolVersion() {}

  /** Answers {@code engine_signalSuperchainV1}: an operator is told of a version that is ahead. */
  static Object signalled(Params params) throws RpcError {
    Map<String, @Nullable Object> signal = Params.object("superchain signal", params.optional(0));
    Hash required = Params.hash("required", signal.get("required"));
    Hash recommended = Params.hash("recommended", signal.get("recommended"));
    if (isAhead(required)) {
      LOG.error("the superchain requires {}, this node is {}", text(required), text(OWN));
    } else if (isAhead(recommended)) {
      LOG.warn("the superchain recommends {}, this node is {}", text(recommended), text(OWN));
    }
    return OWN.toString();
  }

  private static boolean isAhead(Hash version) {
    byte[] bytes = version.toArray();
    if (bytes[0] != 0) {
      return true; // of a type that is not known
    }
    ByteBuffer theirs = ByteBuffer.wrap(bytes);
    ByteBuffer ours = ByteBuffer.wrap(OWN.toArray());
    for (int at = 16; at < 28; at += 4) {
      int order = Integer.compareUnsigned(theirs.getInt(at), ours.getInt(at));
      if (order != 0) {
        return order > 0;
      }
    }
    return false;
  }

  private static String text(Hash version) {
    ByteBuffer in = ByteBuffer.wrap(version.toArray());
    return "protocol version "
        + Integer.toUnsignedString(in.getInt(16))
        + "."
        + Integer.toUnsignedString(in.getInt(20))
        + "."
        + Integer.toUnsignedString(in.getInt(24))
        + (in.get(0) == 0 ? "" : " of type " + Bytes.wrap(new byte[] {in.get(0)}));
  }
}
