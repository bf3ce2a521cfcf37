// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hex;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * The URL of a node list in the DNS: {@code enrtree://<key>@<domain>} (EIP-1459). Threading:
 * immutable.
 *
 * @param publicKey 64 bytes: the key that signs the list
 * @param domain its DNS name, in lower case
 */
public record DnsListLink(Bytes publicKey, String domain) {
  static final String PREFIX = "enrtree://";

  private static final int MAX_TEXT = 400;
  private static final Pattern DOMAIN =
      Pattern.compile("(?=.{1,200}$)[a-z0-9_-]{1,63}(\\.[a-z0-9_-]{1,63})*");

  /**
   * Parses a URL.
   *
   * @throws IllegalArgumentException when the text has another form; the message shows it, bounded
   */
  public static DnsListLink parse(String text) {
    int at = text.indexOf('@');
    if (text.length() > MAX_TEXT || !text.startsWith(PREFIX) || at < 0) {
      throw malformed(text);
    }
    byte[] compressed;
    try {
      compressed = Base32.decode(text.substring(PREFIX.length(), at));
    } catch (IllegalArgumentException notBase32) {
      throw malformed(text);
    }
    byte[] key = Secp256k1.decompress(compressed);
    String domain = text.substring(at + 1).toLowerCase(Locale.ROOT);
    if (key == null || !DOMAIN.matcher(domain).matches()) {
      throw malformed(text);
    }
    return new DnsListLink(Bytes.wrap(key), domain);
  }

  private static IllegalArgumentException malformed(String text) {
    return new IllegalArgumentException(
        "a DNS node list is enrtree://<key in base32>@<domain>, not " + Hex.shown(text));
  }
}
