// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import dev.patchbay.binding.DurableFiles;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The latest blocks that this node has sealed, in a file, so that it seals no two blocks on one
 * parent. The file has whole blocks: one that was sealed, and was lost before any node had it, is
 * imported again. Otherwise its signer would have to leave the height to others, and a chain of two
 * signers would stop.
 *
 * <p>Threading: any thread.
 */
final class SealedBlocks {
  /** How many blocks are kept; below the others nothing is sealed. */
  static final int KEPT = 16;

  private static final int CHECKSUM_BYTES = 8;

  private final Path file;
  private final TreeMap<Long, List<Block>> blocks = new TreeMap<>();

  /** The highest number of a block that was sealed and is not kept; -1 when all are kept. */
  private long highestEvicted = -1;

  private SealedBlocks(Path file) {
    this.file = file;
  }

  /**
   * Reads a file; one that does not exist has no blocks.
   *
   * @throws IllegalStateException when the file is damaged or cannot be read; the message names it
   */
  static SealedBlocks open(Path file) {
    SealedBlocks opened = new SealedBlocks(file);
    try {
      if (Files.exists(file)) {
        opened.read(Files.readAllBytes(file));
      }
    } catch (IOException | RlpException damaged) {
      throw new IllegalStateException(
          "the file "
              + file
              + " of sealed blocks cannot be read: "
              + damaged.getMessage()
              + ". Delete it only when no other node has a block that this one has sealed"
              + " and its chain has not",
          damaged);
    }
    return opened;
  }

  private void read(byte[] content) throws IOException {
    int length = content.length - CHECKSUM_BYTES;
    if (length < 0
        || ByteBuffer.wrap(content, length, CHECKSUM_BYTES).getLong()
            != checksum(Arrays.copyOf(content, length))) {
      throw new IOException("its checksum is wrong");
    }
    RlpReader list = RlpReader.of(content).list();
    highestEvicted = list.number() - 1;
    while (list.hasNext()) {
      Block block = Block.read(list);
      blocks.merge(block.number(), List.of(block), SealedBlocks::both);
    }
  }

  private static long checksum(byte[] content) {
    CRC32 crc = new CRC32();
    crc.update(content);
    return crc.getValue();
  }

  private static List<Block> both(List<Block> before, List<Block> added) {
    return Stream.concat(before.stream(), added.stream()).toList();
  }

  /** Returns the block that was sealed on a parent, or null. */
  synchronized @Nullable Block on(Hash parent, long number) {
    return blocks.getOrDefault(number, List.of()).stream()
        .filter(block -> block.header().parentHash().equals(parent))
        .findFirst()
        .orElse(null);
  }

  /**
   * Checks that a number is not below all that is known of sealed blocks.
   *
   * @throws IllegalStateException when this node may have sealed another block with the number
   */
  synchronized void check(long number) {
    if (number <= highestEvicted) {
      throw new IllegalStateException(
          "this node has sealed block "
              + highestEvicted
              + " of the chain before, and seals none up to "
              + highestEvicted
              + " again. When all signers have given up what they sealed, delete the file "
              + file);
    }
  }

  /**
   * Adds a block; it is on the disk on return.
   *
   * @throws IllegalStateException when the file cannot be written; the block is not added
   */
  synchronized void add(Block block) {
    TreeMap<Long, List<Block>> before = new TreeMap<>(blocks);
    long evictedBefore = highestEvicted;
    blocks.merge(block.number(), List.of(block), SealedBlocks::both);
    while (blocks.size() > KEPT) {
      highestEvicted = Math.max(highestEvicted, blocks.pollFirstEntry().getKey());
    }
    write(before, evictedBefore);
  }

  /** Removes a block that no other node can have. */
  synchronized void remove(Block block) {
    TreeMap<Long, List<Block>> before = new TreeMap<>(blocks);
    blocks.computeIfPresent(
        block.number(),
        (number, kept) -> {
          List<Block> rest =
              kept.stream()
                  .filter(other -> !other.hash().equals(block.hash()))
                  .collect(Collectors.toList());
          return rest.isEmpty() ? null : rest;
        });
    if (!blocks.equals(before)) {
      write(before, highestEvicted);
    }
  }

  private void write(TreeMap<Long, List<Block>> before, long evictedBefore) {
    RlpWriter writer = new RlpWriter();
    writer.list(
        w -> {
          w.number(highestEvicted + 1);
          blocks.values().forEach(same -> same.forEach(block -> w.raw(block.encode())));
        });
    byte[] content = writer.toArray();
    byte[] checked = Arrays.copyOf(content, content.length + CHECKSUM_BYTES);
    ByteBuffer.wrap(checked).putLong(content.length, checksum(content));
    try {
      DurableFiles.replace(file, checked);
    } catch (IOException failure) {
      blocks.clear();
      blocks.putAll(before);
      highestEvicted = evictedBefore;
      throw new IllegalStateException(
          "a sealed block cannot be written to " + file + ": " + failure.getMessage(), failure);
    }
  }
}
