// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Makes the tokens that the Engine API asks of its clients. */
public final class BearerTokens {
  private final byte[] secret;

  /** Takes the text of the file of the secret. */
  public BearerTokens(String file) {
    secret = HexFormat.of().parseHex(file.strip().replaceFirst("^0x", ""));
  }

  /** Returns the header {@code Authorization} of a request that is sent now. */
  public String header() throws GeneralSecurityException {
    String text =
        encoded("{\"alg\":\"HS256\",\"typ\":\"JWT\"}")
            + "."
            + encoded("{\"iat\":" + Instant.now().getEpochSecond() + "}");
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(secret, "HmacSHA256"));
    byte[] signature = mac.doFinal(text.getBytes(StandardCharsets.US_ASCII));
    return "Bearer "
        + text
        + "."
        + Base64.getUrlEncoder().withoutPadding().encodeToString(signature);
  }

  private static String encoded(String json) {
    byte[] bytes = json.getBytes(StandardCharsets.US_ASCII);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
