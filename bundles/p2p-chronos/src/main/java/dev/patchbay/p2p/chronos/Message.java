// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import org.jspecify.annotations.Nullable;

/**
 * A message: the members of its JSON object that the protocol defines.
 *
 * @param code the name of its code
 * @param data its content: Map, List, String, Boolean, Long, {@link Json.OtherNumber}; null when
 *     absent
 * @param id number that a reply repeats; null when absent
 */
record Message(String code, @Nullable Object data, @Nullable Long id) {}
