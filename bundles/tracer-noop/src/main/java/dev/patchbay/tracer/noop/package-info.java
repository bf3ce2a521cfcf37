// SPDX-License-Identifier: Apache-2.0
/** The noop tracer. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.tracer.noop;
