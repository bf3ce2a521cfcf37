// SPDX-License-Identifier: Apache-2.0
/** The ERC-7562 tracer. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.tracer.erc7562;
