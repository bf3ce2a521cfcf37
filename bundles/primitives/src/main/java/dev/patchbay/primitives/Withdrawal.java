// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;

/**
 * A withdrawal from the beacon chain (EIP-4895).
 *
 * @param index unsigned 64 bits
 * @param validatorIndex unsigned 64 bits
 * @param address the recipient
 * @param amount in gwei, unsigned 64 bits
 */
public record Withdrawal(long index, long validatorIndex, Address address, long amount) {
  /** Appends the RLP list. */
  public void write(RlpWriter writer) {
    writer.list(w -> w.number(index).number(validatorIndex).address(address).number(amount));
  }

  /** Reads the RLP list. */
  public static Withdrawal read(RlpReader reader) {
    RlpReader r = reader.list();
    Withdrawal withdrawal = new Withdrawal(r.number(), r.number(), r.address(), r.number());
    r.expectEnd();
    return withdrawal;
  }
}
