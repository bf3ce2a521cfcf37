// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Lists stores and moves them from one backend to another while the node runs. Threading: any
 * thread.
 */
@ProviderType
public interface StorageControl {
  /** The stages of a migration. */
  enum Stage {
    /** No migration was requested. */
    IDLE,
    /** The target is opened and checked. */
    PREPARE,
    /** Entries are copied. */
    COPY,
    /** Source and target are compared. */
    CATCH_UP,
    /** Writes wait; the last batches are copied and flushed. */
    FENCE,
    /** The choice is written, and the target is bound. */
    REPLACE,
    /** The target is bound. */
    DONE,
    /** Cancelled on request; the source is still bound. */
    CANCELLED,
    /** Failed; the source is still bound. */
    FAILED
  }

  /**
   * A named store in a backend that is installed.
   *
   * @param name its name
   * @param backend the backend
   * @param bundle the symbolic name of the bundle that provides the backend
   * @param active whether the store is bound in this backend
   * @param durable whether the content survives the end of the process
   * @param bytes its size; 0 when the backend has no files of this store
   */
  record Store(
      String name, String backend, String bundle, boolean active, boolean durable, long bytes) {}

  /**
   * Progress of a migration.
   *
   * @param stage the stage
   * @param store the name of the store; empty before the first migration
   * @param from the backend that the store is in, with the bundle when the target has the same id
   * @param to the target, likewise
   * @param copied entries copied so far
   * @param total entries to copy, estimated
   * @param fenceNanos how long writes waited, in nanoseconds
   * @param message the latest event
   */
  record Progress(
      Stage stage,
      String store,
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

  /** Returns the registered stores in each installed backend, by name, backend and bundle. */
  List<Store> stores();

  /** Returns the names of the registered stores, in order. */
  List<String> names();

  /**
   * Returns the backend that is chosen for a store, installed or not.
   *
   * @throws IllegalArgumentException when no store of this name is registered
   */
  String chosen(String name);

  /**
   * Returns the symbolic name of the bundle whose backend is chosen for a store, installed or not;
   * null while none is chosen: the store was never opened, or only by nodes that did not write it.
   *
   * @throws IllegalArgumentException when no store of this name is registered
   */
  @Nullable String chosenBundle(String name);

  /**
   * Returns the names of the stores that were migrated to a backend that is not durable: their
   * content ends with the process, and the operator has not accepted that.
   */
  List<String> endangered();

  /** Returns the progress of the latest migration. */
  Progress progress();

  /** Moves a store to another backend, which only one bundle provides. */
  default Progress migrate(String name, String backend) {
    return migrate(name, backend, null);
  }

  /**
   * Moves a store to another backend; returns when it has moved. The backend of another bundle is
   * another one, also when it has the same id.
   *
   * @param bundle the symbolic name of the bundle of the backend; null when only one bundle
   *     provides the id
   * @throws IllegalArgumentException when there is no such store or backend, the store is in it, or
   *     several bundles provide the id and none is given
   * @throws IllegalStateException when a migration is under way
   * @throws StorageException when the migration failed or was cancelled; the store is where it was
   */
  Progress migrate(String name, String backend, @Nullable String bundle);

  /**
   * Opens a store that is not open in the backend of another bundle, which has the id of the chosen
   * one and reads the same files. Returns when the store is open and the bundle is written down.
   *
   * @param bundle the symbolic name of the bundle
   * @throws IllegalArgumentException when there is no such store, or the bundle does not provide
   *     the backend
   * @throws IllegalStateException when the store is open, or a migration is under way
   * @throws StorageException when the bundle cannot open the files; the choice is as it was
   */
  void use(String name, String bundle);

  /** Cancels a migration under way; does nothing after its fence. */
  void cancel();
}
