// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import java.util.Comparator;

/**
 * A sub-protocol and its version, as two nodes announce them in Hello (devp2p, section "Hello").
 *
 * @param name 1 to 8 ASCII characters, such as {@code eth}
 * @param version version of the sub-protocol, at least 0
 */
public record Capability(String name, int version) implements Comparable<Capability> {
  private static final Comparator<Capability> ORDER =
      Comparator.comparing(Capability::name).thenComparingInt(Capability::version);

  /**
   * Checks both.
   *
   * @throws IllegalArgumentException when the name or the version is out of range
   */
  public Capability {
    if (name.isEmpty() || name.length() > 8 || !name.chars().allMatch(c -> c > 32 && c < 127)) {
      throw new IllegalArgumentException("a capability's name has 1 to 8 ASCII characters");
    }
    if (version < 0) {
      throw new IllegalArgumentException("a capability's version is at least 0, not " + version);
    }
  }

  /** Orders by name, upper case before lower case, then by version. */
  @Override
  public int compareTo(Capability other) {
    return ORDER.compare(this, other);
  }

  /** Returns {@code name/version}. */
  @Override
  public String toString() {
    return name + "/" + version;
  }
}
