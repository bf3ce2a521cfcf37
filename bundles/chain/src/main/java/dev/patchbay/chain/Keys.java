// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.primitives.Hash;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Keys of the columns. */
final class Keys {
  static final byte[] HEAD = "head".getBytes(StandardCharsets.US_ASCII);

  /** Hash of the block that a consensus client called safe. */
  static final byte[] SAFE = "safe".getBytes(StandardCharsets.US_ASCII);

  /** Hash of the block that a consensus client called finalized. */
  static final byte[] FINALIZED = "finalized".getBytes(StandardCharsets.US_ASCII);

  static final byte[] GENESIS = "genesis".getBytes(StandardCharsets.US_ASCII);
  static final byte[] GENESIS_CONFIG = "genesis-config".getBytes(StandardCharsets.US_ASCII);
  static final byte[] HISTORY_FROM = "history-from".getBytes(StandardCharsets.US_ASCII);

  /** Number of the first block, after the genesis block, whose body and receipts are stored. */
  static final byte[] BODIES_FROM = "bodies-from".getBytes(StandardCharsets.US_ASCII);

  /** Number of the first block, after the genesis block, whose transactions are in the index. */
  static final byte[] TRANSACTIONS_FROM = "transactions-from".getBytes(StandardCharsets.US_ASCII);

  /** Hash of the block whose tries the store holds: the head or a block before it. */
  static final byte[] TRIES = "tries".getBytes(StandardCharsets.US_ASCII);

  static final byte[] FORMAT = "format".getBytes(StandardCharsets.US_ASCII);

  /** Is there when {@link Columns#SIDE_BLOCKS} has every side block: the chain began with it. */
  static final byte[] SIDE_BLOCKS = "side-blocks".getBytes(StandardCharsets.US_ASCII);

  /** Name and bundle of the EVM that the chain uses, see {@link StoredChoice}. */
  static final byte[] EVM = "evm".getBytes(StandardCharsets.US_ASCII);

  /** Name and bundle of the consensus rules that the chain uses, see {@link StoredChoice}. */
  static final byte[] RULES = "rules".getBytes(StandardCharsets.US_ASCII);

  /** The segments of {@link StagedBlocks}; missing when there are none. */
  static final byte[] STAGED = "staged".getBytes(StandardCharsets.US_ASCII);

  /** Runs of blocks in the columns of {@link StagedBlocks} that are deleted next. */
  static final byte[] STAGED_OBSOLETE = "staged-obsolete".getBytes(StandardCharsets.US_ASCII);

  /** All keys of {@link Columns#META}. */
  static final List<byte[]> ALL =
      List.of(
          HEAD,
          SAFE,
          FINALIZED,
          GENESIS,
          GENESIS_CONFIG,
          HISTORY_FROM,
          BODIES_FROM,
          TRANSACTIONS_FROM,
          TRIES,
          FORMAT,
          SIDE_BLOCKS,
          EVM,
          RULES,
          STAGED,
          STAGED_OBSOLETE);

  private Keys() {}

  static byte[] number(long number) {
    return ByteBuffer.allocate(8).putLong(number).array();
  }

  static long number(byte[] key) {
    return ByteBuffer.wrap(key).getLong();
  }

  static byte[] pair(byte[] a, byte[] b) {
    return ByteBuffer.allocate(a.length + b.length).put(a).put(b).array();
  }

  static boolean startsWith(byte[] key, byte[] prefix) {
    return Arrays.equals(key, 0, Math.min(key.length, prefix.length), prefix, 0, prefix.length);
  }

  /** Returns a key that is after all keys with a prefix and at most 40 bytes beyond it. */
  static byte[] end(byte[] prefix) {
    byte[] end = Arrays.copyOf(prefix, prefix.length + Hash.SIZE + Long.BYTES + 1);
    Arrays.fill(end, prefix.length, end.length, (byte) 0xff);
    return end;
  }

  static byte[] slot(Hash account, Hash slot) {
    return pair(account.unsafeArray(), slot.unsafeArray());
  }

  static byte[] sideBlock(long number, Hash hash) {
    return pair(number(number), hash.unsafeArray());
  }

  static byte[] history(byte[] key, long number) {
    return pair(key, number(number));
  }
}
