// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * A certificate authority, and certificates of nodes that it has signed, as PEM files: made by
 * keytool of the JDK.
 */
final class Certificates {
  private static final String PASSWORD = "secret";
  private static final String AUTHORITY = "authority";

  private final Path folder;
  private final Path store;

  /**
   * Creates an authority.
   *
   * @param folder of its own, which does not exist yet
   */
  Certificates(Path folder) throws Exception {
    this.folder = Files.createDirectory(folder);
    this.store = folder.resolve("store.p12");
    create(AUTHORITY, "-1d", 10, List.of("-ext", "bc:c"));
    pem("trust.pem", "CERTIFICATE", load().getCertificate(AUTHORITY).getEncoded());
  }

  /**
   * Makes a certificate.
   *
   * @param start when it begins to be valid, from now on: {@code -1d}
   * @param days for how long it is valid
   */
  Certificates add(String name, String start, int days) throws Exception {
    create(name, start, days, List.of("-signer", AUTHORITY));
    KeyStore loaded = load();
    Key key = loaded.getKey(name, PASSWORD.toCharArray());
    Certificate certificate = loaded.getCertificate(name);
    pem(name + ".key", "PRIVATE KEY", key.getEncoded());
    pem(name + ".pem", "CERTIFICATE", certificate.getEncoded());
    return this;
  }

  /** Returns the lines of a configuration with a certificate, which trusts an authority. */
  List<String> configuration(String name, Certificates trusted) {
    return List.of(
        "tls.certificate = " + folder.resolve(name + ".pem"),
        "tls.key = " + folder.resolve(name + ".key"),
        "tls.trust = " + trusted.folder.resolve("trust.pem"));
  }

  private void create(String name, String start, int days, List<String> more) throws Exception {
    List<String> line =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-alias",
                name,
                "-dname",
                "CN=" + name,
                "-startdate",
                start,
                "-validity",
                "" + days,
                "-storetype",
                "PKCS12",
                "-storepass",
                PASSWORD,
                "-keystore",
                store.toString()));
    line.addAll(more);
    Process keytool = new ProcessBuilder(line).redirectErrorStream(true).start();
    String output = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (keytool.waitFor() != 0) {
      throw new IOException("keytool failed: " + output);
    }
  }

  private KeyStore load() throws Exception {
    return KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
  }

  private void pem(String file, String type, byte[] content) throws IOException {
    String text =
        Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(content);
    Files.writeString(
        folder.resolve(file),
        "-----BEGIN " + type + "-----\n" + text + "\n-----END " + type + "-----\n");
  }
}
