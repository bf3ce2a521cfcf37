// SPDX-License-Identifier: Apache-2.0
/** The eth sub-protocol of devp2p. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.p2p.eth;
