// SPDX-License-Identifier: Apache-2.0
/** The testing namespace. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.rpc.testing;
