// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.crypto.Keccak;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A signed node record, ENR (EIP-778), with the identity scheme "v4". An instance that exists has a
 * valid signature and a valid key.
 *
 * <p>Threading: immutable.
 */
public final class NodeRecord {
  /** Longest encoding in bytes. */
  public static final int MAX_BYTES = 300;

  private static final String PREFIX = "enr:";
  private static final int SIGNATURE_BYTES = 64;
  private static final int MAX_KEY_BYTES = 32;

  /** Longest text: the prefix and the digits of {@link #MAX_BYTES} in base 64. */
  private static final int MAX_TEXT = PREFIX.length() + MAX_BYTES * 4 / 3;

  private final long seq;

  /** The values as RLP items. Keys are one character a byte, so that strings sort like bytes. */
  private final SortedMap<String, Bytes> pairs;

  private final Bytes encoded;
  private final Bytes publicKey;
  private final Hash id;

  private NodeRecord(long seq, SortedMap<String, Bytes> pairs, Bytes encoded, Bytes publicKey) {
    this.seq = seq;
    this.pairs = pairs;
    this.encoded = encoded;
    this.publicKey = publicKey;
    this.id = publicKey.keccak();
  }

  // ---- reading

  /**
   * Decodes a record and verifies its signature.
   *
   * @throws IllegalArgumentException when it is longer than 300 bytes, not canonical, of an unknown
   *     identity scheme, or its signature is wrong; the message is bounded
   */
  public static NodeRecord decode(byte[] encoded) {
    if (encoded.length > MAX_BYTES) {
      throw new IllegalArgumentException(
          "a node record of " + encoded.length + " bytes, at most " + MAX_BYTES);
    }
    RlpReader outer = RlpReader.of(encoded);
    RlpReader items = outer.list();
    outer.expectEnd();
    byte[] signature = items.fixed(SIGNATURE_BYTES);
    int contentStart = items.offset();
    long seq = items.number();
    SortedMap<String, Bytes> pairs = readPairs(items);
    Bytes publicKey = schemeKey(pairs);
    byte[] content = Arrays.copyOfRange(encoded, contentStart, encoded.length);
    byte[] hash = Keccak.hash256(list(content));
    if (!Secp256k1.verify(hash, signature, publicKey.unsafeArray())) {
      throw new IllegalArgumentException("the signature of a node record is wrong");
    }
    return new NodeRecord(seq, pairs, Bytes.of(encoded), publicKey);
  }

  private static SortedMap<String, Bytes> readPairs(RlpReader items) {
    SortedMap<String, Bytes> pairs = new TreeMap<>();
    while (items.hasNext()) {
      byte[] bytes = items.byteArray();
      if (bytes.length > MAX_KEY_BYTES) {
        throw new IllegalArgumentException("a key of a node record has " + bytes.length + " bytes");
      }
      String key = new String(bytes, StandardCharsets.ISO_8859_1);
      if (!pairs.isEmpty() && pairs.lastKey().compareTo(key) >= 0) {
        throw new IllegalArgumentException("the keys of a node record are not sorted and unique");
      }
      pairs.put(key, Bytes.wrap(items.raw()));
    }
    return pairs;
  }

  private static Bytes schemeKey(SortedMap<String, Bytes> pairs) {
    Bytes scheme = string(pairs, "id", 2);
    if (scheme == null || scheme.get(0) != 'v' || scheme.get(1) != '4') {
      throw new IllegalArgumentException("the identity scheme of a node record is not v4");
    }
    Bytes compressed = string(pairs, "secp256k1", 33);
    byte[] key = compressed == null ? null : Secp256k1.decompress(compressed.unsafeArray());
    if (key == null) {
      throw new IllegalArgumentException("a node record has no valid secp256k1 key");
    }
    return Bytes.wrap(key);
  }

  /**
   * Parses text: {@code enr:} and the encoding in base 64 for URLs without padding.
   *
   * @throws IllegalArgumentException as of {@link #decode}, and when the text has another form
   */
  public static NodeRecord parse(String text) {
    if (!text.startsWith(PREFIX) || text.length() > MAX_TEXT || text.endsWith("=")) {
      throw new IllegalArgumentException(
          "a node record is enr: and at most 400 digits of base64url without padding");
    }
    byte[] encoded;
    try {
      encoded = Base64.getUrlDecoder().decode(text.substring(PREFIX.length()));
    } catch (IllegalArgumentException malformed) {
      throw new IllegalArgumentException("a node record has a digit that is not of base64url");
    }
    return decode(encoded);
  }

  // ---- writing

