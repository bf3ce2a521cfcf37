// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Certificates that sign themselves, made by keytool of the JDK. */
@Timeout(120)
class TlsTest {
  private static final String OWN = "0x" + "22".repeat(20);
  private static final String OTHER = "0x" + "33".repeat(20);

  @TempDir static Path folder;

  @BeforeAll
  static void create() throws Exception {
    create("one", "-1d", 10);
    create("two", "-1d", 10);
    create("stranger", "-1d", 10);
    create("expired", "-10d", 2);
    create("early", "+5d", 10);
    Files.writeString(
        folder.resolve("trust.pem"),
        Files.readString(folder.resolve("one.pem")) + Files.readString(folder.resolve("two.pem")));
  }

  private static void create(String name, String start, int days) throws Exception {
    Path store = folder.resolve(name + ".p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-alias",
                "node",
                "-dname",
                "CN=" + name,
                "-startdate",
                start,
                "-validity",
                "" + days,
                "-storetype",
                "PKCS12",
                "-storepass",
                "secret",
                "-keystore",
                store.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve(name + ".log").toFile())
            .start();
    assertThat(keytool.waitFor(60, TimeUnit.SECONDS)).isTrue();
    KeyStore loaded = KeyStore.getInstance(store.toFile(), "secret".toCharArray());
    Key key = loaded.getKey("node", "secret".toCharArray());
    Certificate certificate = loaded.getCertificate("node");
    pem(name + ".key", "PRIVATE KEY", key.getEncoded());
    pem(name + ".pem", "CERTIFICATE", certificate.getEncoded());
  }

  private static void pem(String file, String type, byte[] content) throws IOException {
    String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
    Files.writeString(
        folder.resolve(file),
        "-----BEGIN " + type + "-----\n" + text + "\n-----END " + type + "-----\n");
  }

  private static TlsFiles files(String name, String trust) {
    return TlsFiles.read(
        folder.resolve(name + ".pem"), folder.resolve(name + ".key"), folder.resolve(trust));
  }

  private static ChronosNetwork network(@Nullable TlsFiles tls, String address, String... peers)
      throws Exception {
    ChronosSettings settings =
        new ChronosSettings(
            "127.0.0.1",
            peers.length == 0 ? 0 : ChronosSettings.NO_PORT,
            peers.length == 0 ? Set.of() : Set.of(HostPort.parse(peers[0])),
            false,
            false,
            0,
            null,
            25);
    ChronosNetwork network =
        new ChronosNetwork(settings, tls, new FakeChain(1).local(address, 0), new Random(1));
    network.start();
    if (peers.length == 0) {
      ChronosNetworkTest.await("the port", network::isListening);
    }
    return network;
  }

  private static String url(ChronosNetwork network) {
    return "127.0.0.1:" + network.localNode().tcpPort();
  }

  @Test
  void nodesWhoseCertificatesAreTrustedBecomePeers() throws Exception {
    try (ChronosNetwork server = network(files("one", "trust.pem"), OWN);
        ChronosNetwork client = network(files("two", "trust.pem"), OTHER, url(server))) {
      ChronosNetworkTest.await("the peers", () -> server.peers().size() == 1);
      ChronosNetworkTest.await("the peers", () -> client.peers().size() == 1);
    }
  }

  @Test
  void strangersDoNotKeepThemOut() throws Exception {
    List<WirePeer> strangers = new ArrayList<>();
    try (ChronosNetwork server = network(files("one", "trust.pem"), OWN)) {
      for (int i = 0; i < 40; i++) {
        strangers.add(WirePeer.dial(server.localNode().tcpPort()));
      }
      try (ChronosNetwork client = network(files("two", "trust.pem"), OTHER, url(server))) {
        ChronosNetworkTest.await("the peers", () -> server.peers().size() == 1);
        ChronosNetworkTest.await("the peers", () -> client.peers().size() == 1);
        assertThat(client.disconnects()).as("its first dial succeeds").isEmpty();
      }
    } finally {
      for (WirePeer stranger : strangers) {
        stranger.close();
      }
    }
  }

