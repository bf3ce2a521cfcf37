// SPDX-License-Identifier: Apache-2.0
/** The Chronos network: blocks over TCP as JSON. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.p2p.chronos;
