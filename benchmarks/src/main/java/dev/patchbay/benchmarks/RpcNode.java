// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.benchmarks;

import java.net.URI;

/** A running node, which ends when it is closed. */
interface RpcNode extends AutoCloseable {
  /** Returns where it answers over HTTP. */
  URI http();
}
