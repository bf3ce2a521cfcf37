// SPDX-License-Identifier: Apache-2.0
/** Executes blocks and simulates calls. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.execution;
