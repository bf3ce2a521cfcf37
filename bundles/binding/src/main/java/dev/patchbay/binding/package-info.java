// SPDX-License-Identifier: Apache-2.0
/** How bundles are bound to each other while the node runs, and how they survive failures. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("0.1.0")
@org.jspecify.annotations.NullMarked
package dev.patchbay.binding;
