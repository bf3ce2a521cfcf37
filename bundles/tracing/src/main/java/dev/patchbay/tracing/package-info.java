// SPDX-License-Identifier: Apache-2.0
/** What tracers share: the tree of calls. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("0.1.0")
@org.jspecify.annotations.NullMarked
package dev.patchbay.tracing;
