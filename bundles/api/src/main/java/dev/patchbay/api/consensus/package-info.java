// SPDX-License-Identifier: Apache-2.0
/** The consensus rules of a chain by role, and who seals its blocks. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("0.1.0")
@org.jspecify.annotations.NullMarked
package dev.patchbay.api.consensus;
