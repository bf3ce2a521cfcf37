// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.binding.DurableFiles;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The nodes that have responded recently, and the latest record of the local node, in a file: after
 * a restart the table does not depend on the boot nodes alone, and the sequence number of the
 * record grows on.
 *
 * <p>The file has a CRC-32 (4 bytes) and the RLP list {@code [version, record, [[key, ip, udp, tcp,
 * seconds, record], …]]}; a record may be empty. A file that is damaged or cannot be read is moved
 * aside, and the database is then empty. At most {@link #MAX_NODES} nodes are stored; the one that
 * has not responded for the longest time is evicted.
 */
final class NodeDatabase {
  static final int MAX_NODES = 512;

  /** A node that has not responded for this time is not used as a seed. */
  static final Duration MAX_SEED_AGE = Duration.ofDays(5);

  private static final Logger LOG = LoggerFactory.getLogger(NodeDatabase.class);
  private static final int VERSION = 1;
  private static final int CHECKSUM_BYTES = 4;

  /** A node takes at most 420 bytes. */
  private static final long MAX_FILE_BYTES = 1 << 20;

  private final @Nullable Path file;
  private final InstantSource clock;
  private final Outage outage = new Outage(LOG::warn, LOG::info);

  /** By node id, the one that has responded last at the end. */
  private final Map<Hash, Seen> nodes = new LinkedHashMap<>();

  private @Nullable NodeRecord localRecord;
  private boolean changed;

  /**
   * A node that has responded.
   *
   * @param seconds when, in seconds since the Unix epoch
   */
  private record Seen(Contact contact, long seconds) {}

  /**
   * Opens a database. Never fails: what cannot be read is logged.
   *
   * @param file which need not exist; null for a database that is not stored
   */
  NodeDatabase(@Nullable Path file, InstantSource clock) {
    this.clock = clock;
    this.file = file == null || !Files.exists(file) || open(file) ? file : null;
  }

  // ---- reading

  /** Reads a file; returns whether it may be written. */
  private boolean open(Path path) {
    try {
      read(path);
      return true;
    } catch (IOException unreadable) {
      return startEmpty(path, "cannot be read", unreadable);
    } catch (IllegalArgumentException damaged) {
      return startEmpty(path, "is damaged", damaged);
    }
  }

  private boolean startEmpty(Path path, String what, Exception cause) {
    nodes.clear();
    localRecord = null;
    DamagedFiles.Outcome outcome = DamagedFiles.moveAside(path);
    LOG.warn(
        "The node database {} {} ({}): it starts empty; {}",
        path,
        what,
        text(cause),
        outcome.text());
    return outcome.moved();
  }

  private static String text(Exception failure) {
    return String.valueOf(failure.getMessage());
  }

  private void read(Path path) throws IOException {
    if (Files.size(path) > MAX_FILE_BYTES) {
      throw new IllegalArgumentException("it has more than " + MAX_FILE_BYTES + " bytes");
    }
    byte[] bytes = Files.readAllBytes(path);
    if (bytes.length < CHECKSUM_BYTES || ByteBuffer.wrap(bytes).getInt() != checksum(bytes)) {
      throw new IllegalArgumentException("wrong checksum");
    }
    RlpReader content = RlpReader.of(bytes, CHECKSUM_BYTES).list();
    if (content.number() != VERSION) {
      throw new IllegalArgumentException("unknown version");
    }
    localRecord = readRecord(content.byteArray());
    RlpReader items = content.list();
    while (items.hasNext() && nodes.size() < MAX_NODES) {
      RlpReader item = items.list();
      Bytes key = Bytes.wrap(item.fixed(Node.KEY_BYTES));
      Node node =
          new Node(key, Addresses.of(item.byteArray()), (int) item.number(), (int) item.number());
      long seconds = item.number();
      Contact contact = new Contact(node.id(), node, readRecord(item.byteArray()));
      nodes.put(contact.id(), new Seen(contact, seconds));
    }
  }

  private static @Nullable NodeRecord readRecord(byte[] encoded) {
    return encoded.length == 0 ? null : NodeRecord.decode(encoded);
  }

  // ---- content

  /** Stores that a node has responded now. */
  void put(Contact contact) {
    nodes.remove(contact.id());
    nodes.put(contact.id(), new Seen(contact, clock.instant().getEpochSecond()));
    if (nodes.size() > MAX_NODES) {
      nodes.remove(nodes.keySet().iterator().next());
    }
    changed = true;
  }

  /** Returns random nodes of those that have responded within the last five days. */
  List<Contact> seeds(int max, RandomGenerator random) {
    long oldest = clock.instant().minus(MAX_SEED_AGE).getEpochSecond();
    List<Contact> recent = new ArrayList<>();
    for (Seen seen : nodes.values()) {
      if (seen.seconds() >= oldest) {
        recent.add(seen.contact());
      }
    }
    Collections.shuffle(recent, new java.util.Random(random.nextLong()));
    return List.copyOf(recent.subList(0, Math.min(max, recent.size())));
  }

  /** Returns the number of nodes. */
  int size() {
    return nodes.size();
  }

  /** Returns the latest record of the local node; null when there is none. */
  @Nullable NodeRecord localRecord() {
    return localRecord;
  }

  /** Sets the record of the local node, and stores it at once: its number must not be reused. */
  void setLocalRecord(NodeRecord record) {
    localRecord = record;
    changed = true;
    save();
  }

  // ---- writing

  /** Writes the file when the content has changed. A failure is logged; the old file stays. */
  void save() {
    Path path = file;
    if (path == null || !changed) {
      return;
    }
    try {
      DurableFiles.replace(path, encode());
      changed = false;
      outage.succeeded("the node database " + path + " is written again");
    } catch (IOException failure) {
      outage.failed("the node database " + path + " cannot be written: " + text(failure));
    }
  }

  private byte[] encode() {
    RlpWriter writer = new RlpWriter(4_096).raw(new byte[CHECKSUM_BYTES]);
    writer.list(
        content ->
            content
                .number(VERSION)
                .bytes(encoded(localRecord))
                .list(items -> nodes.values().forEach(seen -> items.list(i -> write(seen, i)))));
    byte[] bytes = writer.toArray();
    ByteBuffer.wrap(bytes).putInt(0, checksum(bytes));
    return bytes;
  }

  private static void write(Seen seen, RlpWriter out) {
    Node node = seen.contact().node();
    out.bytes(node.publicKey())
        .bytes(node.address().getAddress())
        .number(node.udpPort())
        .number(node.tcpPort())
        .number(seen.seconds())
        .bytes(encoded(seen.contact().record()));
  }

  private static Bytes encoded(@Nullable NodeRecord record) {
    return record == null ? Bytes.EMPTY : record.encoded();
  }

  private static int checksum(byte[] bytes) {
    CRC32 crc = new CRC32();
    crc.update(bytes, CHECKSUM_BYTES, bytes.length - CHECKSUM_BYTES);
    return (int) crc.getValue();
  }
}
