// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class JournalTest {
  @Test
  void aReaderReadsOnFromItsPosition() {
    Journal<String> journal = new Journal<>(4, 100, entry -> 1);
    assertThat(journal.since(journal.end(), 10)).isEmpty();
    journal.append("a");
    journal.append("b");
    long position = journal.end();
    journal.append("c");
    assertThat(journal.since(0, 10)).containsExactly("a", "b", "c");
    assertThat(journal.since(0, 2)).containsExactly("a", "b");
    assertThat(journal.since(position, Integer.MAX_VALUE)).containsExactly("c");
    assertThat(journal.since(journal.end(), 10)).isEmpty();
  }

  @Test
  void theOldestEntriesAreEvicted() {
    Journal<String> journal = new Journal<>(4, 100, entry -> 1);
    for (int i = 0; i < 10; i++) {
      journal.append("entry " + i);
    }
    assertThat(journal.since(5, 10)).isNull();
    assertThat(journal.start()).isEqualTo(6);
    assertThat(journal.since(6, 10)).containsExactly("entry 6", "entry 7", "entry 8", "entry 9");
  }

  @Test
  void theWeightIsBoundedButForTheLatestEntry() {
    Journal<String> journal = new Journal<>(100, 10, String::length);
    for (String entry : new String[] {"four", "five5", "a"}) {
      journal.append(entry);
    }
    assertThat(journal.since(0, 10)).containsExactly("four", "five5", "a");
    journal.append("b");
    assertThat(journal.since(0, 10)).isNull();
    assertThat(journal.since(1, 10)).containsExactly("five5", "a", "b");
    journal.append("longer than ten");
    assertThat(journal.since(4, 10)).containsExactly("longer than ten");
    assertThat(journal.start()).isEqualTo(4);
    journal.append("c");
    assertThat(journal.since(5, 10)).containsExactly("c");
    assertThat(journal.start()).isEqualTo(5);
  }

  @Test
  void nothingIsKeptThatNoReaderNeeds() {
    Journal<String> journal = new Journal<>(4, 100, entry -> 1);
    journal.append("a");
    long position = journal.end();
    journal.append("b");
    journal.clearUnless(() -> true);
    assertThat(journal.since(position, 10)).containsExactly("b");
    journal.clearUnless(() -> false);
    assertThat(journal.since(position, 10)).isNull();
    assertThat(journal.since(journal.end(), 10)).isEmpty();
    long next = journal.end();
    journal.append("c");
    assertThat(journal.since(next, 10)).containsExactly("c");
  }
}
