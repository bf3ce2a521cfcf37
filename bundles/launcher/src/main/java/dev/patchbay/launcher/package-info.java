// SPDX-License-Identifier: Apache-2.0
/** The client of a running node's shell. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.launcher;
