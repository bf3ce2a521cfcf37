// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

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
import java.util.Objects;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.mapdb.CC;
import org.mapdb.DataIO;
import org.mapdb.DataInput2;
import org.mapdb.volume.ByteArrayVol;
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
 * <p>Reads go through a memory mapping of the file, writes do not ({@link MappedPages}); the
 * operating systems keep both views of a file the same.
 *
 * <p>Each method that reads reports the bytes to {@link MappedPages}: those here, and through them
 * all others of {@link Volume}, whose defaults read by them.
 *
 * <p>Threading: MapDB holds all of its locks around the writes and the sync of a commit, and {@link
 * MapDbStore} one that excludes its readers.
 */
final class JournaledVolume extends Volume {
  /** A longer journal is not worth the time that it saves; a commit has some megabytes. */
  private static final long CHECKPOINT_BYTES = 32L << 20;

  /** Of a commit: the size of what follows, and its checksum. */
  private static final int HEADER_BYTES = Integer.BYTES + Long.BYTES;

  /** Where MapDB's header has the end of the file, with parity bits. */
  private static final long FILE_TAIL_OFFSET = 40;

  /** The end of a commit that was not written before a power cut. */
  private static final int ZEROS = 512;

  private record Put(long offset, byte[] bytes) {}

  private final MappedPages file;
  private final FileChannel out;
  private final FileChannel journal;
  private final List<Put> pending = new ArrayList<>();

  /** Whether a commit came to no end, so that only the journal is whole. */
  private boolean unfinished;

  private JournaledVolume(MappedPages file, FileChannel journal) {
    this.file = file;
    out = file.channel();
    this.journal = journal;
  }

  /** Puts a journal before one file, and keeps other files in memory. */
  static final class Factory extends VolumeFactory {
    private final Path journaled;
    private @Nullable JournaledVolume volume;

    Factory(Path journaled) {
      this.journaled = journaled;
    }

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
      try {
        MappedPages file = MappedPages.open(journaled, sliceShift);
        try {
          JournaledVolume made = new JournaledVolume(file, openJournal());
          volume = made;
          return made;
        } catch (IOException failure) {
          file.close();
          throw failure;
        }
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }

    private FileChannel openJournal() throws IOException {
      return FileChannel.open(
          journalOf(journaled), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    /**
     * Checks the size that the file had before it was opened against its header.
     *
     * @throws IOException when the file was cut off
     */
    void checkSize(long size) throws IOException {
      JournaledVolume made = Objects.requireNonNull(volume);
      long expected = DataIO.parity16Get(made.getLong(FILE_TAIL_OFFSET));
      if (size < expected) {
        throw new IOException("the file has " + size + " of " + expected + " bytes");
      }
    }

    /** Returns how many bytes may be memory of the process because they were read; any thread. */
    long residentBytes() {
      JournaledVolume made = volume;
      return made == null ? 0 : made.file.residentBytes();
    }

    /** Maps the slices that were read anew; the caller excludes all readers. */
    void releasePages() {
      JournaledVolume made = volume;
      if (made != null) {
        made.file.releasePages();
      }
    }

    /** Closes the file and leaves the journal as it is, so that opening repeats it. */
    void abandon() {
      JournaledVolume made = volume;
      if (made != null) {
        made.unfinished = true;
        made.close();
      }
    }

    @Override
    public boolean exists(String path) {
      return Files.exists(Path.of(path));
    }

    @Override
    public boolean handlesReadonly() {
      return false;
    }
  }

  static Path journalOf(Path file) {
    return file.resolveSibling(file.getFileName() + ".journal");
  }

  /**
   * Repeats the commits that a journal has whole, and removes MapDB's log. The commits stay in the
   * journal until the file is next forced, as repeating them again changes nothing. Does nothing
   * while another process has the file open.
   *
   * @throws IOException when a file cannot be read or written, or the journal is damaged
   */
  static void recover(Path file) throws IOException {
    try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE);
        FileLock lock = out.tryLock()) {
      if (lock == null) {
        return;
      }
      Path journal = journalOf(file);
      if (Files.exists(journal)) {
        List<byte[]> commits = new ArrayList<>();
        long end = commits(journal, commits);
        for (byte[] commit : commits) {
          repeat(commit, out);
        }
        pad(out);
        out.force(true);
        try (FileChannel whole = FileChannel.open(journal, StandardOpenOption.WRITE)) {
          whole.truncate(end);
          whole.force(true);
        }
      }
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

  /**
   * Gives a file the length that it had: a power cut may have lost it together with its content.
   */
  private static void pad(FileChannel out) throws IOException {
    long length = DataIO.roundUp(out.size(), CC.PAGE_SIZE);
    if (length > out.size()) {
      writeFully(out, ByteBuffer.allocate(1), length - 1);
    }
  }

  /**
   * Reads the whole commits at a journal's start, and returns where they end. Only the last commit
   * may be cut off: each is forced to the disk before the next.
   *
   * @throws IOException when bits of the journal have changed
   */
  private static long commits(Path journal, List<byte[]> commits) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(journal));
    while (in.remaining() >= HEADER_BYTES) {
      int start = in.position();
      int size = in.getInt();
      long checksum = in.getLong();
      int left = in.remaining();
      if (size < 0 || size > left) {
        checkSize(in, size, checksum, journal);
        return start;
      }
      if (checksum != checksum(in.array(), in.position(), size)) {
        if (size == left && isZero(in.array(), in.limit() - Math.min(size, ZEROS), in.limit())) {
          return start; // the file has its length, but not the content: a power cut
        }
        throw damaged(journal, start);
      }
      byte[] commit = new byte[size];
      in.get(commit);
      commits.add(commit);
    }
    return in.position();
  }

