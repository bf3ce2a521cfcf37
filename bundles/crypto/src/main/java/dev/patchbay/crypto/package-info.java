// SPDX-License-Identifier: Apache-2.0
/** Cryptography on plain byte arrays: hashes, secp256k1, pairing curves and key files. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("0.1.0")
@org.jspecify.annotations.NullMarked
package dev.patchbay.crypto;
