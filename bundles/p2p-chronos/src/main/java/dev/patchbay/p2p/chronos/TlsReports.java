// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Records why a TLS connection fails, before its channel is closed. Threading: one event loop. */
final class TlsReports extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(TlsReports.class);

  private final Connection peer;
  private final Warnings warnings;

  TlsReports(Connection peer, Warnings warnings) {
    this.peer = peer;
    this.warnings = warnings;
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof SslHandshakeCompletionEvent handshake && !handshake.isSuccess()) {
      report(handshake.cause());
    }
    ctx.fireUserEventTriggered(event);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable failure) {
    if (failure instanceof SSLException || failure.getCause() instanceof SSLException) {
      report(failure);
    }
    ctx.fireExceptionCaught(failure);
  }

  private void report(Throwable cause) {
    String reason = TlsFiles.reason(cause);
    String counted = "tls: " + TlsFiles.counted(reason);
    if (peer.end(counted, false) && warnings.isFirst(peer.remote().getAddress(), counted)) {
      LOG.warn("chronos: no TLS connection with {}: {}", peer, reason);
    }
  }
}
