// SPDX-License-Identifier: Apache-2.0
/** The eth namespace. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.rpc.eth;
