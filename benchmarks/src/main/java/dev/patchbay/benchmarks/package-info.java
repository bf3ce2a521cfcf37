// SPDX-License-Identifier: Apache-2.0
/** Speed, measured. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.benchmarks;
