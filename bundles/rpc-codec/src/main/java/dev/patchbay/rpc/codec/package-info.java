// SPDX-License-Identifier: Apache-2.0
/** Parameters and results of JSON-RPC as execution-apis shapes them. */
@org.osgi.annotation.bundle.Export
@org.osgi.annotation.versioning.Version("0.1.0")
@org.jspecify.annotations.NullMarked
package dev.patchbay.rpc.codec;
