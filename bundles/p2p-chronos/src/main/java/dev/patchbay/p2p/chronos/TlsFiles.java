// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Certificates and key of mutual TLS, from PEM files. Errors name the key of the configuration, the
 * file, and what is wrong with it; none shows the key. Threading: immutable.
 *
 * @param client for connections that this node dials
 * @param server for connections that it accepts
 * @param certificate of this node
 */
record TlsFiles(SslContext client, SslContext server, X509Certificate certificate) {
  private static final int MAX_BYTES = 1024 * 1024;
  private static final String UNTRUSTED =
      "no certificate in tls.trust has signed the one of the peer";
  private static final String NONE_SENT = UNTRUSTED + ", so that it sends none";
  private static final String EXPIRED = "the certificate of the peer has expired";
  private static final String EARLY = "the certificate of the peer is not valid yet";
  private static final String NOT_TLS = "the peer does not speak TLS";
  private static final Set<String> COUNTED = Set.of(UNTRUSTED, NONE_SENT, EXPIRED, EARLY, NOT_TLS);
  private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};
  private static final Pattern KEY =
      Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");
  private static final Pattern OTHER_KEY =
      Pattern.compile("-----BEGIN ((?:RSA|EC|ENCRYPTED) PRIVATE KEY)-----");

  /**
   * Reads the files.
   *
   * @throws IllegalArgumentException when they cannot be used
   */
  static TlsFiles read(Path certificate, Path key, Path trust) {
    List<X509Certificate> chain = certificates("tls.certificate", certificate);
    X509Certificate own = chain.get(0);
    checkValid("tls.certificate", certificate, own);
    PrivateKey secret = key(key, own.getPublicKey());
    checkPair(secret, own.getPublicKey(), certificate, key);
    List<X509Certificate> trusted = certificates("tls.trust", trust);
    trusted.forEach(one -> checkValid("tls.trust", trust, one));
    return of(secret, chain, trusted);
  }

  /**
   * Creates one of certificates whose dates and key are not checked.
   *
   * @param chain the own certificate first
   * @throws IllegalArgumentException when they cannot be used
   */
  static TlsFiles of(
      PrivateKey secret, List<X509Certificate> chain, List<X509Certificate> trusted) {
    X509Certificate[] chainArray = chain.toArray(X509Certificate[]::new);
    try {
      DatedTrust trust = DatedTrust.of(trusted);
      return new TlsFiles(
          SslContextBuilder.forClient()
              .sslProvider(SslProvider.JDK)
              .protocols(PROTOCOLS)
              .keyManager(secret, chainArray)
              .trustManager(trust)
              .endpointIdentificationAlgorithm(null) // nodes are known by their certificates
              .build(),
          SslContextBuilder.forServer(secret, chainArray)
              .sslProvider(SslProvider.JDK)
              .protocols(PROTOCOLS)
              .trustManager(trust)
              .clientAuth(ClientAuth.REQUIRE)
              .build(),
          chain.get(0));
    } catch (IOException | GeneralSecurityException | IllegalArgumentException unusable) {
      throw new IllegalArgumentException(
          "tls.certificate, tls.key and tls.trust cannot be used: " + unusable.getMessage(),
          unusable);
    }
  }

  private static byte[] content(String name, Path file) {
    try {
      if (Files.isDirectory(file) || Files.size(file) > MAX_BYTES) {
        throw new IllegalArgumentException(name + ": " + file + " is no PEM file");
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException missing) {
      throw new IllegalArgumentException(name + ": the file " + file + " does not exist", missing);
    } catch (IOException failure) {
      throw new IllegalArgumentException(
          name + ": the file " + file + " cannot be read (" + failure + ")", failure);
    }
  }

  private static List<X509Certificate> certificates(String name, Path file) {
    List<X509Certificate> out = new ArrayList<>();
    try (InputStream in = new ByteArrayInputStream(content(name, file))) {
      for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        out.add((X509Certificate) one);
      }
    } catch (CertificateException | IOException malformed) {
      throw new IllegalArgumentException(
          name + ": " + file + " is malformed (" + malformed.getMessage() + ")", malformed);
    }
    if (out.isEmpty()) {
      throw new IllegalArgumentException(name + ": " + file + " has no certificate in PEM form");
    }
    return out;
  }

  private static void checkValid(String name, Path file, X509Certificate certificate) {
    try {
      certificate.checkValidity();
    } catch (CertificateExpiredException expired) {
      throw new IllegalArgumentException(
          name + ": the certificate in " + file + " has expired on " + certificate.getNotAfter(),
          expired);
    } catch (CertificateNotYetValidException early) {
      throw new IllegalArgumentException(
          name
              + ": the certificate in "
              + file
              + " is not valid before "
              + certificate.getNotBefore(),
          early);
    }
  }

  private static PrivateKey key(Path file, PublicKey publicKey) {
    String text = new String(content("tls.key", file), StandardCharsets.ISO_8859_1);
    Matcher matcher = KEY.matcher(text);
    if (!matcher.find()) {
      Matcher other = OTHER_KEY.matcher(text);
      throw new IllegalArgumentException(
          "tls.key: "
              + file
              + (other.find()
                  ? " has a key of the form "
                      + other.group(1)
                      + "; it must be PKCS #8, not encrypted"
                  : " has no private key in PEM form (PKCS #8)"));
    }
    try {
      byte[] encoded = Base64.getMimeDecoder().decode(matcher.group(1));
      return KeyFactory.getInstance(publicKey.getAlgorithm())
          .generatePrivate(new PKCS8EncodedKeySpec(encoded));
    } catch (GeneralSecurityException | IllegalArgumentException malformed) {
      throw new IllegalArgumentException(
          "tls.key: "
              + file
              + " is malformed, or no key of the algorithm "
              + publicKey.getAlgorithm()
              + " that tls.certificate has",
          malformed);
    }
  }

  private static void checkPair(PrivateKey secret, PublicKey key, Path certificate, Path file) {
    String algorithm =
        key instanceof RSAPublicKey
            ? "SHA256withRSA"
            : key.getAlgorithm().startsWith("Ed") ? key.getAlgorithm() : "SHA256withECDSA";
    boolean isPair;
    try {
      byte[] text = "chronos".getBytes(StandardCharsets.US_ASCII);
      Signature signer = Signature.getInstance(algorithm);
      signer.initSign(secret);
      signer.update(text);
      byte[] signature = signer.sign();
      Signature verifier = Signature.getInstance(algorithm);
      verifier.initVerify(key);
      verifier.update(text);
      isPair = verifier.verify(signature);
    } catch (GeneralSecurityException unusable) {
      throw new IllegalArgumentException(
          "tls.key: " + file + " cannot be used (" + unusable.getMessage() + ")", unusable);
    }
    if (!isPair) {
      throw new IllegalArgumentException(
          "tls.key: " + file + " is not the key of the certificate in " + certificate);
    }
  }

  /** Returns a reason when it is one of a few, otherwise {@code other}. */
  static String counted(String reason) {
    return COUNTED.contains(reason) ? reason : "other";
  }

  /** Returns why a handshake has failed, in one line. */
  static String reason(@Nullable Throwable failure) {
    String reason = "";
    int depth = 0;
    for (Throwable at = failure; at != null && depth++ < 10; at = at.getCause()) {
      if (at instanceof CertificateExpiredException) {
        return EXPIRED;
      }
      if (at instanceof CertificateNotYetValidException) {
        return EARLY;
      }
      if (at instanceof NotSslRecordException) { // its message has what the peer sent
        return NOT_TLS;
      }
      if (at instanceof java.security.cert.CertPathBuilderException
          || at instanceof java.security.cert.CertPathValidatorException) {
        reason = UNTRUSTED;
      } else if (String.valueOf(at.getMessage()).contains("Empty client certificate chain")) {
        return NONE_SENT;
      } else if (reason.isEmpty() && at.getMessage() != null) {
        reason = Connection.printable(at.getMessage());
      }
    }
    return reason.isEmpty() ? String.valueOf(failure) : reason;
  }
}
