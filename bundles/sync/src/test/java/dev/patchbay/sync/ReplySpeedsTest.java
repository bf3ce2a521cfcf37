// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.PeerId;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** For how much a peer is asked. */
class ReplySpeedsTest {
  private static final PeerId PEER = new PeerId("fake", "a");
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private final ReplySpeeds speeds = new ReplySpeeds(16, 128);

  @Test
  void aPeerThatWasNotAskedGetsTheFirstSize() {
    assertThat(speeds.size(PEER)).isEqualTo(16);
    assertThat(speeds.rate(PEER, 7)).isEqualTo(7);
  }

  @Test
  void quickRepliesAreFollowedByLargerRequests() {
    speeds.replied(PEER, 16, SECOND / 100);
    assertThat(speeds.size(PEER)).as("four times as many").isEqualTo(64);
    speeds.replied(PEER, 64, SECOND / 100);
    assertThat(speeds.size(PEER)).as("at most").isEqualTo(128);
    speeds.replied(PEER, 30, SECOND / 100);
    assertThat(speeds.size(PEER)).as("a short reply that is quick").isEqualTo(128);
    speeds.replied(PEER, 0, SECOND / 100);
    assertThat(speeds.size(PEER)).as("it had none").isEqualTo(128);
  }

  @Test
  void aSlowPeerIsAskedForWhatItGivesInTwoSeconds() {
    speeds.replied(PEER, 16, 4 * SECOND);
    assertThat(speeds.size(PEER)).isEqualTo(8);
    speeds.replied(PEER, 8, SECOND);
    assertThat(speeds.size(PEER)).isEqualTo(16);
    speeds.replied(PEER, 1, 9 * SECOND);
    assertThat(speeds.size(PEER)).isEqualTo(1);
  }

  /** On a slow link the reply to a large request comes after its time, each time. */
  @Test
  void aRequestWithoutAReplyIsFollowedBySmallerOnes() {
    for (int size : new int[] {4, 1, 1}) {
      speeds.failed(PEER);
      assertThat(speeds.size(PEER)).isEqualTo(size);
      assertThat(speeds.rate(PEER, 7)).as("it is asked last").isZero();
    }
  }

  @Test
  void peersThatLeaveAreRemoved() {
    speeds.failed(PEER);
    speeds.retain(List.of());
    assertThat(speeds.size(PEER)).isEqualTo(16);
  }
}
