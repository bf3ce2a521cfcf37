// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.PeerId;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Which peers are not asked on and on. */
class UselessRepliesTest {
  private static final PeerId PEER = new PeerId("fake", "a");
  private static final long THREE_SECONDS = TimeUnit.SECONDS.toNanos(3);

  private final UselessReplies replies = new UselessReplies();

  private boolean isOfUseAfterTwo(int count, long bytes, boolean complete, long took) {
    replies.clear();
    replies.note(PEER, count, bytes, complete, took);
    assertThat(replies.isOfUse(PEER)).as("after one reply").isTrue();
    replies.note(PEER, count, bytes, complete, took);
    return replies.isOfUse(PEER);
  }

  @Test
  void emptyRepliesAreOfNoUse() {
    assertThat(isOfUseAfterTwo(0, 0, false, 1)).isFalse();
  }

  @Test
  void aFewItemsThatComeSlowlyAreOfNoUse() {
    assertThat(isOfUseAfterTwo(15, 15 * 600, false, THREE_SECONDS)).isFalse();
    assertThat(isOfUseAfterTwo(16, 16 * 600, false, THREE_SECONDS)).as("more").isTrue();
    assertThat(isOfUseAfterTwo(15, 15 * 600, true, THREE_SECONDS)).as("all of them").isTrue();
    assertThat(isOfUseAfterTwo(15, 15 * 600, false, THREE_SECONDS / 3)).as("soon").isTrue();
  }

  /** A reply has 2 MiB at most, which heavy blocks fill soon. */
  @Test
  void aFewHeavyItemsAreOfUse() {
    assertThat(isOfUseAfterTwo(5, 2_000_000, false, THREE_SECONDS)).isTrue();
    assertThat(isOfUseAfterTwo(5, 20_000, false, THREE_SECONDS)).isFalse();
  }
}
