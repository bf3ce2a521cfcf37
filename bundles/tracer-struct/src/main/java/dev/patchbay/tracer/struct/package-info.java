// SPDX-License-Identifier: Apache-2.0
/** The opcode tracer. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.tracer.struct;
