// SPDX-License-Identifier: Apache-2.0
/**
 * Immutable domain values of the Yellow Paper and the EIPs. No value holds a reference to a
 * caller's array.
 */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("0.1.0")
@org.jspecify.annotations.NullMarked
package dev.patchbay.primitives;
