// SPDX-License-Identifier: Apache-2.0
/** Methods that op-node and op-bnb add to the Engine API. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.op.engine;
