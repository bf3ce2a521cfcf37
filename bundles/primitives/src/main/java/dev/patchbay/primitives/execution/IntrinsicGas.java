// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.execution;

import dev.patchbay.primitives.AccessListEntry;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import java.math.BigInteger;

/** What a transaction costs before anything is executed. Threading: stateless. */
public final class IntrinsicGas {
  private IntrinsicGas() {}

  /** Returns the intrinsic gas (Yellow Paper, section 6.2; EIP-2028, 2930, 3860, 7702). */
  public static long of(Transaction tx, Fork fork) {
    long gas = tx.isCreation() && fork.includes(Fork.HOMESTEAD) ? 53_000 : 21_000;
    int zeros = zeroBytes(tx.data());
    long nonZeros = tx.data().size() - zeros;
    gas += 4L * zeros + nonZeros * (fork.includes(Fork.ISTANBUL) ? 16 : 68);
    if (tx.isCreation() && fork.includes(Fork.SHANGHAI)) {
      gas += 2L * ((tx.data().size() + 31) / 32);
    }
    for (AccessListEntry entry : tx.accessList()) {
      gas += 2400 + 1900L * entry.storageKeys().size();
    }
    return gas + 25_000L * tx.authorizations().size();
  }

  /** Returns the least gas that a transaction pays for its data (EIP-7623); 0 before Prague. */
  public static long floor(Transaction tx, Fork fork) {
    if (!fork.includes(Fork.PRAGUE)) {
      return 0;
    }
    int zeros = zeroBytes(tx.data());
    return 21_000 + 10L * (zeros + 4L * (tx.data().size() - zeros));
  }

  /** Returns the blob gas of a transaction (EIP-4844). */
  public static long blobGas(Transaction tx) {
    return FeeMarket.BLOB_GAS * tx.blobVersionedHashes().size();
  }

  /** Returns the most that a transaction can cost its sender, in wei. */
  public static BigInteger maximumCost(Transaction tx) {
    return tx.maxFeePerGas()
        .toBigInteger()
        .multiply(UInt256.of(tx.gasLimit()).toBigInteger())
        .add(tx.value().toBigInteger())
        .add(tx.maxFeePerBlobGas().toBigInteger().multiply(BigInteger.valueOf(blobGas(tx))));
  }

  private static int zeroBytes(Bytes data) {
    int zeros = 0;
    for (byte b : data.unsafeArray()) {
      if (b == 0) {
        zeros++;
      }
    }
    return zeros;
  }
}
