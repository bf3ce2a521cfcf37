// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import dev.patchbay.api.evm.EvmExecution;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.UInt256;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The one change of state by decision: the ether of The DAO and its children moves (EIP-779). */
final class DaoFork {
  private static final Address REFUND =
      Address.fromHex("0xbf4ed7b27f1d666546e30d74d50d173d20bca754");

  private DaoFork() {}

  /** Moves the ether, before the first transaction of the block. */
  static void apply(EvmExecution execution) {
    for (Address account : accounts()) {
      UInt256 balance = execution.balance(account);
      execution.override(account, UInt256.ZERO, null, null);
      execution.credit(REFUND, balance);
    }
  }

  private static List<Address> accounts() {
    try (InputStream in = DaoFork.class.getResourceAsStream("dao-accounts.txt")) {
      if (in == null) {
        throw new IllegalStateException("dao-accounts.txt is not in the bundle");
      }
      return new String(in.readAllBytes(), StandardCharsets.US_ASCII)
          .lines()
          .map(Address::fromHex)
          .toList();
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }
}
