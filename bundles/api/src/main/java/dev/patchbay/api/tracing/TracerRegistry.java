// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.tracing;

import java.util.SortedSet;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The tracers that are installed now. Each is there under its name and under {@code name@version};
 * the name alone means the highest version. Threading: any thread.
 */
@ProviderType
public interface TracerRegistry {
  /**
   * Returns the factory with a name, or null. What is no name but the text of a program, in braces,
   * is handed to the {@link TracerEngine} when there is one.
   */
  @Nullable TracerFactory find(String name);

  /** Returns all names, those with versions included. */
  SortedSet<String> names();
}
