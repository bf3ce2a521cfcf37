// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.primitives.Block;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Reads a file of blocks, one RLP item after the other, as geth exports them; gzip is noticed by
 * its first bytes. Threading: one thread at a time.
 */
final class ChainFile implements AutoCloseable {
  /** Longer than any block that the gas limit and EIP-7934 let through. */
  private static final int MAX_BLOCK = 64 << 20;

  private final Path file;
  private final Counting raw;
  private final InputStream in;
  private long items;

  /**
   * Opens a file.
   *
   * @throws IOException when it cannot be read; the message says why
   */
  ChainFile(Path file) throws IOException {
    this.file = file;
    if (!Files.isRegularFile(file)) {
      throw new IOException("chain file " + file + " does not exist");
    }
    raw = new Counting(new BufferedInputStream(Files.newInputStream(file), 1 << 16));
    raw.mark(2);
    boolean zipped = raw.read() == 0x1f && raw.read() == 0x8b;
    raw.reset();
    in = zipped ? new BufferedInputStream(new GZIPInputStream(raw, 1 << 16), 1 << 16) : raw;
  }

  /** Returns how many bytes of the file were read. */
  long position() {
    return raw.count;
  }

  /**
   * Returns the next block; null at the end.
   *
   * @throws IOException when the file is cut off or holds something else; the message says where
   */
  @Nullable Block next() throws IOException {
    int first = in.read();
    if (first < 0) {
      return null;
    }
    try {
      if (first < 0xf8) {
        throw new IOException("what begins with 0x" + Integer.toHexString(first) + " is no block");
      }
      byte[] head = new byte[1 + first - 0xf7];
      head[0] = (byte) first;
      readFully(head, 1);
      long length = 0;
      for (int i = 1; i < head.length; i++) {
        length = length << 8 | head[i] & 0xff;
        if (length > MAX_BLOCK) {
          throw new IOException("a block of more than " + MAX_BLOCK + " bytes is announced");
        }
      }
      byte[] item = new byte[head.length + (int) length];
      System.arraycopy(head, 0, item, 0, head.length);
      readFully(item, head.length);
      items++;
      return Block.decode(item);
    } catch (EOFException end) {
      throw new IOException("chain file " + file + " is cut off inside of " + where(), end);
    } catch (IOException | IllegalArgumentException malformed) {
      throw new IOException(
          "chain file " + file + " is not valid at " + where() + ": " + malformed.getMessage(),
          malformed);
    }
  }

  private String where() {
    return "item " + items + " (from 0), before byte " + position();
  }

  private void readFully(byte[] target, int from) throws IOException {
    int read = in.readNBytes(target, from, target.length - from);
    if (read < target.length - from) {
      throw new EOFException();
    }
  }

  @Override
  public void close() throws IOException {
    in.close();
  }

  private static final class Counting extends FilterInputStream {
    private long count;
    private long marked;

    Counting(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      int value = super.read();
      count += value < 0 ? 0 : 1;
      return value;
    }

    @Override
    public int read(byte[] target, int from, int length) throws IOException {
      int n = super.read(target, from, length);
      count += Math.max(0, n);
      return n;
    }

    @Override
    public void mark(int limit) {
      super.mark(limit);
      marked = count;
    }

    @Override
    public void reset() throws IOException {
      super.reset();
      count = marked;
    }
  }
}
