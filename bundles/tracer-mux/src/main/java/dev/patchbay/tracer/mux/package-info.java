// SPDX-License-Identifier: Apache-2.0
/** The mux tracer. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.tracer.mux;
