// SPDX-License-Identifier: Apache-2.0
/** The health of the node and of its parts. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.health;
