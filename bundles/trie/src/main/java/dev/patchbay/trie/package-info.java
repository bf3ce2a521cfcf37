// SPDX-License-Identifier: Apache-2.0
/** Merkle Patricia tries (Yellow Paper, appendix D), stored by path. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("0.1.0")
@org.jspecify.annotations.NullMarked
package dev.patchbay.trie;
