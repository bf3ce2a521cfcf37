// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import org.jspecify.annotations.Nullable;

/**
 * An account in the journaled state. Everything that changes is written by {@link EvmState} alone.
 */
final class AccountEntry {
  final int id;
  final Address address;

  // the address as the low 160 bits of a word
  final long w0;
  final long w1;
  final long w2;

  /** The account before the block; null when it did not exist. */
  final @Nullable Account base;

  /** Names the storage; a new number when the storage starts afresh. */
  long storageId;

  /** Whether slots from before the block are gone. */
  boolean storageCleared;

  boolean exists;
  long nonce;
  UInt256 balance = UInt256.ZERO;
  Hash codeHash = Account.EMPTY_CODE;

  /** The code, once loaded or deployed. */
  @Nullable Code code;

  boolean codeDeployed;

  /** Whether the block has accessed it (EIP-7928): more than having it warm. */
  boolean accessed;

  boolean alwaysWarm;

  // within the transaction
  boolean touched;
  boolean created;
  boolean destroyed;
  long warm;

  AccountEntry(int id, Address address, long w0, long w1, long w2, @Nullable Account base) {
    this.id = id;
    this.address = address;
    this.w0 = w0;
    this.w1 = w1;
    this.w2 = w2;
    this.base = base;
    this.storageId = id;
    if (base != null) {
      exists = true;
      nonce = base.nonce();
      balance = base.balance();
      codeHash = base.codeHash();
    }
  }

  boolean isEmpty() {
    return nonce == 0 && balance.isZero() && codeHash.equals(Account.EMPTY_CODE);
  }

  boolean hasCode() {
    return !codeHash.equals(Account.EMPTY_CODE);
  }
}
