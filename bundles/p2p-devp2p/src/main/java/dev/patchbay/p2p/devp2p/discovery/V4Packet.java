// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.net.InetAddress;
import java.util.List;

/**
 * A packet of Node Discovery v4 (devp2p discv4.md, "Wire Protocol") without its header. Threading:
 * immutable.
 */
sealed interface V4Packet {
  /** The protocol version that a Ping carries; receivers ignore it. */
  int VERSION = 4;

  /** Returns the number that the header carries. */
  int type();

  /** An endpoint: an IP address, the port of discovery, and the port of RLPx or 0. */
  record Endpoint(InetAddress address, int udpPort, int tcpPort) {}

  /** A packet with an expiration. */
  sealed interface Expiring extends V4Packet {
    /** Returns when the packet expires, in seconds since the Unix epoch, signed. */
    long expiration();
  }

  /**
   * Asks for a {@link Pong}.
   *
   * @param from endpoint of the sender as it sees it; not trusted
   * @param to endpoint of the recipient as the sender sees it; not trusted
   * @param recordSeq sequence number of the sender's record (EIP-868); 0 when absent
   */
  record Ping(Endpoint from, Endpoint to, long expiration, long recordSeq) implements Expiring {
    static final int TYPE = 1;

    @Override
    public int type() {
      return TYPE;
    }
  }

  /**
   * The response to a {@link Ping}.
   *
   * @param to endpoint from which the ping came
   * @param pingHash hash of the ping's packet
   * @param recordSeq as of {@link Ping}
   */
  record Pong(Endpoint to, Hash pingHash, long expiration, long recordSeq) implements Expiring {
    static final int TYPE = 2;

    @Override
    public int type() {
      return TYPE;
    }
  }

  /**
   * Asks for the nodes that are closest to a target.
   *
   * @param target 64 bytes: a public key, which need not be a point of the curve
   */
  record FindNode(Bytes target, long expiration) implements Expiring {
    static final int TYPE = 3;

    @Override
    public int type() {
      return TYPE;
    }
  }

  /**
   * A part of the response to {@link FindNode}.
   *
   * @param nodes at most {@link #MAX_NODES}; addresses, ports and keys are not checked
   */
  record Neighbors(List<Node> nodes, long expiration) implements Expiring {
    static final int TYPE = 4;

    /** Greatest number of nodes that fit into a packet of 1280 bytes, with IPv6 addresses. */
    static final int MAX_NODES = 12;

    public Neighbors {
      nodes = List.copyOf(nodes);
    }

    @Override
    public int type() {
      return TYPE;
    }
  }

  /** Asks for the node record (EIP-868). */
  record EnrRequest(long expiration) implements Expiring {
    static final int TYPE = 5;

    @Override
    public int type() {
      return TYPE;
    }
  }

  /**
   * The response to {@link EnrRequest}; it has no expiration.
   *
   * @param requestHash hash of the request's packet
   * @param record encoding of the record, not verified
   */
  record EnrResponse(Hash requestHash, Bytes record) implements V4Packet {
    static final int TYPE = 6;

    @Override
    public int type() {
      return TYPE;
    }
  }
}
