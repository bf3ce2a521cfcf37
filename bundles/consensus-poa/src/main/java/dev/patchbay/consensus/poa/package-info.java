// SPDX-License-Identifier: Apache-2.0
/** Clique (EIP-225). */
@org.jspecify.annotations.NullMarked
package dev.patchbay.consensus.poa;
