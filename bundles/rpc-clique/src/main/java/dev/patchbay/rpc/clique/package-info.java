// SPDX-License-Identifier: Apache-2.0
/** The clique namespace. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.rpc.clique;
