// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.mapdb.DBException;
import org.mapdb.DataIO;
import org.mapdb.volume.ByteBufferVol;

/**
 * A locked file that is read through a mapping of slices, and written through its {@link #channel}:
 * a page that is written through a mapping would count as memory of the process. So does one that
 * was read, until the file is mapped anew ({@link #remap}); MapDB's own volume never does that.
 *
 * <p>Threading: to read from a slice that is not mapped any more ends the JVM. The caller excludes
 * all readers while it calls {@link #remap} or {@link #close}.
 */
final class MappedPages extends ByteBufferVol {
  private static final byte[] ZEROS = new byte[64 << 10];

  /** A larger file stays mapped: Linux gives a process 65,530 mappings, and needs twice as many. */
  private static final int MAX_REMAPPED_SLICES = 16_384;

  private final Path path;
  private final FileChannel channel;
  private final FileLock lock;

  private MappedPages(Path path, FileChannel channel, FileLock lock, int sliceShift) {
    super(false, sliceShift, true);
    this.path = path;
    this.channel = channel;
    this.lock = lock;
  }

  /**
   * Opens a file, which is made when there is none, and locks it.
   *
   * @param sliceShift the size of a slice, as a power of 2
   * @throws DBException.FileLocked when the file is open already, here or in another process
   * @throws IOException when it cannot be opened or mapped
   */
  static MappedPages open(Path path, int sliceShift) throws IOException {
    FileChannel channel =
        FileChannel.open(
            path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      MappedPages opened = new MappedPages(path, channel, lock(path, channel), sliceShift);
      opened.ensureAvailable(channel.size());
      return opened;
    } catch (IOException | RuntimeException | Error failure) {
      channel.close();
      throw failure;
    }
  }

  private static FileLock lock(Path path, FileChannel channel) throws IOException {
    @Nullable FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException here) {
      throw new DBException.FileLocked(path, here);
    }
    if (lock == null) {
      throw new DBException.FileLocked(path, null);
    }
    return lock;
  }

  /** Returns the channel that writes, which is closed with this volume. */
  FileChannel channel() {
    return channel;
  }

  /** Fills the file with zeros up to whole slices, and maps those that were not mapped. */
  @Override
  public void ensureAvailable(long size) {
    int count = Math.toIntExact(DataIO.roundUp(size, sliceSize) >>> sliceShift);
    int before = slices.length;
    if (count <= before) {
      return;
    }
    try {
      fill((long) count << sliceShift);
      ByteBuffer[] more = Arrays.copyOf(slices, count);
      map(more, before);
      slices = more;
    } catch (IOException failure) {
      throw new DBException.VolumeIOError(failure);
    }
  }

  /** A mapped page that the disk has no room for would be a fault of the processor. */
  private void fill(long size) throws IOException {
    for (long at = channel.size(); at < size; ) {
      int length = (int) Math.min(ZEROS.length, size - at);
      at += channel.write(ByteBuffer.wrap(ZEROS, 0, length), at);
    }
  }

  private void map(ByteBuffer[] target, int from) throws IOException {
    for (int i = from; i < target.length; i++) {
      target[i] = channel.map(FileChannel.MapMode.READ_ONLY, (long) i << sliceShift, sliceSize());
    }
  }

  /**
   * Maps the file anew, so that pages that were read are no longer memory of the process. A file
   * that is too large for it stays mapped as it is.
   */
  void remap() {
    ByteBuffer[] former = slices;
    if (former.length > MAX_REMAPPED_SLICES) {
      return;
    }
    ByteBuffer[] next = new ByteBuffer[former.length];
    try {
      map(next, 0);
    } catch (IOException noMoreMappings) {
      unmap(next);
      return;
    }
    slices = next;
    unmap(former);
  }

  private static void unmap(ByteBuffer[] mapped) {
    for (ByteBuffer slice : mapped) {
      if (slice != null) {
        unmap((MappedByteBuffer) slice);
      }
    }
  }

  @Override
  public void sync() {
    try {
      channel.force(false);
    } catch (IOException failure) {
      throw new DBException.VolumeIOError(failure);
    }
  }

  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    ByteBuffer[] former = slices;
    slices = new ByteBuffer[0];
    unmap(former);
    try {
      channel.close(); // which releases the lock
    } catch (IOException failure) {
      throw new DBException.VolumeIOError(failure);
    }
  }

  /** The store's file never becomes shorter. */
  @Override
  public void truncate(long size) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long length() {
    return path.toFile().length();
  }

  @Override
  public boolean isReadOnly() {
    return false;
  }

  @Override
  public File getFile() {
    return path.toFile();
  }

  @Override
  public boolean getFileLocked() {
    return lock.isValid();
  }
}
