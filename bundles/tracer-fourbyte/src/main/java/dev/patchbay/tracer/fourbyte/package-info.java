// SPDX-License-Identifier: Apache-2.0
/** The 4byte tracer. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.tracer.fourbyte;
