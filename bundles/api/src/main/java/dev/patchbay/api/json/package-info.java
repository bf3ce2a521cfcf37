// SPDX-License-Identifier: Apache-2.0
/** Writing JSON piece by piece. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("0.1.0")
@org.jspecify.annotations.NullMarked
package dev.patchbay.api.json;
