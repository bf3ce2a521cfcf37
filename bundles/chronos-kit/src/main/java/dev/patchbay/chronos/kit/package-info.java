// SPDX-License-Identifier: Apache-2.0
/** Tools for chronos/1: one prints conversations, the other checks an implementation. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.chronos.kit;
