// SPDX-License-Identifier: Apache-2.0
/** The engine namespace. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.rpc.engine;
