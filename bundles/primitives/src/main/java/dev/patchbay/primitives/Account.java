// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;

/**
 * The state of an account (Yellow Paper, section 4.1).
 *
 * @param nonce unsigned 64 bits
 * @param balance in wei
 * @param storageRoot root of the storage trie
 * @param codeHash Keccak-256 of the code
 */
public record Account(long nonce, UInt256 balance, Hash storageRoot, Hash codeHash) {
  /** Root of an empty trie. */
  public static final Hash EMPTY_ROOT =
      Hash.fromHex("0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");

  /** Keccak-256 of no bytes. */
  public static final Hash EMPTY_CODE = Hash.keccak(new byte[0]);

  private static final int MAX_BYTES = 110;

  /** An account that holds nothing. */
  public static final Account EMPTY = new Account(0, UInt256.ZERO, EMPTY_ROOT, EMPTY_CODE);

  /**
   * Returns whether the account is empty in the sense of EIP-161: no nonce, no balance, no code.
   */
  public boolean isEmpty() {
    return nonce == 0 && balance.isZero() && codeHash.equals(EMPTY_CODE);
  }

  /** Returns the RLP list that the state trie holds. */
  public byte[] encode() {
    return new RlpWriter(MAX_BYTES)
        .list(w -> w.number(nonce).number(balance).hash(storageRoot).hash(codeHash))
        .toArray();
  }

  /** Reads the RLP list that the state trie holds. */
  public static Account decode(byte[] rlp) {
    RlpReader outer = RlpReader.of(rlp);
    RlpReader r = outer.list();
    Account account = new Account(r.number(), r.uint256(), r.hash(), r.hash());
    r.expectEnd();
    outer.expectEnd();
    return account;
  }

  /**
   * Returns the slim RLP list, as stores and snap (devp2p) have it: the root of an empty trie and
   * the hash of no code are empty strings, which saves most accounts 64 bytes.
   */
  public byte[] encodeSlim() {
    return new RlpWriter(MAX_BYTES)
        .list(
            w ->
                w.number(nonce)
                    .number(balance)
                    .bytes(slim(storageRoot, EMPTY_ROOT))
                    .bytes(slim(codeHash, EMPTY_CODE)))
        .toArray();
  }

  private static byte[] slim(Hash hash, Hash empty) {
    return hash.equals(empty) ? new byte[0] : hash.unsafeArray();
  }

  /** Reads a slim RLP list. */
  public static Account decodeSlim(byte[] rlp) {
    RlpReader outer = RlpReader.of(rlp);
    RlpReader r = outer.list();
    Account account =
        new Account(r.number(), r.uint256(), full(r, EMPTY_ROOT), full(r, EMPTY_CODE));
    r.expectEnd();
    outer.expectEnd();
    return account;
  }

  private static Hash full(RlpReader reader, Hash empty) {
    byte[] hash = reader.byteArray();
    return hash.length == 0 ? empty : Hash.of(hash);
  }
}
