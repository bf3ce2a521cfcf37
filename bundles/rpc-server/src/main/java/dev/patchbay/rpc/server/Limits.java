// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.rpc.RpcSession.LogLimits;

/**
 * What one client may ask for at once.
 *
 * @param bodyBytes bytes of a request
 * @param batchItems items of a batch
 * @param responseBytes bytes of a response
 * @param logs what a search for logs may be for
 */
record Limits(int bodyBytes, int batchItems, int responseBytes, LogLimits logs) {}
