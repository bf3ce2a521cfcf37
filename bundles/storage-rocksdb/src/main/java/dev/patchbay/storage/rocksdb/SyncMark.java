// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import dev.patchbay.api.storage.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A small file among RocksDB's that says how far the store was synced: a store that has less when
 * it is opened has lost what was durable. The file is written after each sync and never synced
 * itself: after a power cut an older one claims less, which is safe. It also is the lock of the
 * store.
 *
 * <p>Threading: any thread.
 */
final class SyncMark implements AutoCloseable {
  static final String FILE = "PATCHBAY_SYNCED";

  private static final int BODY_BYTES = 4 * Long.BYTES;
  private static final int BYTES = BODY_BYTES + Integer.BYTES;

  private final FileChannel channel;

  /** Guarded by this. */
  private long sequence;

  /**
   * How far a store was synced.
   *
   * @param sequence the number of the last entry on the disk
   * @param manifest the number of the MANIFEST
   * @param manifestBytes the length of the MANIFEST
   * @param closed whether the store was closed, with all entries in files of their own
   */
  record State(long sequence, long manifest, long manifestBytes, boolean closed) {}

  private SyncMark(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Opens and locks the file of a folder; it is created when it does not exist.
   *
   * @throws StorageException when another store has it open
   */
  static SyncMark open(Path folder) throws IOException {
    FileChannel channel =
        FileChannel.open(
            folder.resolve(FILE),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    try {
      if (lock(channel) && isFree(folder.resolve("LOCK"))) {
        return new SyncMark(channel);
      }
    } catch (IOException | RuntimeException | Error failure) {
      channel.close();
      throw failure;
    }
    channel.close();
    throw StorageException.inUse(folder, null);
  }

  private static boolean lock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException inThisProcess) {
      return false;
    }
  }

  /** Returns whether RocksDB's own lock is free: an older release has only that. */
  private static boolean isFree(Path lock) throws IOException {
    if (!Files.exists(lock)) {
      return true;
    }
    try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE);
        FileLock free = channel.tryLock()) {
      return free != null;
    } catch (OverlappingFileLockException inThisProcess) {
      return false;
    }
  }

  /** Returns the state, or null when there is none or the file is not whole. */
  @Nullable State read() throws IOException {
    ByteBuffer in = ByteBuffer.allocate(BYTES);
    while (in.hasRemaining() && channel.read(in, in.position()) >= 0) {
      // the rest of the file
    }
    if (in.hasRemaining() || in.getInt(BODY_BYTES) != crc(in.array())) {
      return null;
    }
    return new State(in.getLong(0), in.getLong(8), in.getLong(16), in.getLong(24) != 0);
  }

  /** Writes a state; one with a lower sequence than that before is not written. */
  synchronized void write(State state) throws IOException {
    if (state.sequence < sequence) {
      return;
    }
    sequence = state.sequence;
    ByteBuffer out = ByteBuffer.allocate(BYTES);
    out.putLong(state.sequence).putLong(state.manifest).putLong(state.manifestBytes);
    out.putLong(state.closed ? 1 : 0);
    out.putInt(crc(out.array())).flip();
    while (out.hasRemaining()) {
      channel.write(out, out.position());
    }
  }

  private static int crc(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, BODY_BYTES);
    return (int) ~crc.getValue(); // that of zeros is not zero
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
