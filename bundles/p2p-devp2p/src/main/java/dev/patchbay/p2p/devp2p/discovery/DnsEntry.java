// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.crypto.Keccak;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Bytes;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An entry of a node list in the DNS (EIP-1459): the text of a TXT record. Threading: immutable.
 */
sealed interface DnsEntry {
  /** Longest text of an entry; the EIP has at most 512 bytes for a DNS packet. */
  int MAX_TEXT = 1_024;

  int MIN_HASH_BYTES = 12;
  int MAX_HASH_BYTES = 32;

  /**
   * The root of a list, with a valid signature.
   *
   * @param nodes hash of the subtree of nodes
   * @param links hash of the subtree of links to other lists
   * @param seq grows with each update
   */
  record Root(String nodes, String links, long seq) implements DnsEntry {
    private static final String PREFIX = "enrtree-root:v1 ";
    private static final Pattern FORM =
        Pattern.compile(
            "(enrtree-root:v1 e=([A-Z2-7]{20,52}) l=([A-Z2-7]{20,52}) seq=([0-9]{1,18}))"
                + " sig=([A-Za-z0-9_-]{87})");
    private static final int SIGNATURE_BYTES = 64;

    /** Returns whether a text is meant to be a root; a name may have other TXT records, too. */
    static boolean isRoot(String text) {
      return text.startsWith(PREFIX);
    }

    /**
     * Parses a root and verifies its signature.
     *
     * @throws IllegalArgumentException when it has another form, or another key has signed it
     */
    static Root parse(String text, Bytes publicKey) {
      Matcher parts = text.length() > MAX_TEXT ? null : FORM.matcher(text);
      if (parts == null || !parts.matches()) {
        throw new IllegalArgumentException("malformed root of a DNS node list");
      }
      byte[] signature = Base64.getUrlDecoder().decode(parts.group(5));
      byte[] hash = Keccak.hash256(parts.group(1).getBytes(StandardCharsets.US_ASCII));
      byte[] compact = Arrays.copyOf(signature, SIGNATURE_BYTES);
      if (!Secp256k1.verify(hash, compact, publicKey.unsafeArray())) {
        throw new IllegalArgumentException("the root of a DNS node list has a wrong signature");
      }
      checkHash(parts.group(2));
      checkHash(parts.group(3));
      return new Root(parts.group(2), parts.group(3), Long.parseLong(parts.group(4)));
    }
  }

  /**
   * An inner node of the tree.
   *
   * @param hashes of its children: their subdomains
   */
  record Branch(List<String> hashes) implements DnsEntry {
    private static final String PREFIX = "enrtree-branch:";

    public Branch {
      hashes = List.copyOf(hashes);
    }
  }

  /** A link to another list. */
  record Link(DnsListLink link) implements DnsEntry {}

  /** A node. */
  record NodeEntry(NodeRecord record) implements DnsEntry {}

  /**
   * Parses an entry other than the root.
   *
   * @param hash its subdomain: the start of the hash of its text, in base 32
   * @throws IllegalArgumentException when it has another hash or form
   */
  static DnsEntry parse(String text, String hash) {
    if (text.length() > MAX_TEXT) {
      throw new IllegalArgumentException("an entry of " + text.length() + " characters");
    }
    byte[] expected = checkHash(hash);
    byte[] actual = Keccak.hash256(text.getBytes(StandardCharsets.ISO_8859_1));
    if (!Arrays.equals(expected, 0, expected.length, actual, 0, expected.length)) {
      throw new IllegalArgumentException("an entry does not match its hash");
    }
    if (text.startsWith(Branch.PREFIX)) {
      String children = text.substring(Branch.PREFIX.length());
      List<String> hashes = children.isEmpty() ? List.of() : List.of(children.split(",", -1));
      hashes.forEach(DnsEntry::checkHash);
      return new Branch(hashes);
    }
    if (text.startsWith(DnsListLink.PREFIX)) {
      return new Link(DnsListLink.parse(text));
    }
    return new NodeEntry(NodeRecord.parse(text));
  }

  private static byte[] checkHash(String text) {
    byte[] hash = Base32.decode(text);
    if (hash.length < MIN_HASH_BYTES || hash.length > MAX_HASH_BYTES) {
      throw new IllegalArgumentException("a hash of " + hash.length + " bytes");
    }
    return hash;
  }
}
