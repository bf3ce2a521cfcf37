// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.rlp;

/** Thrown when input is not canonical RLP, or not of the expected shape. */
public final class RlpException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception with a message that says what was found and where. */
  public RlpException(String message) {
    super(message);
  }
}
