// SPDX-License-Identifier: Apache-2.0
/** The txpool namespace. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.rpc.txpool;
