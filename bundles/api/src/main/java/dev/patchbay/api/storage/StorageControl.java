// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Lists stores and moves the chain from one to another while the node runs. Threading: any thread.
 */
@ProviderType
public interface StorageControl {
  /** Where a migration stands. */
  enum Stage {
    /** None was asked for yet. */
    IDLE,
    /** The target is checked. */
    PREPARE,
    /** Entries are copied. */
    COPY,
    /** Batches committed in the meantime are replayed. */
    CATCH_UP,
    /** Imports wait; the last batches are replayed and both stores compared. */
    FENCE,
    /** The target is bound. */
    REPLACE,
    /** Done. */
    DONE,
    /** Given up on request; the old store is still bound. */
    CANCELLED,
    /** Failed; the old store is still bound. */
    FAILED
  }

  /**
   * A store that is present.
   *
   * @param id its name
   * @param active whether the chain lives in it
   * @param durable whether it survives the end of the process
   * @param bytes its size
   */
  record Store(String id, boolean active, boolean durable, long bytes) {}

  /**
   * Progress of a migration.
   *
   * @param stage the stage
   * @param from the store that the chain lives in
   * @param to the target
   * @param copied entries copied so far
   * @param total entries to copy
   * @param fenceNanos how long imports waited, in nanoseconds
   * @param message what happened last
   */
  record Progress(
      Stage stage,
      String from,
      String to,
      long copied,
      long total,
      long fenceNanos,
      String message) {
    /** Returns whether a migration is under way. */
    public boolean running() {
      return stage != Stage.IDLE
          && stage != Stage.DONE
          && stage != Stage.CANCELLED
          && stage != Stage.FAILED;
    }
  }

  /** Returns the stores that are present, by name. */
  List<Store> stores();

  /** Returns the name of the store that is chosen, present or not. */
  String chosen();

  /** Returns where the last migration stands. */
  Progress progress();

  /**
   * Moves the chain to another store; returns when it has moved.
   *
   * @throws IllegalArgumentException when there is no such store, or the chain is in it
   * @throws IllegalStateException when a migration is under way
   * @throws StorageException when the migration failed or was cancelled; the chain stays where it
   *     was
   */
  Progress migrate(String id);

  /** Asks a migration under way to stop; does nothing after its fence. */
  void cancel();
}
