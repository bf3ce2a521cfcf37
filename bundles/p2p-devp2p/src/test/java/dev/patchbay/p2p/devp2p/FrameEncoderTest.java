// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.p2p.devp2p.rlpx.FrameReader;
import dev.patchbay.p2p.devp2p.rlpx.FrameWriter;
import dev.patchbay.p2p.devp2p.rlpx.Frames;
import dev.patchbay.p2p.devp2p.rlpx.Handshake;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.util.concurrent.EventExecutor;
import java.lang.reflect.Proxy;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The encoder in a pipeline of a few methods, whose tasks the test runs. */
class FrameEncoderTest {
  private static final SecureRandom RANDOM = new SecureRandom();

  private final FrameReader reader;
  private final FrameEncoder encoder;
  private final Deque<Runnable> tasks = new ArrayDeque<>();
  private final ByteBuf written = Unpooled.buffer();
  private final List<String> failed = new ArrayList<>();
  private boolean active = true;
  private int flushed;

  private final ChannelHandlerContext context =
      proxy(
          ChannelHandlerContext.class,
          (method, arguments) ->
              switch (method) {
                case "write" -> {
                  written.writeBytes((ByteBuf) arguments[0]);
                  yield null;
                }
                case "flush" -> {
                  flushed = written.writerIndex();
                  yield null;
                }
                case "channel" -> proxy(Channel.class, (name, none) -> active);
                case "executor" ->
                    proxy(
                        EventExecutor.class,
                        (name, task) -> {
                          tasks.add((Runnable) task[0]);
                          return null;
                        });
                case "voidPromise" -> promise("part");
                default -> throw new UnsupportedOperationException(method);
              });

  FrameEncoderTest() throws PeerBreachException {
    NodeKey own = NodeKey.random(RANDOM);
    NodeKey remote = NodeKey.random(RANDOM);
    Handshake.Initiator initiator = new Handshake.Initiator(own, remote.id(), RANDOM);
    Handshake.Accepted accepted = Handshake.accept(remote, initiator.auth(), RANDOM);
    encoder = new FrameEncoder(new FrameWriter(initiator.complete(accepted.ack())));
    reader = new FrameReader(accepted.secrets());
  }

  private interface Calls {
    Object call(String method, Object[] arguments);
  }

  private static <T> T proxy(Class<T> type, Calls calls) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> calls.call(method.getName(), arguments)));
  }

  private ChannelPromise promise(String name) {
    return proxy(
        ChannelPromise.class,
        (method, arguments) -> {
          failed.add(name);
          return true;
        });
  }

  private static byte[] data(int size) {
    byte[] out = new byte[size];
    new Random(size).nextBytes(out);
    return out;
  }

  @Test
  void framesOfAllSizesLeaveInOrderAndInParts() throws PeerBreachException {
    List<byte[]> sent = new ArrayList<>();
    for (int size : new int[] {1, 16, 1 << 17, (1 << 17) + 1, 10 << 20, 5, 1 << 20, 3}) {
      byte[] data = data(size);
      sent.add(data);
      encoder.write(context, data, promise("frame"));
    }
    assertThat(tasks).hasSize(1);
    int before = written.writerIndex();
    while (!tasks.isEmpty()) {
      tasks.remove().run();
      assertThat(written.writerIndex() - before).isBetween(1, 1 << 18);
      assertThat(flushed).isEqualTo(written.writerIndex());
      before = written.writerIndex();
    }
    for (byte[] data : sent) {
      byte[] header = new byte[Frames.HEADER_BYTES];
      written.readBytes(header);
      int size = reader.header(header);
      byte[] body = new byte[Frames.bodyBytes(size)];
      written.readBytes(body);
      FrameReader.Body read = reader.body(size);
      read.append(body);
      assertThat(read.data()).isEqualTo(data);
    }
    assertThat(written.isReadable()).isFalse();
    assertThat(failed).isEmpty();
  }

  @Test
  void framesThatCannotBeWrittenFail() {
    encoder.write(context, data(1 << 20), promise("first"));
    encoder.write(context, data(1), promise("second"));
    assertThat(failed).isEmpty();
    active = false;
    tasks.remove().run();
    assertThat(failed).containsExactly("first", "second");
    assertThat(tasks).isEmpty();
  }

  @Test
  void framesThatWaitFailWithThePipeline() {
    encoder.write(context, data(1 << 20), promise("first"));
    encoder.handlerRemoved(context);
    assertThat(failed).containsExactly("first");
  }
}
