// SPDX-License-Identifier: Apache-2.0
/** The miner namespace. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.rpc.miner;