  @Test
  void othersDoNot() throws Exception {
    try (ChronosNetwork server = network(files("one", "trust.pem"), OWN)) {
      try (ChronosNetwork stranger = network(files("stranger", "one.pem"), OTHER, url(server))) {
        ChronosNetworkTest.await("the reason", () -> has(server, "no certificate in tls.trust"));
        assertThat(server.peers()).isEmpty();
        assertThat(stranger.peers()).isEmpty();
      }
      try (ChronosNetwork plain = network(null, OTHER, url(server))) {
        ChronosNetworkTest.await("the reason", () -> has(server, "the peer does not speak TLS"));
        assertThat(plain.peers()).isEmpty();
      }
      assertThat(server.peers()).isEmpty();
    }
  }

  private static TlsFiles unchecked(String name, String trusted) throws Exception {
    PrivateKey key = (PrivateKey) store(name).getKey("node", "secret".toCharArray());
    return TlsFiles.of(key, List.of(certificate(name)), List.of(certificate(trusted)));
  }

  private static KeyStore store(String name) throws Exception {
    return KeyStore.getInstance(folder.resolve(name + ".p12").toFile(), "secret".toCharArray());
  }

  private static X509Certificate certificate(String name) throws Exception {
    return (X509Certificate) store(name).getCertificate("node");
  }

  /** Its own certificate is a trusted one, and was valid when the node started. */
  @Test
  void aTrustedCertificateThatHasExpiredIsRefused() throws Exception {
    try (ChronosNetwork server = network(unchecked("one", "expired"), OWN);
        ChronosNetwork client = network(unchecked("expired", "one"), OTHER, url(server))) {
      ChronosNetworkTest.await("the reason", () -> has(server, "has expired"));
      assertThat(server.peers()).isEmpty();
      assertThat(client.peers()).isEmpty();
    }
    try (ChronosNetwork server = network(unchecked("expired", "one"), OWN);
        ChronosNetwork client = network(unchecked("one", "expired"), OTHER, url(server))) {
      ChronosNetworkTest.await("the reason", () -> has(client, "has expired"));
      assertThat(server.peers()).isEmpty();
    }
  }

  private static boolean has(ChronosNetwork network, String reason) {
    return network.disconnects().keySet().stream().anyMatch(end -> end.contains(reason));
  }

  private static void fails(String certificate, String key, String trust, String... texts) {
    List<String> expected = new ArrayList<>(List.of(texts));
    assertThatThrownBy(
            () ->
                TlsFiles.read(
                    folder.resolve(certificate), folder.resolve(key), folder.resolve(trust)))
        .isInstanceOf(IllegalArgumentException.class)
        .message()
        .contains(expected)
        .doesNotContain("BEGIN");
  }

  @Test
  void filesThatCannotBeUsedAreNamed() throws Exception {
    Files.writeString(folder.resolve("empty.pem"), "");
    Files.writeString(
        folder.resolve("broken.pem"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    Files.writeString(
        folder.resolve("broken.key"),
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    Files.writeString(
        folder.resolve("old.key"),
        "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n");
    Files.write(folder.resolve("text.pem"), "no certificate".getBytes(StandardCharsets.UTF_8));
    fails("absent.pem", "one.key", "trust.pem", "tls.certificate", "absent.pem", "does not exist");
    fails("one.pem", "absent.key", "trust.pem", "tls.key", "absent.key", "does not exist");
    fails("one.pem", "one.key", "absent.pem", "tls.trust", "absent.pem", "does not exist");
    fails("empty.pem", "one.key", "trust.pem", "tls.certificate", "has no certificate");
    fails("text.pem", "one.key", "trust.pem", "tls.certificate", "text.pem");
    fails("broken.pem", "one.key", "trust.pem", "tls.certificate", "malformed");
    fails("one.pem", "broken.key", "trust.pem", "tls.key", "broken.key", "malformed");
    fails("one.pem", "old.key", "trust.pem", "tls.key", "EC PRIVATE KEY", "PKCS #8");
    fails("one.pem", "one.pem", "trust.pem", "tls.key", "has no private key");
    fails("one.pem", "two.key", "trust.pem", "tls.key", "is not the key of the certificate");
    fails("expired.pem", "expired.key", "trust.pem", "tls.certificate", "has expired on");
    fails("early.pem", "early.key", "trust.pem", "tls.certificate", "is not valid before");
    fails("one.pem", "one.key", "expired.pem", "tls.trust", "has expired on");
    fails(".", "one.key", "trust.pem", "tls.certificate", "is no PEM file");
  }
}
