// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.log.index;

import dev.patchbay.binding.DurableFiles;
import dev.patchbay.primitives.Hash;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The index of {@value #BLOCKS} blocks in a file that does not change any more: a head of 48 bytes
 * (mark, number of the section, hash of its last block), then the entries in ascending order, 8
 * bytes each: 51 bits of an address or topic ({@link LogKeys}), 12 bits for the block.
 *
 * @param number number of the section: its first block is {@value #BLOCKS} times as much
 * @param last hash of its last block
 * @param file the file
 * @param entries how many
 */
record Section(long number, Hash last, Path file, long entries) {
  static final int BLOCKS = 4_096;
  private static final int BLOCK_BITS = 12;
  private static final long MARK = 0x5042_4c4f_4749_4458L; // PBLOGIDX
  private static final int HEAD_BYTES = 48;
  private static final Pattern NAME = Pattern.compile("section-([0-9]{1,15})\\.idx");

  /** As many entries are read at once at the end of a search. */
  private static final int PAGE = 512;

  static long of(long block) {
    return block / BLOCKS;
  }

  static long entry(long key, int offset) {
    return key << BLOCK_BITS | offset;
  }

  /** Returns the number that a file is named after, or null. */
  static @Nullable Long numberOf(Path file) {
    Matcher matcher = NAME.matcher(String.valueOf(file.getFileName()));
    return matcher.matches() ? Long.valueOf(matcher.group(1)) : null;
  }

  /** Returns whether a file is a section that was not written to its end. */
  static boolean isUnfinished(Path file) {
    return String.valueOf(file.getFileName()).endsWith(DurableFiles.TEMPORARY);
  }

  /** Writes a section. On failure no section is created. */
  static Section write(Path folder, long number, Hash last, long[] entries, int count)
      throws IOException {
    Arrays.sort(entries, 0, count);
    Path file = folder.resolve("section-" + number + ".idx");
    DurableFiles.replace(
        file,
        out -> {
          DataOutputStream content = new DataOutputStream(out);
          content.writeLong(MARK);
          content.writeLong(number);
          content.write(last.unsafeArray());
          for (int i = 0; i < count; i++) {
            content.writeLong(entries[i]);
          }
        });
    return new Section(number, last, file, count);
  }

  /**
   * Opens a file.
   *
   * @throws IOException when it is not a section
   */
  static Section open(Path file, long number) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size < HEAD_BYTES || size % Long.BYTES != 0) {
        throw new IOException(file + " is no section of a log index: it has " + size + " bytes");
      }
      ByteBuffer head = read(channel, 0, HEAD_BYTES);
      if (head.getLong() != MARK || head.getLong() != number) {
        throw new IOException(file + " is no section of a log index, or of another place");
      }
      byte[] last = new byte[Hash.SIZE];
      head.get(last);
      return new Section(number, Hash.wrap(last), file, (size - HEAD_BYTES) / Long.BYTES);
    }
  }

  private static ByteBuffer read(FileChannel channel, long at, int length) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, at + buffer.position()) < 0) {
        throw new EOFException("a section of the log index ends too early");
      }
    }
    return buffer.flip();
  }

  /** Returns the blocks that have a number of each group: bit i stands for its block i. */
  BitSet candidates(List<long[]> groups) throws IOException {
    BitSet all = new BitSet(BLOCKS);
    all.set(0, BLOCKS);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      for (long[] group : groups) {
        BitSet any = new BitSet(BLOCKS);
        for (long key : group) {
          collect(channel, key, any);
        }
        all.and(any);
        if (all.isEmpty()) {
          break;
        }
      }
    }
    return all;
  }

  private void collect(FileChannel channel, long key, BitSet found) throws IOException {
    long wanted = entry(key, 0);
    long low = 0;
    long high = entries;
    while (high - low > PAGE) {
      long middle = (low + high) >>> 1;
      if (read(channel, HEAD_BYTES + middle * Long.BYTES, Long.BYTES).getLong() < wanted) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    for (long at = low; at < entries; at += PAGE) {
      int length = (int) Math.min(PAGE, entries - at) * Long.BYTES;
      ByteBuffer page = read(channel, HEAD_BYTES + at * Long.BYTES, length);
      while (page.hasRemaining()) {
        long entry = page.getLong();
        if (entry >= wanted) {
          if (entry >>> BLOCK_BITS != key) {
            return;
          }
          found.set((int) entry & (BLOCKS - 1));
        }
      }
    }
  }
}
