// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mapdb.CC;

/** A file takes one mapping for each region: the operating system allows a process 65,530. */
class MappedPagesTest {
  private static final long SLICE = 1L << CC.PAGE_SHIFT;
  private static final long REGION = SLICE * MappedPages.REGION_SLICES;
  private static final Path MAPS = Path.of("/proc/self/maps");

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void file() {
    file = folder.resolve("pages.mapdb");
    assumeTrue(Files.exists(MAPS), "the mappings of a process are read from /proc");
  }

  private long mappings() throws IOException {
    try (Stream<String> lines = Files.lines(MAPS)) {
      return lines.filter(line -> line.endsWith(file.toString())).count();
    }
  }

  private static void put(MappedPages pages, long offset, long value) throws IOException {
    pages.channel().write(ByteBuffer.allocate(Long.BYTES).putLong(0, value), offset);
  }

  /** The file is sparse: it takes no room on the disk. */
  @Test
  void aFileOfMoreSlicesThanMappingsAreAllowedIsOpened() throws IOException {
    long length = 80L << 30;
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(length);
    }
    MappedPages pages = MappedPages.open(file, CC.PAGE_SHIFT);
    try {
      assertThat(mappings()).isBetween(1L, length / REGION);
      long[] places = {0, SLICE, REGION - 8, REGION, length / 2, length - 8};
      for (long place : places) {
        put(pages, place, place + 1);
      }
      pages.touch(REGION, 8);
      pages.releasePages();
      for (long place : places) {
        assertThat(pages.getLong(place)).isEqualTo(place + 1);
      }
    } finally {
      pages.close();
    }
    assertThat(mappings()).isZero();
  }

  @Test
  void aFileThatGrowsBySlicesKeepsOneMappingForEachRegion() throws IOException {
    MappedPages pages = MappedPages.open(file, CC.PAGE_SHIFT);
    try {
      int slices = 2 * MappedPages.REGION_SLICES + 1;
      for (int i = 0; i < slices; i++) {
        pages.ensureAvailable(i * SLICE + 1);
        put(pages, i * SLICE, i + 1);
        for (int read = 0; read <= i; read++) {
          assertThat(pages.getLong(read * SLICE)).isEqualTo(read + 1);
        }
        assertThat(mappings()).isBetween(1L, i / MappedPages.REGION_SLICES + 1L);
      }
      assertThat(Files.size(file)).isEqualTo(slices * SLICE);
    } finally {
      pages.close();
    }
    assertThat(mappings()).isZero();
  }

  /** A region that was read in its last slice alone is mapped anew, too. */
  @Test
  void pagesOfEachRegionThatWasReadAreReleased() throws IOException {
    MappedPages pages = MappedPages.open(file, CC.PAGE_SHIFT);
    try {
      pages.ensureAvailable(REGION + SLICE);
      put(pages, REGION - 8, 5);
      put(pages, REGION + SLICE - 8, 6);
      pages.touch(REGION - 8, 8);
      pages.touch(REGION + SLICE - 8, 8);
      assertThat(pages.residentBytes()).isEqualTo(2L << 16);
      pages.releasePages();
      assertThat(pages.residentBytes()).isZero();
      assertThat(pages.getLong(REGION - 8)).isEqualTo(5);
      assertThat(pages.getLong(REGION + SLICE - 8)).isEqualTo(6);
    } finally {
      pages.close();
    }
  }
}
