// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.rpc.RpcError;
import java.time.Duration;
import java.util.Set;

/**
 * How a listener serves its clients.
 *
 * @param namespaces namespaces that are served
 * @param limits what one client may ask for at once
 * @param errors the table of error codes
 * @param time how long an expensive call may take, waiting included
 * @param requests requests that are answered at a time; a batch counts as one
 * @param waiting requests that wait for a part which is being replaced; a batch counts as one
 */
record Terms(
    Set<String> namespaces,
    Limits limits,
    RpcError.Profile errors,
    Duration time,
    Quota requests,
    Quota waiting) {}
