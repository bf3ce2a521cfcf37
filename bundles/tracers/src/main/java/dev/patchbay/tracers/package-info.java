// SPDX-License-Identifier: Apache-2.0
/** Tracers by name and version. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.tracers;
