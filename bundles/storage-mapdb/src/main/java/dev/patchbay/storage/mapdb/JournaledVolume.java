// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;
import org.mapdb.DataInput2;
import org.mapdb.volume.ByteArrayVol;
import org.mapdb.volume.MappedFileVol;
import org.mapdb.volume.Volume;
import org.mapdb.volume.VolumeFactory;

/**
 * MapDB's file behind a journal. A commit of MapDB 3.1 ends with writes to its file and a sync, and
 * its own log is never read again: a process that is killed in between would leave a file that is
 * half of the one and half of the other commit. Here the writes are collected until the sync, put
 * into a journal with a checksum and forced to disk, and only then put into the file. The file
 * itself is forced when the journal has grown; {@link #recover} repeats what a journal says, commit
 * by commit.
 *
 * <p>Threading: MapDB holds all of its locks around the writes and the sync of a commit.
 */
final class JournaledVolume extends Volume {
  /** A longer journal is not worth the time that it saves; a commit has some megabytes. */
  private static final long CHECKPOINT_BYTES = 32L << 20;

  /** Of a commit: the size of what follows, and its checksum. */
  private static final int HEADER_BYTES = Integer.BYTES + Long.BYTES;

  private record Put(long offset, byte[] bytes) {}

  private final Volume file;
  private final FileChannel journal;
  private final List<Put> pending = new ArrayList<>();

  private JournaledVolume(Volume file, FileChannel journal) {
    this.file = file;
    this.journal = journal;
  }

  /** Returns a factory that puts a journal before one file, and keeps the others in memory. */
  static VolumeFactory factory(Path journaled) {
    VolumeFactory mapped = new MappedFileVol.MappedFileFactory(false, false);
    return new VolumeFactory() {
      @Override
      public Volume makeVolume(
          String path,
          boolean readOnly,
          long lockWait,
          int sliceShift,
          long initialSize,
          boolean fixedSize) {
        if (!path.equals(journaled.toString())) {
          return ByteArrayVol.FACTORY.makeVolume(
              path, readOnly, lockWait, sliceShift, initialSize, fixedSize);
        }
        return new JournaledVolume(
            mapped.makeVolume(path, readOnly, lockWait, sliceShift, initialSize, fixedSize),
            emptyJournal(journalOf(journaled)));
      }

      @Override
      public boolean exists(String path) {
        return mapped.exists(path);
      }

      @Override
      public boolean handlesReadonly() {
        return mapped.handlesReadonly();
      }
    };
  }

  private static Path journalOf(Path file) {
    return file.resolveSibling(file.getFileName() + ".journal");
  }

