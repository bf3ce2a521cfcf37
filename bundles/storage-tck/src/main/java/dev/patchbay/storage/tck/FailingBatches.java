// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.tck;

import dev.patchbay.api.storage.WriteBatch;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** Makes batches that fail while a store reads them. */
final class FailingBatches {
  private FailingBatches() {}

  /**
   * Creates a batch throw when the entry at an index is read after a number of reads that succeed,
   * since a store may check a batch before it writes it.
   */
  static void fail(WriteBatch batch, int at, int reads, Throwable failure) throws Exception {
    Field entries = WriteBatch.class.getDeclaredField("entries");
    entries.setAccessible(true);
    entries.set(batch, new FailingList(batch.entries(), at, reads, failure));
  }

  private static final class FailingList extends ArrayList<WriteBatch.Entry> {
    private static final long serialVersionUID = 1L;

    private final int at;
    private int reads;
    private final transient Throwable failure;

    FailingList(List<WriteBatch.Entry> entries, int at, int reads, Throwable failure) {
      super(entries);
      this.at = at;
      this.reads = reads;
      this.failure = failure;
    }

    private WriteBatch.Entry read(int index) {
      if (index == at && reads-- == 0) {
        sneak(failure);
      }
      return super.get(index);
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void sneak(Throwable failure) throws T {
      throw (T) failure;
    }

    @Override
    public WriteBatch.Entry get(int index) {
      return read(index);
    }

    @Override
    public Iterator<WriteBatch.Entry> iterator() {
      return new Iterator<>() {
        private int next;

        @Override
        public boolean hasNext() {
          return next < size();
        }

        @Override
        public WriteBatch.Entry next() {
          return read(next++);
        }
      };
    }
  }
}
