// SPDX-License-Identifier: Apache-2.0
/** The debug namespace. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.rpc.debug;
