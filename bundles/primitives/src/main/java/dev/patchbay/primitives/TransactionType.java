// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import org.jspecify.annotations.Nullable;

/** The transaction types of EIP-2718; which of them a block may hold is up to its chain. */
public enum TransactionType {
  /** Gas price, optional replay protection (EIP-155). */
  LEGACY(0),
  /** With access list (EIP-2930). */
  ACCESS_LIST(1),
  /** With fee market (EIP-1559). */
  FEE_MARKET(2),
  /** With blobs (EIP-4844). */
  BLOB(3),
  /** With authorizations to set code (EIP-7702). */
  SET_CODE(4),
  /** A deposit from L1, on rollups of the OP Stack alone (OP Stack specification, deposits). */
  DEPOSIT(0x7e);

  private final int code;

  TransactionType(int code) {
    this.code = code;
  }

  /** Returns the type byte. */
  public int code() {
    return code;
  }

  /** Returns the type with a type byte, or null when there is none. */
  public static @Nullable TransactionType ofCode(int code) {
    return code == DEPOSIT.code
        ? DEPOSIT
        : code >= 0 && code < DEPOSIT.ordinal() ? values()[code] : null;
  }
}
