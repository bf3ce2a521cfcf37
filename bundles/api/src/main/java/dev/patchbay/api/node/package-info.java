// SPDX-License-Identifier: Apache-2.0
/** The health of the node, reported by its parts, and what they hand over to their successors. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("0.1.0")
@org.jspecify.annotations.NullMarked
package dev.patchbay.api.node;
