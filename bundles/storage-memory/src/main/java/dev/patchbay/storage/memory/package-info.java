// SPDX-License-Identifier: Apache-2.0
/** The memory storage backend. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.storage.memory;
