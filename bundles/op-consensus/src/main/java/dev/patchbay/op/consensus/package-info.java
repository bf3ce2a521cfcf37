// SPDX-License-Identifier: Apache-2.0
/** Rules of rollups of the OP Stack. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.op.consensus;
