// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.rpc;

import java.util.function.Supplier;

/**
 * A result that is the same for ever, so that the server may keep its JSON: one that follows from
 * the hash of a block, say. A method returns it in place of a value.
 *
 * @param key names the value among all values of all methods; has whatever the value depends on
 * @param value makes the value, JSON-neutral; not asked when its JSON is at hand
 */
public record RpcConstant(String key, Supplier<Object> value) {}
