// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.binding.DurableFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Locale;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Checks the tokens that the Engine API asks of its clients (execution-apis, {@code
 * authentication.md}): JSON Web Tokens signed by HMAC-SHA-256 with a secret that both ends read
 * from a file, at most a minute old.
 *
 * <p>Threading: any thread.
 */
final class JwtAuthentication {
  private static final int SECRET_BYTES = 32;
  private static final int MAX_TOKEN = 4_096;
  private static final long MAX_DRIFT_SECONDS = 60;
  private static final String SCHEME = "bearer ";
  private static final int MAX_SECRET_FILE_BYTES = 1_024;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final SecretKeySpec secret;
  private final InstantSource clock;

  JwtAuthentication(byte[] secret, InstantSource clock) {
    this.secret = new SecretKeySpec(secret, "HmacSHA256");
    this.clock = clock;
  }

  /**
   * Reads the secret; a file that does not exist is created, readable by its owner alone. A power
   * cut leaves no file or all of it. Listeners that start at the same time get the same secret.
   *
   * @throws IOException when the file cannot be read or created
   * @throws IllegalArgumentException when it does not hold 64 hexadecimal digits
   */
  static JwtAuthentication of(Path file) throws IOException {
    return new JwtAuthentication(readOrCreate(file), InstantSource.system());
  }

  private static synchronized byte[] readOrCreate(Path file) throws IOException {
    try {
      if (Files.size(file) > MAX_SECRET_FILE_BYTES) {
        throw new IllegalArgumentException(
            "the JWT secret in "
                + file
                + " must be 64 hexadecimal digits; the file has more than "
                + MAX_SECRET_FILE_BYTES
                + " bytes");
      }
      return parse(file, Files.readString(file, StandardCharsets.US_ASCII));
    } catch (NoSuchFileException absent) {
      Path folder = file.toAbsolutePath().getParent();
      if (folder == null || !Files.isDirectory(folder)) {
        throw absent; // a path that is misspelt is not created
      }
      byte[] created = new byte[SECRET_BYTES];
      new SecureRandom().nextBytes(created);
      String text = HexFormat.of().formatHex(created) + "\n";
      DurableFiles.createSecret(file, text.getBytes(StandardCharsets.US_ASCII));
      return created;
    }
  }

  private static byte[] parse(Path file, String text) {
    String digits = text.strip().replaceFirst("^0[xX]", "");
    if (digits.length() != 2 * SECRET_BYTES) {
      throw new IllegalArgumentException(
          "the JWT secret in "
              + file
              + " has "
              + digits.length()
              + " hexadecimal digits, it must have 64");
    }
    try {
      return HexFormat.of().parseHex(digits);
    } catch (IllegalArgumentException malformed) {
      throw new IllegalArgumentException(
          "the JWT secret in " + file + " is not hexadecimal"); // the text itself is a secret
    }
  }

  /**
   * Returns why a request is refused; null when it is not.
   *
   * @param authorization the header {@code Authorization}, or null
   */
  @Nullable String refusal(@Nullable String authorization) {
    if (authorization == null
        || authorization.length() > MAX_TOKEN
        || !authorization.toLowerCase(Locale.ROOT).startsWith(SCHEME)) {
      return "missing token";
    }
    String[] parts = authorization.substring(SCHEME.length()).strip().split("\\.", -1);
    if (parts.length != 3) {
      return "malformed token";
    }
    try {
      Base64.Decoder decoder = Base64.getUrlDecoder();
      JsonNode header = JSON.readTree(decoder.decode(parts[0]));
      if (!"HS256".equals(header.path("alg").asText())) {
        return "token is not signed by HS256";
      }
      byte[] signature = decoder.decode(parts[2]);
      if (!MessageDigest.isEqual(signature, sign(parts[0] + "." + parts[1]))) {
        return "signature of the token is invalid";
      }
      return stale(JSON.readTree(decoder.decode(parts[1])));
    } catch (IOException | IllegalArgumentException malformed) {
      return "malformed token";
    }
  }

  private byte[] sign(String text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(secret);
      return mac.doFinal(text.getBytes(StandardCharsets.US_ASCII));
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private @Nullable String stale(JsonNode claims) {
    long now = clock.instant().getEpochSecond();
    JsonNode issued = claims.path("iat");
    if (!issued.isNumber()) {
      return "missing issued-at";
    }
    if (!issued.canConvertToLong()
        || issued.asLong() < now - MAX_DRIFT_SECONDS
        || issued.asLong() > now + MAX_DRIFT_SECONDS) {
      return "stale token";
    }
    JsonNode expiry = claims.path("exp");
    // a number beyond a long is a time that never comes, or one before all others
    boolean expired =
        expiry.canConvertToLong()
            ? expiry.asLong() < now
            : expiry.isNumber() && expiry.asDouble() < 0;
    return expired ? "token is expired" : null;
  }
}
