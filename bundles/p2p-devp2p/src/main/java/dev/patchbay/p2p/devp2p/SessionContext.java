// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.binding.Failures;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The parts that all sessions of a network share.
 *
 * @param key the identity of this node
 * @param clientId name and version of this program
 * @param listenPort the TCP port of this node; 0 when it does not listen
 * @param protocols the sub-protocols of this node at the time of the call
 * @param owner decides about sessions
 * @param executor handles messages
 * @param failures of sub-protocols, which are errors of this node
 * @param budget bounds the memory of all sessions together
 * @param nanoTime the clock of deadlines
 */
record SessionContext(
    NodeKey key,
    String clientId,
    IntSupplier listenPort,
    Supplier<List<WireProtocol>> protocols,
    SessionOwner owner,
    Executor executor,
    Failures failures,
    MemoryBudget budget,
    SessionSettings settings,
    SecureRandom random,
    LongSupplier nanoTime) {}
