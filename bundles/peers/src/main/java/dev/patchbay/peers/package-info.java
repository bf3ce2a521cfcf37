// SPDX-License-Identifier: Apache-2.0
/** The peers of all networks: their sum, commands to them, and their events. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.peers;
