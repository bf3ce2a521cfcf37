// SPDX-License-Identifier: Apache-2.0
/** The joint at which a running node exchanges one implementation for another. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("0.1.0")
@org.jspecify.annotations.NullMarked
package dev.patchbay.binding;
