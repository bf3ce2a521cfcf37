// SPDX-License-Identifier: Apache-2.0
/** Networks of peers, the connections to them, and the sub-protocols that they carry. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("0.1.0")
@org.jspecify.annotations.NullMarked
package dev.patchbay.api.p2p;
