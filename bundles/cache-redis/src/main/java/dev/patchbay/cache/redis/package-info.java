// SPDX-License-Identifier: Apache-2.0
/** A cache of results in Redis, for fleets of nodes. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.cache.redis;
