// SPDX-License-Identifier: Apache-2.0
/** The snap sub-protocol of devp2p. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.p2p.snap;
