// SPDX-License-Identifier: Apache-2.0
/** Listeners, limits and dispatch of JSON-RPC. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.rpc.server;
