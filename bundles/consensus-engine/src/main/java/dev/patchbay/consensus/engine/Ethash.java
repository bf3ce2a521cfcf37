// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.engine;

import dev.patchbay.crypto.Keccak;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The check of proof of work (Yellow Paper, appendix J), by the cache alone: items of the data set
 * are computed as they are asked for. The first block of an epoch of 30,000 blocks takes a second
 * or more and from 16 MB of memory, which the last two epochs keep.
 *
 * <p>Threading: any number of threads.
 */
final class Ethash {
  private static final int EPOCH_BLOCKS = 30_000;
  private static final int HASH_BYTES = 64;
  private static final int HASH_WORDS = HASH_BYTES / 4;
  private static final int MIX_BYTES = 128;
  private static final int MIX_WORDS = MIX_BYTES / 4;
  private static final int CACHE_ROUNDS = 3;
  private static final int PARENTS = 256;
  private static final int ACCESSES = 64;
  private static final int PRIME = 0x01000193;
  private static final int KEPT = 2;

  /** Later epochs than this have caches above 1 GB; work ended long before. */
  private static final long LAST_EPOCH = 8_000;

  /** The caches of the last epochs, by epoch, as words in one array each. */
  private final Map<Long, int[]> caches = new LinkedHashMap<>(4, 0.75f, true);

  /**
   * What nonce and mix hash of a header give.
   *
   * @param mixHash the mix hash that belongs to the nonce
   * @param result the number that the difficulty bounds
   */
  record Work(Hash mixHash, UInt256 result) {
    /** Returns whether the work is enough for a difficulty, which is not zero. */
    boolean suffices(UInt256 difficulty) {
      BigInteger bound = BigInteger.ONE.shiftLeft(256).divide(difficulty.toBigInteger());
      return result.toBigInteger().compareTo(bound) <= 0;
    }
  }

  /**
   * Computes the work of a header.
   *
   * @throws IllegalArgumentException when the number is beyond every chain of proof of work
   */
  Work of(BlockHeader header) {
    long epoch = header.number() / EPOCH_BLOCKS;
    if (epoch < 0 || epoch > LAST_EPOCH) {
      throw new IllegalArgumentException("no proof of work for block " + header.number());
    }
    return of(header.sealHash().toArray(), header.nonce(), cache(epoch), dataBytes(epoch));
  }

  private int[] cache(long epoch) {
    synchronized (caches) {
      int[] cache = caches.get(epoch);
      if (cache == null) {
        if (caches.size() == KEPT) {
          caches.remove(caches.keySet().iterator().next());
        }
        cache = makeCache(epoch);
        caches.put(epoch, cache);
      }
      return cache;
    }
  }

  static long cacheBytes(long epoch) {
    return primes((1L << 24) + (1L << 17) * epoch, HASH_BYTES);
  }

  static long dataBytes(long epoch) {
    return primes((1L << 30) + (1L << 23) * epoch, MIX_BYTES);
  }

  /** Returns the largest size below a bound that is a prime number of units. */
  private static long primes(long bound, int unit) {
    long size = bound - unit;
    while (!BigInteger.valueOf(size / unit).isProbablePrime(50)) {
      size -= 2 * unit;
    }
    return size;
  }

  private static int[] makeCache(long epoch) {
    byte[] seed = new byte[Keccak.DIGEST_BYTES];
    for (long i = 0; i < epoch; i++) {
      seed = Keccak.hash256(seed);
    }
    int items = (int) (cacheBytes(epoch) / HASH_BYTES);
    int[] cache = new int[items * HASH_WORDS];
    byte[] hash = Keccak.hash512(seed);
    for (int i = 0; i < items; i++) {
      words(hash, cache, i * HASH_WORDS);
      hash = Keccak.hash512(hash);
    }
    int[] mix = new int[HASH_WORDS];
    for (int round = 0; round < CACHE_ROUNDS; round++) {
      for (int i = 0; i < items; i++) {
        int before = (i + items - 1) % items * HASH_WORDS;
        int other = place(cache, cache[i * HASH_WORDS]);
        for (int w = 0; w < HASH_WORDS; w++) {
          mix[w] = cache[before + w] ^ cache[other + w];
        }
        words(Keccak.hash512(bytes(mix)), cache, i * HASH_WORDS);
      }
    }
    return cache;
  }

  private static int[] item(int[] cache, int index) {
    int[] mix = new int[HASH_WORDS];
    System.arraycopy(cache, place(cache, index), mix, 0, HASH_WORDS);
    mix[0] ^= index;
    words(Keccak.hash512(bytes(mix)), mix, 0);
    for (int parent = 0; parent < PARENTS; parent++) {
      mixIn(mix, 0, cache, place(cache, fnv(index ^ parent, mix[parent & (HASH_WORDS - 1)])));
    }
    words(Keccak.hash512(bytes(mix)), mix, 0);
    return mix;
  }

  /** Returns where the item of the cache begins that an unsigned number selects. */
  private static int place(int[] cache, int number) {
    long items = cache.length / HASH_WORDS;
    return (int) (Integer.toUnsignedLong(number) % items) * HASH_WORDS;
  }

  /** Mixes the words of an item into 16 words. */
  private static void mixIn(int[] mix, int at, int[] data, int from) {
    for (int w = 0; w < HASH_WORDS; w++) {
      mix[at + w] = fnv(mix[at + w], data[from + w]);
    }
  }

  private static Work of(byte[] sealHash, long nonce, int[] cache, long dataBytes) {
    byte[] seed =
        Keccak.hash512(
            ByteBuffer.allocate(sealHash.length + 8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(sealHash)
                .putLong(nonce)
                .array());
    int[] start = new int[HASH_WORDS];
    words(seed, start, 0);
    int[] mix = Arrays.copyOf(start, MIX_WORDS);
    System.arraycopy(start, 0, mix, HASH_WORDS, HASH_WORDS);
    long pages = dataBytes / MIX_BYTES;
    for (int access = 0; access < ACCESSES; access++) {
      int chosen = fnv(access ^ start[0], mix[access & (MIX_WORDS - 1)]);
      int page = (int) (Integer.toUnsignedLong(chosen) % pages);
      mixIn(mix, 0, item(cache, 2 * page), 0);
      mixIn(mix, HASH_WORDS, item(cache, 2 * page + 1), 0);
    }
    int[] short4 = new int[MIX_WORDS / 4];
    for (int i = 0; i < short4.length; i++) {
      int at = 4 * i;
      short4[i] = fnv(fnv(fnv(mix[at], mix[at + 1]), mix[at + 2]), mix[at + 3]);
    }
    byte[] digest = bytes(short4);
    byte[] both = Arrays.copyOf(seed, HASH_BYTES + digest.length);
    System.arraycopy(digest, 0, both, HASH_BYTES, digest.length);
    return new Work(Hash.of(digest), UInt256.ofBytes(Keccak.hash256(both)));
  }

  private static int fnv(int a, int b) {
    return a * PRIME ^ b;
  }

  // byte by byte: with buffers or array views in their place the C2 compiler of Java 17.0.15 made
  // wrong code, or crashed

  private static void words(byte[] bytes, int[] out, int at) {
    for (int i = 0; i < bytes.length; i += 4) {
      out[at + i / 4] =
          (bytes[i] & 0xff)
              | (bytes[i + 1] & 0xff) << 8
              | (bytes[i + 2] & 0xff) << 16
              | bytes[i + 3] << 24;
    }
  }

  private static byte[] bytes(int[] words) {
    byte[] out = new byte[4 * words.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (byte) (words[i / 4] >>> 8 * (i % 4));
    }
    return out;
  }
}
