// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.consensus;

import dev.patchbay.primitives.Address;
import java.util.List;
import java.util.Map;
import org.osgi.annotation.versioning.ProviderType;

/** What an operator does with Clique: looks and votes. Threading: any thread. */
@ProviderType
public interface CliqueControl {
  /** Returns the signers after the head, in ascending order. */
  List<Address> signers();

  /** Returns this node's proposals: true to authorise, false to remove. */
  Map<Address, Boolean> proposals();

  /** Proposes to authorise or remove a signer; the vote goes into blocks this node seals. */
  void propose(Address address, boolean authorize);

  /** Drops a proposal. */
  void discard(Address address);
}
