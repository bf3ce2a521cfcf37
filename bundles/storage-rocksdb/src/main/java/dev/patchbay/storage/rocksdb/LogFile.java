// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * Checks a file in RocksDB's log format: a write-ahead log or a MANIFEST. RocksDB takes some
 * changed bits for the end of the file and drops the records after them without an error: those of
 * a length near the end, and those that turn a type of record into one of a reused log. Here only a
 * file that was cut off, as by a power cut, may end early.
 *
 * <p>The format: blocks of 32 kB with records of a masked CRC-32C (4 bytes), a length (2), a type
 * (1) and a payload, all little-endian; a record that is longer than its block is fragmented. A
 * record of a write-ahead log begins with a sequence number (8) and a count of entries (4). Source:
 * the page "Write Ahead Log File Format" of RocksDB's wiki.
 */
final class LogFile {
  private static final int BLOCK_BYTES = 32_768;
  private static final int HEADER_BYTES = 7;

  /** Of a batch in a write-ahead log: its sequence number and count. */
  private static final int BATCH_HEADER_BYTES = 12;

  private static final int FULL = 1;
  private static final int FIRST = 2;
  private static final int MIDDLE = 3;
  private static final int LAST = 4;

  private static final int MASK_DELTA = 0xa282ead8;

  private final Path path;
  private final boolean batches;
  private final ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final ByteBuffer batchHeader =
      ByteBuffer.allocate(BATCH_HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);

  private boolean fragmented;
  private long end;
  private long next = -1;
  private long first = -1;

  /**
   * What a file has.
   *
   * @param end where its whole records end
   * @param cut whether more bytes follow: a record that is not complete
   * @param first the sequence number of the first entry; -1 when there is none
   * @param next the sequence number after the last entry; -1 when there is none
   */
  record Content(long end, boolean cut, long first, long next) {}

  private LogFile(Path path, boolean batches) {
    this.path = path;
    this.batches = batches;
  }

  /**
   * Reads a file.
   *
   * @param batches whether it is a write-ahead log
   * @throws IOException when it cannot be read, or bits of it have changed
   */
  static Content check(Path path, boolean batches) throws IOException {
    LogFile file = new LogFile(path, batches);
    try (FileChannel in = FileChannel.open(path, StandardOpenOption.READ)) {
      boolean cut = file.read(in);
      return new Content(file.end, cut || file.fragmented, file.first, file.next);
    }
  }

  /** Reads blocks; returns whether the last record is cut off. */
  private boolean read(FileChannel in) throws IOException {
    long size = in.size();
    for (long start = 0; start < size; start += BLOCK_BYTES) {
      block.clear();
      while (block.hasRemaining() && in.read(block, start + block.position()) >= 0) {
        // the rest of the block
      }
      block.flip();
      if (readBlock(in, start, size)) {
        return true;
      }
    }
    return false;
  }

  /** Reads the records of a block; returns whether the last record of the file is cut off. */
  private boolean readBlock(FileChannel in, long start, long size) throws IOException {
    int limit = block.limit();
    int at = 0;
    while (limit - at >= HEADER_BYTES) {
      int crc = block.getInt(at);
      int length = block.getShort(at + 4) & 0xffff;
      int type = block.get(at + 6);
      int to = at + HEADER_BYTES + length;
      if (to > limit && to <= BLOCK_BYTES && start + limit == size) {
        checkLength(start, at, length, crc);
        return true;
      }
      if (to > limit || type < FULL || type > LAST || crc != crc(at, length)) {
        if (isZeroTo(in, start + at, size)) {
          return true;
        }
        throw damaged(start + at);
      }
      take(type, at + HEADER_BYTES, length, start);
      at = to;
      if (!fragmented) {
        end = start + at;
      }
    }
    return limit < BLOCK_BYTES && at < limit;
  }

  private void take(int type, int from, int length, long start) throws IOException {
    boolean begins = type == FULL || type == FIRST;
    if (begins == fragmented) {
      throw damaged(start + from);
    }
    if (begins) {
      batchHeader.clear();
    }
    int missing = Math.min(length, batchHeader.remaining());
    batchHeader.put(block.array(), from, missing);
    fragmented = type == FIRST || type == MIDDLE;
    if (!fragmented && batches) {
      long sequence = batchHeader.getLong(0);
      if (batchHeader.hasRemaining() || next >= 0 && sequence != next) {
        throw damaged(start + from);
      }
      if (first < 0) {
        first = sequence;
      }
      next = sequence + (batchHeader.getInt(8) & 0xffffffffL);
    }
  }

  private int crc(int at, int length) {
    CRC32C crc = new CRC32C();
    crc.update(block.array(), at + 6, length + 1);
    int value = (int) crc.getValue();
    return Integer.rotateRight(value, 15) + MASK_DELTA;
  }

  /** Refuses a length that is beyond the end of the file because one of its bits has changed. */
  private void checkLength(long start, int at, int length, int crc) throws IOException {
    for (int bit = 0; bit < Short.SIZE; bit++) {
      int other = length ^ 1 << bit;
      if (at + HEADER_BYTES + other <= block.limit() && crc == crc(at, other)) {
        throw damaged(start + at);
      }
    }
  }

  /**
   * Returns whether a file ends in zeros from within a record on: its length was on the disk, but
   * not its content.
   */
  private boolean isZeroTo(FileChannel in, long record, long size) throws IOException {
    long left = size - record;
    int tail = (int) Math.min(left, HEADER_BYTES + 1);
    ByteBuffer last = ByteBuffer.allocate(tail);
    while (last.hasRemaining() && in.read(last, size - tail + last.position()) >= 0) {
      // the rest of the tail
    }
    for (byte value : last.array()) {
      if (value != 0) {
        return false;
      }
    }
    int length = block.getShort((int) (record % BLOCK_BYTES) + 4) & 0xffff;
    // a record that is whole before the zeros is not cut off: its bits have changed
    return left == tail || firstZero(in, record, size) < record + HEADER_BYTES + length;
  }

  /** Returns where the zeros at the end of a file begin. */
  private static long firstZero(FileChannel in, long from, long size) throws IOException {
    ByteBuffer chunk = ByteBuffer.allocate(BLOCK_BYTES);
    long zero = from;
    for (long at = from; at < size; at += chunk.limit()) {
      chunk.clear();
      if (in.read(chunk, at) <= 0) {
        break;
      }
      chunk.flip();
      for (int i = 0; i < chunk.limit(); i++) {
        if (chunk.get(i) != 0) {
          zero = at + i + 1;
        }
      }
    }
    return zero;
  }

  private IOException damaged(long at) {
    return new IOException(path.getFileName() + " has changed at byte " + at);
  }
}
