// SPDX-License-Identifier: Apache-2.0
/** The transport of devp2p. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.p2p.devp2p;
