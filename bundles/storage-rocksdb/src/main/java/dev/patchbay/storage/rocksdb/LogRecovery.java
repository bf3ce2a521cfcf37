// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.DBOptions;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.WALRecoveryMode;

/**
 * Checks the MANIFEST and the write-ahead logs of a store before RocksDB reads them. RocksDB then
 * opens them in its strictest mode. Logs that end early after a kill or a power cut are cut to
 * their whole records, unless entries that were synced are missing.
 */
final class LogRecovery {
  private static final Pattern CURRENT = Pattern.compile("MANIFEST-(\\d{6,})\n");
  private static final Pattern LOG = Pattern.compile("(\\d+)\\.log");

  private final Path folder;
  private final SyncMark.@Nullable State synced;
  private final List<Path> logs;

  private LogRecovery(Path folder, SyncMark.@Nullable State synced) throws IOException {
    this.folder = folder;
    this.synced = synced;
    try (Stream<Path> files = Files.list(folder)) {
      logs =
          files
              .filter(file -> number(file) >= 0)
              .sorted(Comparator.comparingLong(LogRecovery::number))
              .toList();
    }
  }

  /** Returns the number of a write-ahead log, or -1 for other files. */
  private static long number(Path file) {
    Matcher matcher = LOG.matcher(file.getFileName().toString());
    return matcher.matches() ? Long.parseLong(matcher.group(1)) : -1;
  }

  /**
   * Checks a store, and cuts logs that end early.
   *
   * @param synced how far the store was synced; null when that is not known
   * @throws IOException when bits have changed, or synced entries are missing; nothing was changed
   */
  static void recover(Path folder, SyncMark.@Nullable State synced)
      throws IOException, RocksDBException {
    new LogRecovery(folder, synced).run();
  }

  /** Returns the number of the MANIFEST that CURRENT names. */
  static long manifest(Path folder) throws IOException {
    Matcher matcher =
        CURRENT.matcher(
            new String(Files.readAllBytes(folder.resolve("CURRENT")), StandardCharsets.ISO_8859_1));
    if (!matcher.matches()) {
      throw new IOException("CURRENT names no MANIFEST");
    }
    return Long.parseLong(matcher.group(1));
  }

  static long manifestBytes(Path folder, long number) throws IOException {
    return Files.size(file(folder, number));
  }

  private static Path file(Path folder, long manifest) {
    return folder.resolve(String.format("MANIFEST-%06d", manifest));
  }

  private void run() throws IOException, RocksDBException {
    long manifest = manifest(folder);
    LogFile.check(file(folder, manifest), false);
    if (synced != null) {
      long bytes = manifestBytes(folder, manifest);
      if (manifest < synced.manifest()
          || manifest == synced.manifest() && bytes < synced.manifestBytes()) {
        throw new IOException("MANIFEST is older than the store");
      }
      if (synced.closed() && manifest == synced.manifest() && bytes == synced.manifestBytes()) {
        return; // the logs have nothing that the other files do not have
      }
    }
    cut();
  }

  private void cut() throws IOException, RocksDBException {
    long next = -1;
    for (int i = 0; i < logs.size(); i++) {
      LogFile.Content content = LogFile.check(logs.get(i), true);
      if (next >= 0 && content.first() >= 0 && content.first() != next) {
        throw new IOException("entries are missing before " + logs.get(i).getFileName());
      }
      next = Math.max(next, content.next());
      if (content.cut()) {
        checkSynced(next, logs.get(i).getFileName() + " ends early");
        for (Path later : logs.subList(i + 1, logs.size())) {
          Files.delete(later); // unsynced too: logs are synced in order
        }
        try (FileChannel log = FileChannel.open(logs.get(i), StandardOpenOption.WRITE)) {
          log.truncate(content.end());
          log.force(true);
        }
        return;
      }
    }
    checkSynced(next, "a log is missing or ends early");
  }

  /** Checks that entries up to a number, or those in other files, are all that was synced. */
  private void checkSynced(long next, String fault) throws IOException, RocksDBException {
    if (synced != null && next <= synced.sequence() && sequence() < synced.sequence()) {
      throw new IOException(fault + ": entries that were synced are missing");
    }
  }

  /** Returns the number of the last entry that RocksDB finds; it changes no file of content. */
  private long sequence() throws RocksDBException {
    List<ColumnFamilyHandle> handles = new ArrayList<>();
    List<ColumnFamilyDescriptor> families = new ArrayList<>();
    try (Options options = new Options();
        DBOptions reading =
            new DBOptions().setWalRecoveryMode(WALRecoveryMode.TolerateCorruptedTailRecords)) {
      for (byte[] name : RocksDB.listColumnFamilies(options, folder.toString())) {
        families.add(new ColumnFamilyDescriptor(name));
      }
      try (RocksDB rocks =
          RocksDB.openReadOnly(reading, folder.toString(), families, handles, false)) {
        long sequence = rocks.getLatestSequenceNumber();
        handles.forEach(ColumnFamilyHandle::close);
        return sequence;
      }
    }
  }
}
