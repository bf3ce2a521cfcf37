// SPDX-License-Identifier: Apache-2.0
/** A durable store on RocksDB. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.storage.rocksdb;
