// SPDX-License-Identifier: Apache-2.0
package com.example.journal;

import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.zip.CRC32;

/**
 * The file of a store: records one after the other, each the bytes of one batch. A record has 12
 * bytes before them: their number, the checksum of the number, and their checksum. Each record is
 * synced before the next one. So only the last record can be incomplete; its batch was not
 * reported, and it is removed when the file is opened. The file grows with each batch; a migration
 * to another backend and back makes it small.
 *
 * <p>Threading: one thread at a time. A thread that is interrupted writes to the end, which a
 * {@link FileChannel} would not.
 */
final class JournalFile {
  private static final String NAME = "journal";
  private static final int HEADER = 12;

  /** In place of the length of a key: the entry adds the column. */
  private static final int NEW_COLUMN = -1;

  /** In place of the length of a value: the entry removes the key. */
  private static final int REMOVED = -1;

  private final Path path;
  private final RandomAccessFile file;
  private volatile long length;

  private JournalFile(Path path, RandomAccessFile file) {
    this.path = path;
    this.file = file;
  }

  /** Opens the file, and creates the folder and the file when there is no folder. */
  static JournalFile open(Path folder, boolean create) {
    Path path = folder.resolve(NAME);
    if (!Files.exists(path) && (Files.exists(folder) || !create)) {
      throw StorageException.incomplete(folder, "it has no file " + NAME);
    }
    try {
      if (!Files.exists(path)) {
        Files.createDirectories(folder);
        Files.createFile(path);
        sync(folder);
        sync(folder.toAbsolutePath().getParent());
      }
      return locked(folder, path);
    } catch (IOException failed) {
      throw StorageException.cannotOpen(folder, failed);
    }
  }

  private static JournalFile locked(Path folder, Path path) throws IOException {
    RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
    try {
      FileLock lock = file.getChannel().tryLock();
      if (lock == null) {
        throw StorageException.inUse(folder, null);
      }
      return new JournalFile(path, file);
    } catch (OverlappingFileLockException used) {
      file.close();
      throw StorageException.inUse(folder, used);
    } catch (RuntimeException | IOException failed) {
      file.close();
      throw failed;
    }
  }

  /** Makes the names of new files in a folder survive a power cut. */
  private static void sync(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  long length() {
    return length;
  }

  /** Appends a record; when the method returns, it survives a power cut. */
  void append(byte[] record) throws IOException {
    ByteBuffer whole = ByteBuffer.allocate(HEADER + record.length);
    whole.putInt(record.length).putInt(checksum(record.length)).putInt(checksum(record));
    whole.put(record);
    file.seek(length);
    file.write(whole.array());
    file.getFD().sync();
    length += whole.capacity();
  }

  /** Reads all records, and removes an incomplete one at the end. */
  Content read() throws IOException {
    Content content = new Content();
    long size = file.length();
    file.seek(0);
    // not closed: that of any descriptor of the file would end the lock on it
    InputStream stream = Channels.newInputStream(file.getChannel());
    DataInputStream in = new DataInputStream(new BufferedInputStream(stream, 1 << 16));
    while (size - length >= HEADER) {
      int bytes = in.readInt();
      requireSame(checksum(bytes), in.readInt());
      int expected = in.readInt();
      if (size - length - HEADER < bytes) {
        break;
      }
      byte[] record = in.readNBytes(bytes);
      requireSame(checksum(record), expected);
      decode(record, content);
      length += HEADER + bytes;
    }
    if (length < size) {
      file.setLength(length);
    }
    return content;
  }

  private void requireSame(int computed, int stored) throws IOException {
    if (computed != stored) {
      throw new IOException("the record at byte " + length + " of " + path + " has changed");
    }
  }

  void close() {
    try {
      file.close();
    } catch (IOException failed) {
      throw StorageException.of("cannot close " + path + ": " + failed, failed);
    }
  }

  // ---- records

  /** Returns the record of a batch. */
  static byte[] encode(WriteBatch batch) {
    return record(
        out -> {
          for (WriteBatch.Entry entry : batch.entries()) {
            out.writeUTF(entry.column().name());
            out.writeInt(entry.key().length);
            out.write(entry.key());
            out.writeInt(entry.value() == null ? REMOVED : entry.value().length);
            out.write(entry.value() == null ? new byte[0] : entry.value());
          }
        });
  }

  /** Returns the record of new columns. */
  static byte[] encode(Set<String> columns) {
    return record(
        out -> {
          for (String column : columns) {
            out.writeUTF(column);
            out.writeInt(NEW_COLUMN);
          }
        });
  }

  private static void decode(byte[] record, Content content) throws IOException {
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(record));
    while (in.available() > 0) {
      String column = in.readUTF();
      int keyLength = in.readInt();
      if (keyLength == NEW_COLUMN) {
        content.add(column);
      } else {
        byte[] key = in.readNBytes(keyLength);
        int valueLength = in.readInt();
        content.put(column, key, valueLength == REMOVED ? null : in.readNBytes(valueLength));
      }
    }
  }

  private interface Body {
    void writeTo(DataOutputStream out) throws IOException;
  }

  private static byte[] record(Body body) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      body.writeTo(new DataOutputStream(bytes));
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return bytes.toByteArray();
  }

  private static int checksum(byte[] bytes) {
    CRC32 crc = new CRC32();
    crc.update(bytes);
    return (int) crc.getValue();
  }

  private static int checksum(int number) {
    return checksum(ByteBuffer.allocate(Integer.BYTES).putInt(number).array());
  }
}