  private static FileChannel emptyJournal(Path path) {
    try {
      return FileChannel.open(
          path,
          StandardOpenOption.CREATE,
          StandardOpenOption.WRITE,
          StandardOpenOption.TRUNCATE_EXISTING);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /**
   * Repeats the commits that a journal has whole, and removes it and MapDB's log. Does nothing
   * while another process has the file open.
   *
   * @throws IOException when a file cannot be read or written
   */
  static void recover(Path file) throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE);
        FileLock lock = out.tryLock()) {
      if (lock == null) {
        return;
      }
      Path journal = journalOf(file);
      if (Files.exists(journal)) {
        repeat(journal, out);
        out.force(true);
      }
      Files.deleteIfExists(journal);
      try (DirectoryStream<Path> logs =
          Files.newDirectoryStream(file.getParent(), file.getFileName() + ".wal.*")) {
        for (Path log : logs) {
          Files.delete(log);
        }
      }
    } catch (OverlappingFileLockException open) {
      // in this process
    }
  }

  /** Writes what the whole commits at a journal's start say. */
  private static void repeat(Path journal, FileChannel out) throws IOException {
    long left = Files.size(journal);
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(journal)))) {
      while (left >= HEADER_BYTES) {
        int size = in.readInt();
        long checksum = in.readLong();
        left -= HEADER_BYTES;
        if (size < 0 || size > left) {
          return;
        }
        byte[] puts = in.readNBytes(size);
        left -= size;
        if (checksum != checksum(puts, 0, size)) {
          return;
        }
        repeat(puts, out);
      }
    }
  }

  private static void repeat(byte[] commit, FileChannel out) throws IOException {
    ByteBuffer puts = ByteBuffer.wrap(commit);
    while (puts.hasRemaining()) {
      long offset = puts.getLong();
      int size = puts.getInt();
      writeFully(out, puts.slice(puts.position(), size), offset);
      puts.position(puts.position() + size);
    }
  }

  private static long checksum(byte[] content, int from, int length) {
    CRC32 crc = new CRC32();
    crc.update(content, from, length);
    return ~crc.getValue(); // that of zeros is not zero
  }

  private static void writeFully(FileChannel out, ByteBuffer bytes, long at) throws IOException {
    long position = at;
    while (bytes.hasRemaining()) {
      position += out.write(bytes, position);
    }
  }

  /** Writes the journal, then the file. */
  @Override
  public void sync() {
    if (pending.isEmpty()) {
      return;
    }
    try {
      long end = journal.size();
      ByteBuffer commit = ByteBuffer.wrap(encode());
      writeFully(journal, commit, end);
      journal.force(false);
      for (Put put : pending) {
        file.ensureAvailable(put.offset + put.bytes.length);
        file.putDataOverlap(put.offset, put.bytes, 0, put.bytes.length);
      }
      pending.clear();
      if (end + commit.capacity() >= CHECKPOINT_BYTES) {
        checkpoint();
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** Forces the file to disk, and forgets the journal. */
  private void checkpoint() throws IOException {
    file.sync();
    journal.truncate(0);
  }

  private byte[] encode() {
    int size = HEADER_BYTES;
    for (Put put : pending) {
      size += Long.BYTES + Integer.BYTES + put.bytes.length;
    }
    ByteBuffer commit = ByteBuffer.allocate(size).position(HEADER_BYTES);
    for (Put put : pending) {
      commit.putLong(put.offset).putInt(put.bytes.length).put(put.bytes);
    }
    int body = size - HEADER_BYTES;
    return commit.putInt(0, body).putLong(4, checksum(commit.array(), HEADER_BYTES, body)).array();
  }

  /** What was put is read after a sync only; MapDB does so anyway. */
  private Volume settled() {
    if (!pending.isEmpty()) {
      sync();
    }
    return file;
  }

  @Override
  public void putLong(long offset, long value) {
    pending.add(new Put(offset, ByteBuffer.allocate(8).putLong(value).array()));
  }

  @Override
  public void putInt(long offset, int value) {
    pending.add(new Put(offset, ByteBuffer.allocate(4).putInt(value).array()));
  }

  @Override
  public void putByte(long offset, byte value) {
    pending.add(new Put(offset, new byte[] {value}));
  }

  @Override
  public void putData(long offset, byte[] source, int from, int size) {
    byte[] bytes = new byte[size];
    System.arraycopy(source, from, bytes, 0, size);
    pending.add(new Put(offset, bytes));
  }

  @Override
  public void putData(long offset, ByteBuffer source) {
    byte[] bytes = new byte[source.remaining()];
    source.get(bytes);
    pending.add(new Put(offset, bytes));
  }

  @Override
  public void putDataOverlap(long offset, byte[] source, int from, int size) {
    putData(offset, source, from, size);
  }

  @Override
  public long getLong(long offset) {
    return settled().getLong(offset);
  }

  @Override
  public int getInt(long offset) {
    return settled().getInt(offset);
  }

  @Override
  public byte getByte(long offset) {
    return settled().getByte(offset);
  }

  @Override
  public DataInput2 getDataInput(long offset, int size) {
    return settled().getDataInput(offset, size);
  }

  @Override
  public DataInput2 getDataInputOverlap(long offset, int size) {
    return settled().getDataInputOverlap(offset, size);
  }

  @Override
  public void getData(long offset, byte[] target, int from, int size) {
    settled().getData(offset, target, from, size);
  }

  @Override
  public void clear(long from, long to) {
    putData(from, new byte[Math.toIntExact(to - from)], 0, Math.toIntExact(to - from));
  }

  @Override
  public void clearOverlap(long from, long to) {
    clear(from, to);
  }

  @Override
  public void ensureAvailable(long size) {
    file.ensureAvailable(size);
  }

  @Override
  public void truncate(long size) {
    Volume settled = settled();
    try {
      checkpoint();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    settled.truncate(size);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      pending.clear(); // of a commit that did not come to its end
      try (journal) {
        checkpoint();
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      } finally {
        file.close();
      }
    }
  }

  @Override
  public int sliceSize() {
    return file.sliceSize();
  }

  @Override
  public boolean isSliced() {
    return file.isSliced();
  }

  @Override
  public long length() {
    return file.length();
  }

  @Override
  public boolean isReadOnly() {
    return file.isReadOnly();
  }

  @Override
  public File getFile() {
    return file.getFile();
  }

  @Override
  public boolean getFileLocked() {
    return file.getFileLocked();
  }
}
