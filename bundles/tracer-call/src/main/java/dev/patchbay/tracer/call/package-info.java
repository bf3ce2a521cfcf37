// SPDX-License-Identifier: Apache-2.0
/** The call tracer. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.tracer.call;
