// SPDX-License-Identifier: Apache-2.0
/** The default EVM as a service. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.evm.engine;
