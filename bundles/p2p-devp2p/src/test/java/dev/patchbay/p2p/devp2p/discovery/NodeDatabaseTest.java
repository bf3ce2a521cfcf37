// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.primitives.Bytes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a restart finds, and what damage does. */
class NodeDatabaseTest {
  private static final byte[] KEY = new byte[32];

  static {
    KEY[31] = 7;
  }

  @TempDir Path folder;

  private final TestClock clock = new TestClock();
  private final Random random = new Random(5);

  private Path file() {
    return folder.resolve("p2p/nodes.rlp");
  }

  private NodeDatabase open() {
    return new NodeDatabase(file(), clock);
  }

  private static Contact contact(int number) {
    byte[] key = new byte[Node.KEY_BYTES];
    key[0] = (byte) number;
    key[1] = (byte) (number >> 8);
    byte[] address = {50, (byte) (number >> 8), (byte) number, 1};
    return Contact.of(new Node(Bytes.wrap(key), Addresses.of(address), 30_303, 30_304));
  }

  private static NodeRecord record(long seq) {
    return NodeRecord.sign(
        seq,
        Map.of("ip", NodeRecord.rlp(new byte[] {1, 2, 3, 4}), "udp", NodeRecord.rlp(9_000)),
        KEY);
  }

  @Test
  void nodesAndTheLocalRecordSurviveARestart() {
    NodeDatabase database = open();
    assertThat(database.localRecord()).isNull();
    database.setLocalRecord(record(5));
    Contact withRecord = contact(1).withRecord(record(3));
    database.put(withRecord);
    database.put(contact(2));
    database.save();
    NodeDatabase again = open();
    assertThat(again.localRecord()).isEqualTo(record(5));
    assertThat(again.seeds(10, random)).containsExactlyInAnyOrder(withRecord, contact(2));
    assertThat(again.seeds(1, random)).hasSize(1);
  }

  /** The number of a record must not be used twice, so that it does not wait for a save. */
  @Test
  void theLocalRecordIsWrittenAtOnce() {
    open().setLocalRecord(record(8));
    assertThat(open().localRecord()).isEqualTo(record(8));
  }

  @Test
  void nodesThatAreSilentForFiveDaysAreNoSeeds() {
    NodeDatabase database = open();
    database.put(contact(1));
    clock.advance(Duration.ofDays(5));
    database.put(contact(2));
    assertThat(database.seeds(10, random)).hasSize(2);
    clock.advance(Duration.ofSeconds(1));
    assertThat(database.seeds(10, random)).containsExactly(contact(2));
  }

  @Test
  void theOldestNodesAreEvicted() {
    NodeDatabase database = open();
    for (int i = 0; i < NodeDatabase.MAX_NODES; i++) {
      database.put(contact(i));
    }
    database.put(contact(0)); // has responded again
    database.put(contact(9_999));
    assertThat(database.size()).isEqualTo(NodeDatabase.MAX_NODES);
    assertThat(database.seeds(NodeDatabase.MAX_NODES, random))
        .contains(contact(0), contact(9_999))
        .doesNotContain(contact(1));
    database.save();
    assertThat(open().size()).isEqualTo(NodeDatabase.MAX_NODES);
  }

  @Test
  void aDamagedFileIsMovedAside() throws Exception {
    NodeDatabase database = open();
    database.setLocalRecord(record(5));
    database.put(contact(1));
    database.save();
    byte[] bytes = Files.readAllBytes(file());
    for (int bit = 0; bit < 8 * bytes.length; bit += 5) {
      byte[] flipped = bytes.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      expectEmpty(flipped);
    }
    for (int length = 0; length < bytes.length; length++) {
      expectEmpty(Arrays.copyOf(bytes, length));
    }
    expectEmpty(new byte[(1 << 20) + 1]);
  }

  private void expectEmpty(byte[] content) throws Exception {
    Files.write(file(), content);
    NodeDatabase opened = open();
    assertThat(opened.size()).isZero();
    assertThat(opened.localRecord()).isNull();
    assertThat(file()).doesNotExist();
    assertThat(file().resolveSibling("nodes.rlp.damaged")).hasBinaryContent(content);
  }

  @Test
  void aFileThatCannotBeReadIsMovedAside() throws Exception {
    Path kept = Files.createDirectories(file()).resolve("kept"); // also root cannot read a folder
    Files.writeString(kept, "kept");
    NodeDatabase database = open();
    assertThat(database.size()).isZero();
    database.put(contact(1));
    database.save();
    assertThat(open().size()).isEqualTo(1);
    assertThat(file().resolveSibling("nodes.rlp.damaged/kept")).hasContent("kept");
  }

  @Test
  void aFileThatCannotBeMovedAsideIsNotOverwritten() throws Exception {
    Files.createDirectories(file().resolveSibling("nodes.rlp.damaged/full"));
    Files.writeString(file(), "damaged");
    NodeDatabase database = open();
    database.put(contact(1));
    database.save();
    assertThat(database.size()).isEqualTo(1);
    assertThat(file()).hasContent("damaged");
  }

  @Test
  void aFileThatCannotBeWrittenOnlyMeansThatNothingIsStored() throws Exception {
    Files.writeString(folder.resolve("p2p"), "a file where the folder should be");
    NodeDatabase database = open();
    database.put(contact(1));
    database.save();
    assertThat(database.seeds(10, random)).isEqualTo(List.of(contact(1)));
  }

  @Test
  void nothingIsWrittenWithoutAChangeOrAFile() {
    open().save();
    assertThat(file()).doesNotExist();
    NodeDatabase memory = new NodeDatabase(null, clock);
    memory.put(contact(1));
    memory.save();
    assertThat(memory.size()).isEqualTo(1);
  }
}
