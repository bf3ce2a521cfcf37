// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * A message of Node Discovery v5.1 (devp2p discv5-wire.md, "Protocol Messages"). Threading:
 * immutable.
 */
sealed interface V5Message {
  int MAX_REQUEST_ID_BYTES = 8;

  /** Most distances of a request: each one at most once. */
  int MAX_DISTANCES = Distance.MAX_LOG + 1;

  /** Returns the number of the type. */
  int type();

  /** Returns the id that the response repeats, at most 8 bytes. */
  Bytes requestId();

  /** A message that responds to another one. */
  sealed interface Response extends V5Message {}

  /** Asks for a {@link Pong}; {@code recordSeq} is the number of the sender's record. */
  record Ping(Bytes requestId, long recordSeq) implements V5Message {
    static final int TYPE = 1;

    @Override
    public int type() {
      return TYPE;
    }
  }

  /**
   * The response to {@link Ping}.
   *
   * @param recordSeq number of the sender's record
   * @param address source of the ping
   * @param port source of the ping
   */
  record Pong(Bytes requestId, long recordSeq, InetAddress address, int port) implements Response {
    static final int TYPE = 2;

    @Override
    public int type() {
      return TYPE;
    }
  }

  /**
   * Asks for the nodes at logarithmic distances from the recipient.
   *
   * @param distances 0 for the recipient itself, to 256
   */
  record FindNode(Bytes requestId, List<Integer> distances) implements V5Message {
    static final int TYPE = 3;

    public FindNode {
      distances = List.copyOf(distances);
    }

    @Override
    public int type() {
      return TYPE;
    }
  }

  /**
   * A part of the response to {@link FindNode}.
   *
   * @param total number of messages of the response
   * @param records encodings of records, not verified
   */
  record Nodes(Bytes requestId, int total, List<Bytes> records) implements Response {
    static final int TYPE = 4;

    public Nodes {
      records = List.copyOf(records);
    }

    @Override
    public int type() {
      return TYPE;
    }
  }

  /** A request of an application protocol. */
  record TalkRequest(Bytes requestId, Bytes protocol, Bytes request) implements V5Message {
    static final int TYPE = 5;

    @Override
    public int type() {
      return TYPE;
    }
  }

  /** The response to {@link TalkRequest}; empty when the protocol is not known. */
  record TalkResponse(Bytes requestId, Bytes response) implements Response {
    static final int TYPE = 6;

    @Override
    public int type() {
      return TYPE;
    }
  }

  // ---- encoding

  /**
   * Decodes a message.
   *
   * @throws MalformedPacketException when its type is unknown or its content malformed
   */
  static V5Message decode(byte[] plain) throws MalformedPacketException {
    if (plain.length == 0) {
      throw new MalformedPacketException("empty message");
    }
    try {
      RlpReader content = RlpReader.of(plain, 1).list();
      Bytes requestId = content.bytes();
      if (requestId.size() > MAX_REQUEST_ID_BYTES) {
        throw new MalformedPacketException("a request id of " + requestId.size() + " bytes");
      }
      return switch (plain[0]) {
        case Ping.TYPE -> new Ping(requestId, content.number());
        case Pong.TYPE ->
            new Pong(
                requestId,
                content.number(),
                Addresses.of(content.byteArray()),
                bounded(content, 65_535));
        case FindNode.TYPE -> new FindNode(requestId, distances(content.list()));
        case Nodes.TYPE ->
            new Nodes(requestId, bounded(content, Integer.MAX_VALUE), records(content.list()));
        case TalkRequest.TYPE -> new TalkRequest(requestId, content.bytes(), content.bytes());
        case TalkResponse.TYPE -> new TalkResponse(requestId, content.bytes());
        default -> throw new MalformedPacketException("unknown message type");
      };
    } catch (IllegalArgumentException malformed) {
      throw new MalformedPacketException(String.valueOf(malformed.getMessage()));
    }
  }

  private static int bounded(RlpReader content, int max) {
    long value = content.number();
    if (value < 0 || value > max) {
      throw new IllegalArgumentException("number out of range");
    }
    return (int) value;
  }

  private static List<Integer> distances(RlpReader items) {
    List<Integer> distances = new ArrayList<>();
    while (items.hasNext()) {
      distances.add(bounded(items, Distance.MAX_LOG));
      if (distances.size() > MAX_DISTANCES) {
        throw new IllegalArgumentException("too many distances");
      }
    }
    return distances;
  }

  private static List<Bytes> records(RlpReader items) {
    List<Bytes> records = new ArrayList<>();
    while (items.hasNext()) {
      records.add(Bytes.wrap(items.raw()));
    }
    return records;
  }

  /** Returns the encoding: the type, and an RLP list. */
  default byte[] encode() {
    RlpWriter writer = new RlpWriter(V5Codec.MAX_BYTES).rawByte(type());
    writer.list(
        content -> {
          content.bytes(requestId());
          write(this, content);
        });
    return writer.toArray();
  }

  private static void write(V5Message message, RlpWriter out) {
    if (message instanceof Ping ping) {
      out.number(ping.recordSeq());
    } else if (message instanceof Pong pong) {
      out.number(pong.recordSeq()).bytes(pong.address().getAddress()).number(pong.port());
    } else if (message instanceof FindNode find) {
      out.list(items -> find.distances().forEach(items::number));
    } else if (message instanceof Nodes nodes) {
      out.number(nodes.total())
          .list(items -> nodes.records().forEach(record -> items.raw(record.unsafeArray())));
    } else if (message instanceof TalkRequest talk) {
      out.bytes(talk.protocol()).bytes(talk.request());
    } else if (message instanceof TalkResponse talk) {
      out.bytes(talk.response());
    }
  }
}
