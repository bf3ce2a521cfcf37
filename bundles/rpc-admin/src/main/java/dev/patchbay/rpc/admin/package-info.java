// SPDX-License-Identifier: Apache-2.0
/** The admin namespace. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.rpc.admin;
