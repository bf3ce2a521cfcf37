// SPDX-License-Identifier: Apache-2.0
/** Tracers in JavaScript. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.tracer.js;