  /** Refuses a size that is too large because one of its bits has changed. */
  private static void checkSize(ByteBuffer in, int size, long checksum, Path journal)
      throws IOException {
    for (int bit = 0; bit < Integer.SIZE; bit++) {
      int other = size ^ 1 << bit;
      if (other >= 0
          && other <= in.remaining()
          && checksum == checksum(in.array(), in.position(), other)) {
        throw damaged(journal, in.position() - HEADER_BYTES);
      }
    }
  }

  private static IOException damaged(Path journal, long at) {
    return new IOException(journal.getFileName() + " has changed at byte " + at);
  }

  private static boolean isZero(byte[] bytes, int from, int to) {
    for (int i = from; i < to; i++) {
      if (bytes[i] != 0) {
        return false;
      }
    }
    return true;
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
    unfinished = true;
    try {
      long end = journal.size();
      ByteBuffer commit = ByteBuffer.wrap(encode());
      writeFully(journal, commit, end);
      journal.force(false);
      for (Put put : pending) {
        file.ensureAvailable(put.offset + put.bytes.length);
        writeFully(out, ByteBuffer.wrap(put.bytes), put.offset);
      }
      pending.clear();
      if (end + commit.capacity() >= CHECKPOINT_BYTES) {
        checkpoint();
      }
      unfinished = false;
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** Forces the file to disk, and empties the journal. */
  private void checkpoint() throws IOException {
    out.force(false);
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

  /**
   * Returns the file, some bytes of which are about to be read. What was put is read after a sync
   * only; MapDB does so anyway.
   */
  private Volume settled(long offset, int size) {
    if (!pending.isEmpty()) {
      sync();
    }
    file.touch(offset, size);
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
    return settled(offset, Long.BYTES).getLong(offset);
  }

  @Override
  public int getInt(long offset) {
    return settled(offset, Integer.BYTES).getInt(offset);
  }

  @Override
  public byte getByte(long offset) {
    return settled(offset, 1).getByte(offset);
  }

  @Override
  public DataInput2 getDataInput(long offset, int size) {
    return settled(offset, size).getDataInput(offset, size);
  }

  @Override
  public DataInput2 getDataInputOverlap(long offset, int size) {
    return settled(offset, size).getDataInputOverlap(offset, size);
  }

  @Override
  public void getData(long offset, byte[] target, int from, int size) {
    settled(offset, size).getData(offset, target, from, size);
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
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      pending.clear(); // of a commit that did not come to its end
      try (journal) {
        if (!unfinished) {
          checkpoint();
        }
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
