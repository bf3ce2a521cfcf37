// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

/**
 * The right to use a binding until {@link #close()}. One lease lasts one unit of work: a request, a
 * block, an iterator.
 *
 * <p>Threading: may be closed by another thread than the one that took it; closing twice does
 * nothing.
 *
 * @param <T> the type of the service
 */
public interface Lease<T> extends AutoCloseable {
  /** Returns the leased service; it stays usable until the lease is closed. */
  T get();

  @Override
  void close();
}
