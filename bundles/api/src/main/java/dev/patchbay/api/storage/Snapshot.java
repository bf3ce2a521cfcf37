// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * A view of a store at one moment, unaffected by later batches. Close it soon: it may hold old
 * versions.
 */
@ConsumerType
public interface Snapshot extends KeyReader, AutoCloseable {
  @Override
  void close();
}