  /**
   * Creates a signed record. The entries {@code id} and {@code secp256k1} are set from the key.
   *
   * @param seq sequence number, unsigned
   * @param entries the other entries, each value as an RLP item
   * @param privateKey 32 bytes
   * @throws IllegalArgumentException when the encoding is longer than 300 bytes
   */
  static NodeRecord sign(long seq, Map<String, Bytes> entries, byte[] privateKey) {
    byte[] publicKey = Secp256k1.publicKey(privateKey);
    SortedMap<String, Bytes> pairs = new TreeMap<>(entries);
    pairs.put("id", rlp("v4".getBytes(StandardCharsets.ISO_8859_1)));
    pairs.put("secp256k1", rlp(Secp256k1.compress(publicKey)));
    RlpWriter writer = new RlpWriter(MAX_BYTES).number(seq);
    pairs.forEach(
        (key, value) ->
            writer.bytes(key.getBytes(StandardCharsets.ISO_8859_1)).raw(value.unsafeArray()));
    byte[] content = writer.toArray();
    Secp256k1.Signature signature = Secp256k1.sign(Keccak.hash256(list(content)), privateKey);
    byte[] compact = Arrays.copyOf(signature.r(), SIGNATURE_BYTES);
    System.arraycopy(signature.s(), 0, compact, 32, 32);
    byte[] encoded = new RlpWriter().list(all -> all.bytes(compact).raw(content)).toArray();
    if (encoded.length > MAX_BYTES) {
      throw new IllegalArgumentException(
          "the node record would have " + encoded.length + " bytes, at most " + MAX_BYTES);
    }
    return new NodeRecord(seq, pairs, Bytes.wrap(encoded), Bytes.wrap(publicKey));
  }

  private static byte[] list(byte[] content) {
    return new RlpWriter(MAX_BYTES).beginList(content.length).raw(content).toArray();
  }

  /** Returns a byte string as an RLP item: a value of an entry. */
  static Bytes rlp(byte[] value) {
    return Bytes.wrap(new RlpWriter(value.length + 2).bytes(value).toArray());
  }

  /** Returns a number as an RLP item: a value of an entry. */
  static Bytes rlp(long value) {
    return Bytes.wrap(new RlpWriter(9).number(value).toArray());
  }

  // ---- values

  /** Returns the sequence number, to be read as unsigned. */
  public long seq() {
    return seq;
  }

  /** Returns the RLP encoding. */
  public Bytes encoded() {
    return encoded;
  }

  /** Returns the public key, 64 bytes: x, y. */
  public Bytes publicKey() {
    return publicKey;
  }

  /** Returns the node id: the Keccak-256 hash of the key. */
  public Hash id() {
    return id;
  }

  /** Returns all entries by key, each value as an RLP item. */
  SortedMap<String, Bytes> entries() {
    return java.util.Collections.unmodifiableSortedMap(pairs);
  }

  /**
   * Returns the node with its IPv4 endpoint, else with its IPv6 endpoint; {@code udp6} and {@code
   * tcp6} default to {@code udp} and {@code tcp}. Null when the record has no address, or a
   * malformed one.
   */
  public @Nullable Node node() {
    Bytes address = string(pairs, "ip", 4);
    int udp = port("udp");
    int tcp = port("tcp");
    if (address == null) {
      address = string(pairs, "ip6", 16);
      udp = pairs.containsKey("udp6") ? port("udp6") : udp;
      tcp = pairs.containsKey("tcp6") ? port("tcp6") : tcp;
    }
    if (address == null || udp < 0 || tcp < 0) {
      return null;
    }
    return new Node(publicKey, Addresses.of(address.unsafeArray()), udp, tcp);
  }

  /** Returns the UDP endpoint; null when the record has none. */
  @Nullable InetSocketAddress udpEndpoint() {
    Node node = node();
    return node == null || node.udpPort() == 0 ? null : node.udpEndpoint();
  }

  /** Returns the IP address; null when the record has none. */
  @Nullable InetAddress address() {
    Node node = node();
    return node == null ? null : node.address();
  }

  /** Returns the port of an entry; 0 when it is absent, -1 when it is malformed. */
  private int port(String key) {
    Bytes value = pairs.get(key);
    if (value == null) {
      return 0;
    }
    try {
      long port = RlpReader.of(value.unsafeArray()).number();
      return port > 0 && port <= 65_535 ? (int) port : -1;
    } catch (IllegalArgumentException malformed) {
      return -1;
    }
  }

  /** Returns an entry that is a byte string of this length; null when it is anything else. */
  private static @Nullable Bytes string(Map<String, Bytes> pairs, String key, int length) {
    Bytes value = pairs.get(key);
    if (value == null) {
      return null;
    }
    try {
      return Bytes.wrap(RlpReader.of(value.unsafeArray()).fixed(length));
    } catch (IllegalArgumentException malformed) {
      return null;
    }
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof NodeRecord o && encoded.equals(o.encoded);
  }

  @Override
  public int hashCode() {
    return encoded.hashCode();
  }

  /** Returns the text form: {@code enr:…}. */
  @Override
  public String toString() {
    return PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(encoded.unsafeArray());
  }
}
