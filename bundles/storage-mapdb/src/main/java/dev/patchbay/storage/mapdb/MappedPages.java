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
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.mapdb.DBException;
import org.mapdb.DataIO;
import org.mapdb.volume.ByteBufferVol;

/**
 * A locked file that is read through a mapping, and written through its {@link #channel}: a page
 * that is written through a mapping would count as memory of the process. So does one that was
 * read, until its region is mapped anew ({@link #releasePages}); MapDB's own volume never does
 * that.
 *
 * <p>Slices are views of regions of {@value #REGION_SLICES} slices, each of which is one mapping:
 * the operating system allows a process 65,530 mappings ({@code vm.max_map_count}), which a mapping
 * for each slice of 1 MB would exceed in a file of 64 GB.
 *
 * <p>Threading: to read from a slice that is not mapped any more ends the JVM. {@link
 * #releasePages}, {@link #ensureAvailable} and {@link #close} are called with the write lock of
 * {@link MapDbStore} held, or while the file is opened and no other thread has it. All reads are
 * under the read or the write lock: MapDB reads a record to its end within a call, keeps no buffer
 * of a slice after it, and has no thread of its own. So a slice has no reader when it is unmapped,
 * and the lock makes the new one visible to later readers. {@link #touch} may run in several
 * readers at once.
 */
final class MappedPages extends ByteBufferVol {
  private static final byte[] ZEROS = new byte[64 << 10];

  /** Linux maps the 64 kB around a page that is read, as far as it has them in memory. */
  private static final int BLOCK_SHIFT = 16;

  /** Slices of a region. The last region has fewer until the file has grown. */
  static final int REGION_SLICES = 64;

  private final Path path;
  private final FileChannel channel;
  private final FileLock lock;

  /** The mappings, of which {@link #slices} has views. */
  private MappedByteBuffer[] regions = new MappedByteBuffer[0];

  /** Of each block, 1 when it was read since pages were released. */
  private byte[] touched = new byte[0];

  /**
   * How many blocks were read since pages were released, or a few more: two readers may both count
   * one.
   */
  private final AtomicInteger touchedBlocks = new AtomicInteger();

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

  /**
   * Fills the file with zeros up to whole slices, and maps those that were not mapped: the last
   * region is mapped anew when it was not whole.
   */
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
      int whole = before / REGION_SLICES;
      MappedByteBuffer former = whole < regions.length ? regions[whole] : null;
      MappedByteBuffer[] mapped =
          Arrays.copyOf(regions, (count + REGION_SLICES - 1) / REGION_SLICES);
      for (int i = whole; i < mapped.length; i++) {
        mapped[i] = map(i, more);
      }
      touched = Arrays.copyOf(touched, count << (sliceShift - BLOCK_SHIFT));
      regions = mapped;
      slices = more;
      if (former != null) {
        unmap(former);
      }
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

  /** Maps a region of a file, and puts views of it into the slices of the file. */
  private MappedByteBuffer map(int region, ByteBuffer[] target) throws IOException {
    int first = region * REGION_SLICES;
    int count = Math.min(REGION_SLICES, target.length - first);
    MappedByteBuffer mapped =
        channel.map(FileChannel.MapMode.READ_ONLY, (long) first << sliceShift, count << sliceShift);
    for (int i = 0; i < count; i++) {
      target[first + i] = mapped.slice(i << sliceShift, sliceSize);
    }
    return mapped;
  }

  /** Notes that bytes are about to be read; those past the end of the file do not count. */
  void touch(long offset, int size) {
    byte[] noted = touched;
    long last = Math.min((offset + Math.max(size, 1) - 1) >>> BLOCK_SHIFT, noted.length - 1L);
    for (long block = offset >>> BLOCK_SHIFT; block <= last; block++) {
      if (noted[(int) block] == 0) {
        noted[(int) block] = 1;
        touchedBlocks.incrementAndGet();
      }
    }
  }

  /** Returns how many bytes may be memory of the process because they were read; any thread. */
  long residentBytes() {
    return (long) touchedBlocks.get() << BLOCK_SHIFT;
  }

  /**
   * Maps the regions that were read anew, so that their pages are no longer memory of the process.
   * The former mapping of a region ends after the new one is in its place. When a region cannot be
   * mapped, it and the later ones stay mapped as they are until they are read again.
   */
  void releasePages() {
    MappedByteBuffer[] mapped = regions;
    try {
      for (int i = 0; i < mapped.length; i++) {
        if (isTouched(i)) {
          MappedByteBuffer former = mapped[i];
          mapped[i] = map(i, slices);
          unmap(former);
        }
      }
    } catch (IOException noMoreMappings) {
      // what is read from now on is counted anew, so that not each reader tries again
    }
    Arrays.fill(touched, (byte) 0);
    touchedBlocks.set(0);
  }

  private boolean isTouched(int region) {
    int blocks = REGION_SLICES << (sliceShift - BLOCK_SHIFT);
    int end = Math.min(touched.length, (region + 1) * blocks);
    for (int block = region * blocks; block < end; block++) {
      if (touched[block] != 0) {
        return true;
      }
    }
    return false;
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
    MappedByteBuffer[] former = regions;
    slices = new ByteBuffer[0];
    regions = new MappedByteBuffer[0];
    touched = new byte[0];
    for (MappedByteBuffer region : former) {
      unmap(region);
    }
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
