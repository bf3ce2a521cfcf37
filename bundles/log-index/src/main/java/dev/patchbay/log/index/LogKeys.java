// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.log.index;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Addresses, and topics with their position, as numbers of 51 bits. Two of them may have the same
 * number: then a block is looked at that has nothing.
 */
final class LogKeys {
  private static final int BITS = 51;

  private LogKeys() {}

  static long of(Address address) {
    ByteBuffer bytes = ByteBuffer.wrap(address.unsafeArray());
    return end(mix(mix(mix(0, bytes.getLong()), bytes.getLong()), bytes.getInt()));
  }

  static long of(int position, Hash topic) {
    ByteBuffer bytes = ByteBuffer.wrap(topic.unsafeArray());
    long mixed = position + 1;
    while (bytes.hasRemaining()) {
      mixed = mix(mixed, bytes.getLong());
    }
    return end(mixed);
  }

  private static long mix(long before, long word) {
    long product = (before ^ word) * 0x9e3779b97f4a7c15L;
    return product ^ (product >>> 29);
  }

  private static long end(long mixed) {
    return mix(mixed, 0x2545f4914f6cdd1dL) >>> (64 - BITS);
  }

  /** Returns the numbers of the logs of a block, in order, each once. */
  static long[] of(List<Receipt> receipts) {
    List<Long> all = new ArrayList<>();
    for (Receipt receipt : receipts) {
      for (Log log : receipt.logs()) {
        all.add(of(log.address()));
        for (int i = 0; i < log.topics().size(); i++) {
          all.add(of(i, log.topics().get(i)));
        }
      }
    }
    return all.stream().mapToLong(Long::longValue).sorted().distinct().toArray();
  }

  /** Returns what a search wants: of each group any number; no group when it wants everything. */
  static List<long[]> of(Set<Address> addresses, List<Set<Hash>> topics) {
    List<long[]> groups = new ArrayList<>();
    if (!addresses.isEmpty()) {
      groups.add(addresses.stream().mapToLong(LogKeys::of).toArray());
    }
    for (int i = 0; i < topics.size(); i++) {
      int position = i;
      if (!topics.get(i).isEmpty()) {
        groups.add(topics.get(i).stream().mapToLong(topic -> of(position, topic)).toArray());
      }
    }
    return groups;
  }

  /** Returns whether a block with these numbers, in order, may match. */
  static boolean match(List<long[]> groups, long[] numbers) {
    for (long[] any : groups) {
      if (Arrays.stream(any).noneMatch(number -> Arrays.binarySearch(numbers, number) >= 0)) {
        return false;
      }
    }
    return true;
  }
}
