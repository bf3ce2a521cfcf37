// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import java.util.List;

/**
 * An address and storage keys that a transaction announces to touch (EIP-2930).
 *
 * @param address the account
 * @param storageKeys its storage keys, in the order given
 */
public record AccessListEntry(Address address, List<Hash> storageKeys) {
  /** Copies the list. */
  public AccessListEntry {
    storageKeys = List.copyOf(storageKeys);
  }
}
