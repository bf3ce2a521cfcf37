// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.p2p.devp2p.rlpx.FrameReader;
import dev.patchbay.p2p.devp2p.rlpx.FrameWriter;
import dev.patchbay.p2p.devp2p.rlpx.Frames;
import dev.patchbay.p2p.devp2p.rlpx.Handshake;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The decoder in a channel without a network. */
class FrameDecoderTest {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int MAX_BYTES = 1 << 20;
  private static final int[] SIZES = {1, 15, 16, 17, 1_000, 65_536, 65_537, 300_001, 2};

  private final FrameWriter writer;
  private final FrameDecoder decoder;
  private final EmbeddedChannel channel;

  FrameDecoderTest() throws PeerBreachException {
    NodeKey own = NodeKey.random(RANDOM);
    NodeKey remote = NodeKey.random(RANDOM);
    Handshake.Initiator initiator = new Handshake.Initiator(own, remote.id(), RANDOM);
    Handshake.Accepted accepted = Handshake.accept(remote, initiator.auth(), RANDOM);
    writer = new FrameWriter(initiator.complete(accepted.ack()));
    decoder = new FrameDecoder(new FrameReader(accepted.secrets()), MAX_BYTES);
    channel = new EmbeddedChannel(decoder);
  }

  @AfterEach
  void close() {
    channel.finishAndReleaseAll();
  }

  private static byte[] data(int size) {
    byte[] out = new byte[size];
    new Random(size).nextBytes(out);
    return out;
  }

  private byte[] frame(int size) {
    return writer.write(data(size));
  }

  private void write(byte[] all, int from, int to) {
    channel.writeInbound(Unpooled.wrappedBuffer(all, from, to - from));
  }

  private void assertRead(int... sizes) {
    for (int size : sizes) {
      assertThat((byte[]) channel.readInbound()).isEqualTo(data(size));
    }
    assertThat((Object) channel.readInbound()).isNull();
  }

  private void assertBreach(byte[] bytes, String message) {
    assertThatThrownBy(() -> write(bytes, 0, bytes.length))
        .isInstanceOfSatisfying(
            PeerBreachException.class,
            breach -> assertThat(breach.reason()).isEqualTo(DisconnectReason.PROTOCOL_BREACH))
        .hasMessage(message);
    assertRead();
    assertThat(decoder.bufferedBytes()).isZero();
  }

  // ---- frames in pieces

  /** 0 stands for pieces of random length. */
  @ParameterizedTest
  @ValueSource(ints = {1, 31, 33, 4_099, 65_536, 65_553, 0})
  void framesArriveInPiecesOfAnyLength(int length) {
    Random random = new Random(1);
    ByteBuf all = Unpooled.buffer();
    for (int size : SIZES) {
      all.writeBytes(frame(size));
    }
    byte[] bytes = Arrays.copyOf(all.array(), all.writerIndex());
    int next;
    for (int at = 0; at < bytes.length; at = next) {
      next = Math.min(bytes.length, at + (length == 0 ? 1 + random.nextInt(100_000) : length));
      write(bytes, at, next);
    }
    assertRead(SIZES);
    assertThat(decoder.bufferedBytes()).isZero();
  }

  @Test
  void severalFramesArriveInOneRead() {
    List<byte[]> frames = new ArrayList<>();
    for (int size : SIZES) {
      frames.add(frame(size));
    }
    channel.writeInbound(Unpooled.wrappedBuffer(frames.toArray(byte[][]::new)));
    assertRead(SIZES);
  }

  @Test
  void theBytesOfAFrameAreCountedAsTheyArrive() {
    byte[] frame = frame(100_000);
    write(frame, 0, Frames.HEADER_BYTES - 1);
    assertThat(decoder.bufferedBytes()).isEqualTo(Frames.HEADER_BYTES - 1);
    write(frame, Frames.HEADER_BYTES - 1, Frames.HEADER_BYTES);
    assertThat(decoder.bufferedBytes()).isZero();
    write(frame, Frames.HEADER_BYTES, 90_000);
    assertThat(decoder.bufferedBytes()).isEqualTo(90_000 - Frames.HEADER_BYTES);
    write(frame, 90_000, frame.length - 1);
    assertRead();
    write(frame, frame.length - 1, frame.length);
    assertRead(100_000);
    assertThat(decoder.bufferedBytes()).isZero();
  }

  // ---- violations

  @Test
  void aWrongMacOfAHeaderIsAViolation() {
    byte[] frame = frame(100);
    frame[16] ^= 1;
    assertBreach(frame, "the MAC of a frame header is wrong");
  }

  @ParameterizedTest
  @ValueSource(ints = {32, 70_000, 150_031, 150_032, 150_047, 150_048, 150_063})
  void noDataOfABodyWithAWrongMacIsPassedOn(int changed) {
    byte[] frame = frame(150_001); // 15 bytes of padding
    frame[changed] ^= 1;
    assertBreach(frame, "the MAC of a frame body is wrong");
  }

  @Test
  void nothingIsReadAfterAViolation() {
    byte[] first = frame(100);
    byte[] changed = frame(100_000);
    byte[] last = frame(100);
    changed[changed.length - 1] ^= 1;
    write(first, 0, first.length);
    assertRead(100);
    assertBreach(changed, "the MAC of a frame body is wrong");
    write(last, 0, last.length);
    assertRead();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, MAX_BYTES + 1, Frames.MAX_DATA_BYTES})
  void theSizeIsCheckedWhenTheHeaderHasArrived(int size) {
    byte[] frame = writer.write(new byte[size]);
    assertBreach(
        Arrays.copyOf(frame, Frames.HEADER_BYTES),
        "a frame of " + size + " bytes, 1 to " + MAX_BYTES + " are accepted");
  }

  @Test
  void theLimitCanBeChangedForLaterFrames() {
    decoder.allow(100);
    byte[] allowed = frame(100);
    write(allowed, 0, allowed.length);
    assertRead(100);
    assertBreach(frame(101), "a frame of 101 bytes, 1 to 100 are accepted");
  }

  @Test
  void aDecoderThatWasStoppedDropsTheFrameThatArrives() {
    byte[] frame = frame(100_000);
    write(frame, 0, 50_000);
    decoder.stop();
    assertThat(decoder.bufferedBytes()).isZero();
    write(frame, 50_000, frame.length);
    assertRead();
    assertThat(decoder.bufferedBytes()).isZero();
  }
}
