// SPDX-License-Identifier: Apache-2.0
/**
 * The Ethereum Virtual Machine and the state transition of one transaction (Yellow Paper, sections
 * 6 to 9).
 */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("0.1.0")
@org.jspecify.annotations.NullMarked
package dev.patchbay.evm;
