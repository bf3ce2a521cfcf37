// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
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
import org.mapdb.volume.MappedFileVol;
import org.mapdb.volume.Volume;
import org.mapdb.volume.VolumeFactory;

/**
 * MapDB's file behind a journal. A commit of MapDB 3.1 ends with writes to its file and a sync, and
 * its own log is never read again: a process that is killed in between would leave a file that is
 * half of the one and half of the other commit. Here the writes are collected until the sync, put
 * into a journal with a checksum, and only then into the file; {@link #recover} repeats what a
 * whole journal says.
 *
 * <p>Threading: MapDB holds all of its locks around the writes and the sync of a commit.
 */
final class JournaledVolume extends Volume {
  private record Put(long offset, byte[] bytes) {}

  private final Volume file;
  private final Path journal;
  private final List<Put> pending = new ArrayList<>();

  private JournaledVolume(Volume file, Path journal) {
    this.file = file;
    this.journal = journal;
  }

  /** Returns a factory that puts a journal before one file, and maps the others as they are. */
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
        Volume made =
            mapped.makeVolume(path, readOnly, lockWait, sliceShift, initialSize, fixedSize);
        return path.equals(journaled.toString())
            ? new JournaledVolume(made, journalOf(journaled))
            : made;
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

  /**
   * Repeats the writes of a journal, if there is a whole one, and removes it and MapDB's log. Does
   * nothing while another process has the file open.
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
      List<Put> puts = Files.exists(journal) ? read(journal) : List.of();
      for (Put put : puts) {
        writeFully(out, ByteBuffer.wrap(put.bytes), put.offset);
      }
      if (!puts.isEmpty()) {
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

  /** Returns what a journal holds, nothing when its end or its checksum is missing. */
  private static List<Put> read(Path journal) throws IOException {
    byte[] content = Files.readAllBytes(journal);
    List<Put> puts = new ArrayList<>();
    if (content.length < 16) {
      return puts;
    }
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(content))) {
      int size = in.readInt();
      long checksum = in.readLong();
      if (size < 0 || size > content.length - 12 || checksum != checksum(content, 12, size)) {
        return puts;
      }
      for (int left = in.readInt(); left > 0; left--) {
        long offset = in.readLong();
        puts.add(new Put(offset, in.readNBytes(in.readInt())));
      }
    }
    return puts;
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

  /** Writes the journal, then the file, and forgets the journal. */
  @Override
  public void sync() {
    if (pending.isEmpty()) {
      file.sync();
      return;
    }
    try (FileChannel out =
        FileChannel.open(journal, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      writeFully(out, ByteBuffer.wrap(encode()), 0);
      out.force(false);
      for (Put put : pending) {
        file.ensureAvailable(put.offset + put.bytes.length);
        file.putDataOverlap(put.offset, put.bytes, 0, put.bytes.length);
      }
      pending.clear();
      file.sync();
      out.truncate(0);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private byte[] encode() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(0);
      out.writeLong(0);
      out.writeInt(pending.size());
      for (Put put : pending) {
        out.writeLong(put.offset);
        out.writeInt(put.bytes.length);
        out.write(put.bytes);
      }
    }
    byte[] content = bytes.toByteArray();
    int size = content.length - 12;
    ByteBuffer.wrap(content).putInt(size).putLong(checksum(content, 12, size));
    return content;
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
    settled().clear(from, to);
  }

  @Override
  public void clearOverlap(long from, long to) {
    settled().clearOverlap(from, to);
  }

  @Override
  public void ensureAvailable(long size) {
    file.ensureAvailable(size);
  }

  @Override
  public void truncate(long size) {
    settled().truncate(size);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      pending.clear(); // what is whole is in the journal
      file.close();
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
