// SPDX-License-Identifier: Apache-2.0
/** The transaction pool. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.txpool;
