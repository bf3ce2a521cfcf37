// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Trusts what PKIX trusts, as long as each certificate of the peer is valid now: PKIX does not
 * check the dates of a certificate that is itself a trusted one. Threading: any thread.
 */
final class DatedTrust extends X509ExtendedTrustManager {
  private final X509ExtendedTrustManager pkix;

  private DatedTrust(X509ExtendedTrustManager pkix) {
    this.pkix = pkix;
  }

  /**
   * Creates one that trusts certificates, and those that they have signed.
   *
   * @throws GeneralSecurityException when they cannot be used
   */
  static DatedTrust of(List<X509Certificate> trusted) throws GeneralSecurityException {
    TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
    factory.init(store(trusted));
    for (TrustManager one : factory.getTrustManagers()) {
      if (one instanceof X509ExtendedTrustManager pkix) {
        return new DatedTrust(pkix);
      }
    }
    throw new GeneralSecurityException("the JDK has no PKIX");
  }

  private static KeyStore store(List<X509Certificate> trusted) throws GeneralSecurityException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    try {
      store.load(null, null);
    } catch (IOException impossible) { // nothing is read
      throw new GeneralSecurityException(impossible);
    }
    for (X509Certificate one : trusted) {
      store.setCertificateEntry("trusted-" + store.size(), one);
    }
    return store;
  }

  private static void checkDates(X509Certificate[] chain) throws CertificateException {
    for (X509Certificate one : chain) {
      one.checkValidity();
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    pkix.checkClientTrusted(chain, type, engine);
    checkDates(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    pkix.checkServerTrusted(chain, type, engine);
    checkDates(chain);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    pkix.checkClientTrusted(chain, type, socket);
    checkDates(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    pkix.checkServerTrusted(chain, type, socket);
    checkDates(chain);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
    pkix.checkClientTrusted(chain, type);
    checkDates(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
    pkix.checkServerTrusted(chain, type);
    checkDates(chain);
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return pkix.getAcceptedIssuers();
  }
}
