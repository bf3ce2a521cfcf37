// SPDX-License-Identifier: Apache-2.0
/** The mapdb storage backend. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.storage.mapdb;
