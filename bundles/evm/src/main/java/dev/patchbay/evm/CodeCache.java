// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.patchbay.primitives.Hash;

/**
 * Code that was analyzed, by its hash: blocks that follow each other run the same contracts. What
 * code was compiled to counts, and goes with it.
 *
 * <p>Threading: any number of threads.
 */
public final class CodeCache {
  /** Bytes of the padded code and, once it is hot, of its register form, for a byte of code. */
  private static final int BYTES_PER_BYTE = 16;

  private static final int OVERHEAD = 256;

  private final Cache<Hash, Code> codes;

  /** Holds about {@code bytes} bytes at most. */
  public CodeCache(long bytes) {
    codes =
        Caffeine.newBuilder()
            .maximumWeight(bytes)
            .weigher(
                (Hash hash, Code code) ->
                    OVERHEAD + BYTES_PER_BYTE * code.length + code.bytecodeSize())
            .executor(Runnable::run)
            .build();
  }

  Code get(Hash hash, StateBase base) {
    Code code = codes.getIfPresent(hash);
    if (code == null) {
      code = new Code(base.code(hash), hash);
      codes.put(hash, code);
    }
    return code;
  }

  /** Weighs code again that was compiled. */
  void hasGrown(Code code) {
    codes.asMap().replace(code.hash(), code);
  }
}
