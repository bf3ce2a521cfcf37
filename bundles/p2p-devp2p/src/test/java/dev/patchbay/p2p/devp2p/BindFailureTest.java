// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.patchbay.p2p.devp2p.BindFailure.Cause;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketException;
import org.junit.jupiter.api.Test;

/** The causes of a port that cannot be used. */
class BindFailureTest {
  private static BindFailure of(Throwable failure, String host, int port) {
    return BindFailure.of(failure, new InetSocketAddress(host, port), "UDP port");
  }

  private static void expect(BindFailure failure, Cause cause, boolean ofPort, String text) {
    assertThat(failure.cause()).isEqualTo(cause);
    assertThat(failure.isOfPort()).isEqualTo(ofPort);
    assertThat(failure.text()).contains(text);
  }

  @Test
  void aTakenPort() throws Exception {
    InetAddress loopback = InetAddress.getByName("127.0.0.1");
    try (ServerSocket taken = new ServerSocket(0, 1, loopback)) {
      int port = taken.getLocalPort();
      Throwable thrown = catchThrowable(() -> new ServerSocket(port, 1, loopback).close());
      expect(
          of(thrown, "127.0.0.1", port),
          Cause.TAKEN,
          true,
          "End the program that uses it, or set --p2p-port (port of dev.patchbay.p2p.devp2p)");
    }
    IOException wrapped = new IOException("UDP", new BindException("Address already in use"));
    expect(
        of(wrapped, "127.0.0.1", 80),
        Cause.TAKEN,
        true,
        "127.0.0.1 UDP port 80 cannot be used (Address already in use)");
  }

  @Test
  void anAddressOfAnotherMachine() throws Exception {
    InetAddress foreign = InetAddress.getByName("192.0.2.1");
    Throwable thrown = catchThrowable(() -> new ServerSocket(30_303, 1, foreign).close());
    expect(
        of(thrown, "192.0.2.1", 30_303),
        Cause.NOT_LOCAL,
        false,
        "Set --p2p-host (host of dev.patchbay.p2p.devp2p) to");
  }

  @Test
  void aPortThatTheSystemReserves() {
    BindException denied = new BindException("Permission denied");
    expect(of(denied, "0.0.0.0", 303), Cause.NOT_PERMITTED, true, "to one above 1023");
  }

  /** The text of the operating system may be translated. */
  @Test
  void theAddressAndThePortDecideWhenTheTextDoesNot() {
    BindException translated = new BindException("anders");
    assertThat(of(translated, "192.0.2.1", 30_303).cause()).isEqualTo(Cause.NOT_LOCAL);
    assertThat(of(translated, "0.0.0.0", 303).cause()).isEqualTo(Cause.NOT_PERMITTED);
    assertThat(of(translated, "0.0.0.0", 0).cause()).isEqualTo(Cause.TAKEN);
    assertThat(of(translated, "127.0.0.9", 30_303).cause()).isEqualTo(Cause.TAKEN);
  }

  @Test
  void otherFailuresAreShownAsTheyAre() {
    SocketException files = new SocketException("Too many open files");
    expect(of(files, "0.0.0.0", 30_303), Cause.OTHER, false, "Too many open files");
    BindFailure chain = of(new IllegalStateException("the chain is not open"), "0.0.0.0", 30_303);
    expect(chain, Cause.OTHER, false, "IllegalStateException: the chain is not open");
    assertThat(chain.text()).doesNotContain("port", "End the program");
  }
}
