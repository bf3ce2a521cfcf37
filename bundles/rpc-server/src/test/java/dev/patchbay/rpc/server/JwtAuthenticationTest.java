// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JwtAuthenticationTest {
  private static final long NOW = 1_700_000_000;
  private static final byte[] SECRET = HexFormat.of().parseHex("7365".repeat(16));

  private final JwtAuthentication authentication =
      new JwtAuthentication(SECRET, InstantSource.fixed(Instant.ofEpochSecond(NOW)));

  @TempDir Path folder;

  private static String encoded(String json) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(json.getBytes(StandardCharsets.US_ASCII));
  }

  static String token(byte[] secret, String header, String claims) throws Exception {
    String text = encoded(header) + "." + encoded(claims);
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(secret, "HmacSHA256"));
    byte[] signature = mac.doFinal(text.getBytes(StandardCharsets.US_ASCII));
    return text + "." + Base64.getUrlEncoder().withoutPadding().encodeToString(signature);
  }

  private String refusal(String claims) throws Exception {
    return authentication.refusal(
        "Bearer " + token(SECRET, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", claims));
  }

  @ParameterizedTest
  @CsvSource({"0, true", "60, true", "-60, true", "61, false", "-61, false"})
  void aTokenMayBeAMinuteOld(long drift, boolean accepted) throws Exception {
    String refusal = refusal("{\"iat\":" + (NOW + drift) + ",\"id\":\"beacon\"}");
    assertThat(refusal).isEqualTo(accepted ? null : "stale token");
  }

  @Test
  void theSchemeIsReadWithoutCase() throws Exception {
    String token = token(SECRET, "{\"alg\":\"HS256\"}", "{\"iat\":" + NOW + "}");
    assertThat(authentication.refusal("bearer " + token)).isNull();
    assertThat(authentication.refusal("BEARER " + token)).isNull();
    assertThat(authentication.refusal("Basic " + token)).isEqualTo("missing token");
    assertThat(authentication.refusal(null)).isEqualTo("missing token");
  }

  @Test
  void whatIsNotSignedIsRefused() throws Exception {
    String claims = "{\"iat\":" + NOW + "}";
    String none = encoded("{\"alg\":\"none\"}") + "." + encoded(claims) + ".";
    assertThat(authentication.refusal("Bearer " + none)).contains("HS256");
    byte[] other = HexFormat.of().parseHex("00".repeat(32));
    assertThat(authentication.refusal("Bearer " + token(other, "{\"alg\":\"HS256\"}", claims)))
        .contains("signature");
    assertThat(authentication.refusal("Bearer " + token(SECRET, "{\"alg\":\"HS512\"}", claims)))
        .contains("HS256");
    assertThat(refusal("{}")).isEqualTo("missing issued-at");
    assertThat(refusal("{\"iat\":" + NOW + ",\"exp\":" + (NOW - 1) + "}")).contains("expired");
    for (String broken : new String[] {"", "a.b", "a.b.c", "....", "%.%.%", "a".repeat(9_000)}) {
      assertThat(authentication.refusal("Bearer " + broken)).isNotNull();
    }
  }

  @Test
  void aTimeBeyondALongIsNotNow() throws Exception {
    String[] times = {"9".repeat(999), "-" + "9".repeat(999), "1e308", "-9223372035154775808"};
    for (String time : times) {
      assertThat(refusal("{\"iat\":" + time + "}")).isEqualTo("stale token");
    }
    assertThat(refusal("{\"iat\":" + NOW + ",\"exp\":" + "9".repeat(99) + "}")).isNull();
    assertThat(refusal("{\"iat\":" + NOW + ",\"exp\":-" + "9".repeat(99) + "}"))
        .contains("expired");
    assertThat(refusal("{\"iat\":" + "9".repeat(2_000) + "}")).isEqualTo("malformed token");
  }

  @Test
  void longTokensAreRefusedByTheirLength() {
    String part = "a".repeat(10_000_000);
    for (String token : new String[] {part, part + "." + part + "." + part, ".".repeat(100_000)}) {
      assertThat(authentication.refusal("Bearer " + token)).isEqualTo("missing token");
    }
  }

  @Test
  void theSecretIsReadOrMade() throws Exception {
    Path file = folder.resolve("jwt.hex");
    JwtAuthentication.of(file);
    assertThat(Files.readString(file)).matches("[0-9a-f]{64}\n");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    String made = Files.readString(file);
    JwtAuthentication.of(file);
    assertThat(Files.readString(file)).isEqualTo(made);
    for (String wrong :
        new String[] {"", "12", "z".repeat(64), "0".repeat(65), "0".repeat(1 << 20)}) {
      Files.writeString(file, wrong);
      assertThatThrownBy(() -> JwtAuthentication.of(file))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("jwt.hex");
    }
  }

  /** As a full disk or the end of the process: an empty file would be refused at the next start. */
  @Test
  void aSecretThatCannotBeWrittenLeavesNoFile() throws Exception {
    Path file = folder.resolve("jwt.hex");
    Thread.currentThread().interrupt();
    try {
      assertThatThrownBy(() -> JwtAuthentication.of(file)).isInstanceOf(IOException.class);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThat(folder).isEmptyDirectory();
    JwtAuthentication.of(file);
    assertThat(Files.readString(file)).matches("[0-9a-f]{64}\n");
  }

  @Test
  void theFolderOfASecretIsNotCreated() {
    Path file = folder.resolve("misspelt/jwt.hex");
    assertThatThrownBy(() -> JwtAuthentication.of(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file.toString());
    assertThat(folder).isEmptyDirectory();
  }
}
