// SPDX-License-Identifier: Apache-2.0
/** An index of logs by address and topic. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.log.index;
