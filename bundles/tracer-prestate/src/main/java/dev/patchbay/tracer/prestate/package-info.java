// SPDX-License-Identifier: Apache-2.0
/** The prestate tracer. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.tracer.prestate;
