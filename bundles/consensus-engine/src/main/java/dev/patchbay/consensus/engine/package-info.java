// SPDX-License-Identifier: Apache-2.0
/** Proof of work up to the merge, and what a consensus client leaves to check after it. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.consensus.engine;
