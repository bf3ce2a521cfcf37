// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.crypto.Keccak;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Frames, against the vector of geth and against changed bytes. */
class FramesTest {
  private static final byte[] KEY = Keccak.hash256(new byte[0]);

  /** A hash that is always the same, as the vector has it. */
  private static RunningHash constantHash() {
    return new RunningHash() {
      @Override
      public void update(byte[] bytes, int from, int length) {}

      @Override
      public byte[] digest() {
        byte[] out = new byte[32];
        Arrays.fill(out, (byte) 1);
        return out;
      }
    };
  }

  private static Secrets secrets() {
    return new Secrets(KEY, KEY, RunningHash.keccak256(), RunningHash.keccak256());
  }

  private static byte[] read(FrameReader reader, byte[] frame) throws PeerBreachException {
    int size = reader.header(Arrays.copyOf(frame, Frames.HEADER_BYTES));
    FrameReader.Body body = reader.body(size);
    body.append(Arrays.copyOfRange(frame, Frames.HEADER_BYTES, frame.length));
    return body.data();
  }

  @Test
  void theFrameOfTheVectorIsWrittenAndRead() throws PeerBreachException {
    Secrets constant = new Secrets(KEY, KEY, constantHash(), constantHash());
    byte[] clear = Eip8.hex("08c401020304");
    byte[] frame =
        Eip8.hex(
            "00828ddae471818bb0bfa6b551d1cb42"
                + "01010101010101010101010101010101"
                + "ba628a4ba590cb43f7848f41c4382885"
                + "01010101010101010101010101010101");
    assertThat(new FrameWriter(constant).write(clear)).isEqualTo(frame);
    assertThat(read(new FrameReader(constant), frame)).isEqualTo(clear);
  }

  @Test
  void framesOfAllSizesAreReadInOrder() throws PeerBreachException {
    FrameWriter writer = new FrameWriter(secrets());
    FrameReader reader = new FrameReader(secrets());
    Random random = new Random(1);
    for (int size : new int[] {1, 15, 16, 17, 32, 255, 256, 70_000, 1, 0xffffff}) {
      byte[] data = new byte[size];
      random.nextBytes(data);
      assertThat(read(reader, writer.write(data))).isEqualTo(data);
    }
  }

  @Test
  void aChangedByteIsFoundWhereverItIs() {
    byte[] frame = new FrameWriter(secrets()).write(new byte[] {1, 2, 3});
    for (int i = 0; i < frame.length; i++) {
      byte[] changed = frame.clone();
      changed[i] ^= 0x40;
      assertThatThrownBy(() -> read(new FrameReader(secrets()), changed))
          .isInstanceOfSatisfying(
              PeerBreachException.class,
              breach -> assertThat(breach.reason()).isEqualTo(DisconnectReason.PROTOCOL_BREACH))
          .hasMessageContaining("MAC");
    }
  }

  @Test
  void aBodyIsReadInPartsOfAnyLength() throws PeerBreachException {
    FrameWriter writer = new FrameWriter(secrets());
    FrameReader reader = new FrameReader(secrets());
    Random random = new Random(2);
    for (int size : new int[] {1, 15, 16, 17, 31, 4_097, 70_001}) {
      for (int most : new int[] {1, 2, 7, 16, 33, 5_000}) {
        byte[] data = new byte[size];
        random.nextBytes(data);
        byte[] frame = writer.write(data);
        FrameReader.Body body = reader.body(reader.header(Arrays.copyOf(frame, 32)));
        int at = Frames.HEADER_BYTES;
        while (body.missingBytes() > 0) {
          assertThatThrownBy(body::data).isInstanceOf(IllegalStateException.class);
          int length = Math.min(body.missingBytes(), 1 + random.nextInt(most));
          body.append(Arrays.copyOfRange(frame, at, at + length));
          at += length;
          assertThat(body.receivedBytes()).isEqualTo(at - Frames.HEADER_BYTES);
        }
        assertThat(at).isEqualTo(frame.length);
        assertThat(body.data()).isEqualTo(data);
      }
    }
  }

  @Test
  void moreThanTheBodyCannotBeAppended() throws PeerBreachException {
    byte[] frame = new FrameWriter(secrets()).write(new byte[] {1});
    FrameReader reader = new FrameReader(secrets());
    FrameReader.Body body = reader.body(reader.header(Arrays.copyOf(frame, 32)));
    assertThatThrownBy(() -> body.append(new byte[33]))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aRepeatedFrameIsRefused() throws PeerBreachException {
    byte[] frame = new FrameWriter(secrets()).write(new byte[] {1});
    FrameReader reader = new FrameReader(secrets());
    read(reader, frame);
    assertThatThrownBy(() -> read(reader, frame)).isInstanceOf(PeerBreachException.class);
  }

  @Test
  void aFrameThatIsTooLongIsNotWritten() {
    assertThatThrownBy(() -> new FrameWriter(secrets()).write(new byte[1 << 24]))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
