// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.p2p.devp2p.rlpx.Handshake;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import dev.patchbay.p2p.devp2p.rlpx.Secrets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.security.SecureRandom;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Performs the encryption handshake, notifies the session, and removes itself. An invalid packet
 * ends the connection without a reply.
 *
 * <p>Threading: the event loop of the channel.
 */
final class HandshakeHandler extends ByteToMessageDecoder {
  private final NodeKey key;
  private final SecureRandom random;
  private final @Nullable NodeId dialed;
  private final Completion completion;
  private Handshake.@Nullable Initiator initiator;
  private boolean failed;

  /** Called when the handshake has succeeded. */
  interface Completion {
    /** Installs the handlers that read and write frames. */
    void encrypted(NodeId remote, Secrets secrets);
  }

  /**
   * Creates a handler.
   *
   * @param dialed the node that was dialed; null when the other side has dialed
   */
  HandshakeHandler(
      NodeKey key, SecureRandom random, @Nullable NodeId dialed, Completion completion) {
    this.key = key;
    this.random = random;
    this.dialed = dialed;
    this.completion = completion;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    if (dialed != null) {
      Handshake.Initiator created = new Handshake.Initiator(key, dialed, random);
      initiator = created;
      context.writeAndFlush(Unpooled.wrappedBuffer(created.auth()), context.voidPromise());
    }
    context.fireChannelActive();
  }

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
    if (failed) {
      in.skipBytes(in.readableBytes());
      return;
    }
    try {
      byte[] packet = packet(in);
      if (packet != null) {
        complete(context, packet);
      }
    } catch (PeerBreachException breach) {
      failed = true;
      in.skipBytes(in.readableBytes());
      context.fireExceptionCaught(breach);
    }
  }

  /** Returns the packet with its size; null while it has not arrived completely. */
  private static byte @Nullable [] packet(ByteBuf in) throws PeerBreachException {
    if (in.readableBytes() < Handshake.SIZE_BYTES) {
      return null;
    }
    int size = in.getUnsignedShort(in.readerIndex());
    Handshake.checkSize(size);
    if (in.readableBytes() < Handshake.SIZE_BYTES + size) {
      return null;
    }
    byte[] packet = new byte[Handshake.SIZE_BYTES + size];
    in.readBytes(packet);
    return packet;
  }

  private void complete(ChannelHandlerContext context, byte[] packet) throws PeerBreachException {
    Handshake.Initiator own = initiator;
    if (dialed != null && own != null) {
      completion.encrypted(dialed, own.complete(packet));
    } else if (dialed == null) {
      Handshake.Accepted accepted = Handshake.accept(key, packet, random);
      context.writeAndFlush(Unpooled.wrappedBuffer(accepted.ack()), context.voidPromise());
      completion.encrypted(accepted.remote(), accepted.secrets());
    } else {
      throw Handshake.invalid(); // an ack before the channel was active
    }
    context.pipeline().remove(this); // passes on the bytes that follow
  }
}
