// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

/** The forks of the execution layer, in order; each contains the rules of those before it. */
public enum Fork {
  /** The first release, 2015. */
  FRONTIER("Frontier"),
  /** EIP-2, EIP-7. */
  HOMESTEAD("Homestead"),
  /** Gas repricing, EIP-150. */
  TANGERINE_WHISTLE("EIP150"),
  /** EIP-155, EIP-160, EIP-161, EIP-170. */
  SPURIOUS_DRAGON("EIP158"),
  /** EIP-140, 196, 197, 198, 211, 214, 649, 658. */
  BYZANTIUM("Byzantium"),
  /** EIP-145, 1014, 1052, 1234, 1283. */
  CONSTANTINOPLE("Constantinople"),
  /** Constantinople without EIP-1283. */
  PETERSBURG("ConstantinopleFix"),
  /** EIP-152, 1108, 1344, 1884, 2028, 2200. */
  ISTANBUL("Istanbul"),
  /** EIP-2384. */
  MUIR_GLACIER("MuirGlacier"),
  /** EIP-2565, 2929, 2718, 2930. */
  BERLIN("Berlin"),
  /** EIP-1559, 3198, 3529, 3541, 3554. */
  LONDON("London"),
  /** EIP-4345. */
  ARROW_GLACIER("ArrowGlacier"),
  /** EIP-5133. */
  GRAY_GLACIER("GrayGlacier"),
  /** The merge: EIP-3675, 4399. */
  PARIS("Paris"),
  /** EIP-3651, 3855, 3860, 4895. */
  SHANGHAI("Shanghai"),
  /** EIP-1153, 4788, 4844, 5656, 6780, 7516. */
  CANCUN("Cancun"),
  /** EIP-2537, 2935, 6110, 7002, 7251, 7623, 7685, 7691, 7702. */
  PRAGUE("Prague"),
  /** EIP-7594, 7642, 7823, 7825, 7883, 7892, 7918, 7934, 7939, 7951. */
  OSAKA("Osaka"),
  /** Of what it brings, EIP-7843 and 7928 (docs/adr/0020-amsterdam-structures.md). */
  AMSTERDAM("Amsterdam");

  private final String title;

  Fork(String title) {
    this.title = title;
  }

  /** Returns the name that the public test suites use. */
  public String title() {
    return title;
  }

  /** Returns whether the rules of {@code fork} are in force. */
  public boolean includes(Fork fork) {
    return ordinal() >= fork.ordinal();
  }
}
