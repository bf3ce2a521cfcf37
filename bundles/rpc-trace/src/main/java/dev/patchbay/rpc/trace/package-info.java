// SPDX-License-Identifier: Apache-2.0
/** The trace namespace. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.rpc.trace;
