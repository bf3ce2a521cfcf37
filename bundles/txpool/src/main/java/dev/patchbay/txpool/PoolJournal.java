// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.api.txpool.TransactionPool.Origin;
import dev.patchbay.binding.DurableFiles;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Hash;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The file with the transactions that a restart brings back. A record is the length of what follows
 * the checksum in bytes (4 bytes), a CRC-32 of it (4), a kind (1), a hash (32) and, for a
 * transaction that was added, its encoding with its blobs. The first record names the genesis
 * block. What follows a damaged record is not read: a killed process may leave one at the end.
 *
 * <p>What {@link #added} has written survives the process, but not a power cut.
 *
 * <p>Threading: any thread.
 */
final class PoolJournal implements AutoCloseable {
  private static final byte GENESIS = 0;
  private static final byte LOCAL = 1;
  private static final byte REMOTE = 2;
  private static final byte REMOVED = 3;

  private static final int HEADER_BYTES = 8;
  private static final int KEY_BYTES = 1 + Hash.SIZE;
  private static final int MAX_RECORD_BYTES = 8 << 20;

  /** How much of the file may be of transactions that have left the pool. */
  private static final long MAX_WASTE_BYTES = 4 << 20;

  private final Path file;
  private final Hash genesis;

  /** The hashes of the transactions that a restart would bring back; guarded by this. */
  private final Set<Hash> present = new HashSet<>();

  private @Nullable OutputStream out;
  private long bytes;
  private long bytesWhenReplaced;

  /** Whether a write has failed: what follows would not be read. */
  private boolean damaged;

  /** A transaction of the file. */
  record Entry(BlobSidecar.Pooled pooled, Origin origin) {
    Hash hash() {
      return pooled.transaction().hash();
    }

    long nonce() {
      return pooled.transaction().nonce();
    }
  }

  /**
   * The content of a file.
   *
   * @param entries the transactions that were added and have not left the pool, in order
   * @param damage why the rest of the file was not read; null when all of it was
   */
  record Content(List<Entry> entries, @Nullable String damage) {}

  /**
   * Names a file, which need not exist.
   *
   * @param genesis hash of the genesis block: the transactions of another chain are not read
   */
  PoolJournal(Path file, Hash genesis) {
    this.file = file;
    this.genesis = genesis;
  }

  // ---- reading

  /**
   * Reads the file, and accepts additions from then on.
   *
   * @throws IOException when the file cannot be read
   */
  synchronized Content read() throws IOException {
    Map<Hash, Entry> entries = new LinkedHashMap<>();
    String damage = Files.exists(file) ? readInto(entries) : null;
    present.clear();
    present.addAll(entries.keySet());
    bytes = Files.exists(file) ? Files.size(file) : 0;
    bytesWhenReplaced = bytes;
    damaged = damage != null || bytes == 0; // nothing is appended behind a damaged record
    return new Content(List.copyOf(entries.values()), damage);
  }

  private @Nullable String readInto(Map<Hash, Entry> entries) throws IOException {
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      for (long record = 0; ; record++) {
        byte[] body = nextBody(in);
        if (body == null) {
          return record == 0 ? "it is empty" : null;
        }
        Hash hash = Hash.of(Arrays.copyOfRange(body, 1, KEY_BYTES));
        if (record == 0 && (body[0] != GENESIS || !hash.equals(genesis))) {
          return "it belongs to a chain with the genesis block " + hash + ", not " + genesis;
        }
        accept(body, hash, entries);
      }
    } catch (EOFException cut) {
      return "its last record is cut off";
    } catch (IllegalArgumentException malformed) {
      return String.valueOf(malformed.getMessage());
    }
  }

  private static void accept(byte[] body, Hash hash, Map<Hash, Entry> entries) {
    switch (body[0]) {
      case LOCAL, REMOTE -> {
        byte[] encoding = Arrays.copyOfRange(body, KEY_BYTES, body.length);
        Origin origin = body[0] == LOCAL ? Origin.LOCAL : Origin.REMOTE;
        entries.put(hash, new Entry(BlobSidecar.decode(encoding), origin));
      }
      case REMOVED -> entries.remove(hash);
      default -> {} // the first record, or a kind of a later version
    }
  }

  /** Returns what follows the checksum of the next record; null at the end of the file. */
  private static byte @Nullable [] nextBody(DataInputStream in) throws IOException {
    int first = in.read();
    if (first < 0) {
      return null;
    }
    int length = first << 24 | in.readUnsignedByte() << 16 | in.readUnsignedShort();
    if (length < KEY_BYTES || length > MAX_RECORD_BYTES) {
      throw new IllegalArgumentException("a record of " + length + " bytes is damaged");
    }
    int checksum = in.readInt();
    byte[] body = in.readNBytes(length);
    if (body.length < length) {
      throw new EOFException();
    }
    if (checksum != checksum(body)) {
      throw new IllegalArgumentException("a record has a wrong checksum");
    }
    return body;
  }

  // ---- writing

  /**
   * Writes that a transaction was added; does nothing when the file has it, or is to be replaced.
   *
   * @throws IOException when it cannot be written; the file must be replaced
   */
  synchronized void added(Entry entry) throws IOException {
    if (damaged || present.contains(entry.hash())) {
      return;
    }
    append(body(entry));
    present.add(entry.hash());
  }

  /**
   * Writes that transactions have left the pool; does nothing when the file is to be replaced.
   *
   * @throws IOException when it cannot be written; the file must be replaced
   */
  synchronized void removed(Collection<Hash> hashes) throws IOException {
    for (Hash hash : hashes) {
      if (present.remove(hash) && !damaged) {
        append(body(REMOVED, hash, new byte[0]));
      }
    }
  }

  /**
   * Returns whether the file is to be replaced: a write has failed, or too much of it is of
   * transactions that have left the pool.
   */
  synchronized boolean isToBeReplaced() {
    return damaged || bytes > 2 * bytesWhenReplaced + MAX_WASTE_BYTES;
  }

  /**
   * Replaces the file.
   *
   * @param content returns the transactions; called while additions wait
   * @throws IOException when it cannot be written; the old file is still there
   */
  synchronized void replace(Supplier<List<Entry>> content) throws IOException {
    List<Entry> entries = content.get();
    closeFile();
    DurableFiles.replace(
        file,
        out -> {
          DataOutputStream all = new DataOutputStream(out);
          write(all, body(GENESIS, genesis, new byte[0]));
          for (Entry entry : entries) {
            write(all, body(entry));
          }
        });
    present.clear();
    entries.forEach(entry -> present.add(entry.hash()));
    bytes = Files.size(file);
    bytesWhenReplaced = bytes;
    damaged = false;
  }

  private void append(byte[] body) throws IOException {
    ByteBuffer record = ByteBuffer.allocate(HEADER_BYTES + body.length);
    record.putInt(body.length).putInt(checksum(body)).put(body);
    try {
      OutputStream current = out;
      if (current == null) {
        current = Files.newOutputStream(file, StandardOpenOption.APPEND);
        out = current;
      }
      current.write(record.array());
      bytes += record.capacity();
    } catch (IOException failure) {
      damaged = true; // part of the record may be written
      throw failure;
    }
  }

  private static void write(DataOutputStream out, byte[] body) throws IOException {
    out.writeInt(body.length);
    out.writeInt(checksum(body));
    out.write(body);
  }

  private static byte[] body(Entry entry) {
    return body(
        entry.origin() == Origin.LOCAL ? LOCAL : REMOTE, entry.hash(), entry.pooled().encode());
  }

  private static byte[] body(byte kind, Hash hash, byte[] content) {
    return ByteBuffer.allocate(KEY_BYTES + content.length)
        .put(kind)
        .put(hash.unsafeArray())
        .put(content)
        .array();
  }

  private static int checksum(byte[] body) {
    CRC32 crc = new CRC32();
    crc.update(body);
    return (int) crc.getValue();
  }

  private void closeFile() throws IOException {
    OutputStream current = out;
    out = null;
    if (current != null) {
      current.close();
    }
  }

  @Override
  public synchronized void close() throws IOException {
    closeFile();
  }
}
