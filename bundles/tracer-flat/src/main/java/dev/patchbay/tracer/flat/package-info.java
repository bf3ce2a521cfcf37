// SPDX-License-Identifier: Apache-2.0
/** The flat call tracer. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.tracer.flat;
