// SPDX-License-Identifier: Apache-2.0
/** Stores by name: which backend each is in, its binding, and its migration. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.storage;
