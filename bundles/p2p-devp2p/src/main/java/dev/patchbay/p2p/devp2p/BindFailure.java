// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Why a port cannot be used, and what the operator can do.
 *
 * @param cause the kind of the failure
 * @param text the failure and the remedy, without a full stop at the end
 */
record BindFailure(Cause cause, String text) {
  /** Pause before a port is tried again; doubles up to the limit below. */
  static final Duration MIN_PAUSE = Duration.ofSeconds(1);

  static final Duration MAX_PAUSE = Duration.ofMinutes(1);

  private static final int MAX_PRIVILEGED_PORT = 1_023;

  /** The kinds of failures. */
  enum Cause {
    /** Another program uses the port. */
    TAKEN,
    /** The machine does not have the address. */
    NOT_LOCAL,
    /** The operating system reserves the port. */
    NOT_PERMITTED,
    /** Anything else. */
    OTHER
  }

  /**
   * Returns the cause of a failure. The operating system says it in a text only, which may be
   * translated: the address and the port decide when the text does not.
   *
   * @param failure what was thrown when the address was bound, or before or after that
   * @param what "port" or "UDP port"
   */
  static BindFailure of(Throwable failure, InetSocketAddress address, String what) {
    SocketException socketFailure = socketFailure(failure);
    if (socketFailure == null) {
      return new BindFailure(Cause.OTHER, failure.toString());
    }
    String detail = String.valueOf(socketFailure.getMessage());
    Cause cause = cause(socketFailure, detail, address);
    String port = address.getAddress().getHostAddress() + " " + what + " " + address.getPort();
    String subject = port + " cannot be used (" + detail + ")";
    String host = DevP2pSettings.optionOf("host");
    String portOption = DevP2pSettings.optionOf("port");
    return new BindFailure(
        cause,
        switch (cause) {
          case TAKEN -> subject + ". End the program that uses it, or set " + portOption;
          case NOT_LOCAL ->
              subject + ". Set " + host + " to an address of this machine, or to 0.0.0.0";
          case NOT_PERMITTED ->
              subject
                  + ". Set "
                  + portOption
                  + " to one above "
                  + MAX_PRIVILEGED_PORT
                  + ", or have the operating system permit this one";
          case OTHER -> subject + ". Set " + host + " and " + portOption;
        });
  }

  private static @Nullable SocketException socketFailure(Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof SocketException found) {
        return found;
      }
    }
    return null;
  }

  private static Cause cause(SocketException failure, String detail, InetSocketAddress address) {
    if (detail.contains("in use")) {
      return Cause.TAKEN;
    }
    if (detail.contains("denied")) {
      return Cause.NOT_PERMITTED;
    }
    if (!(failure instanceof BindException)) {
      return Cause.OTHER;
    }
    if (!isLocal(address.getAddress())) {
      return Cause.NOT_LOCAL;
    }
    boolean privileged = address.getPort() > 0 && address.getPort() <= MAX_PRIVILEGED_PORT;
    return privileged ? Cause.NOT_PERMITTED : Cause.TAKEN;
  }

  private static boolean isLocal(InetAddress address) {
    try {
      return address.isAnyLocalAddress()
          || address.isLoopbackAddress()
          || NetworkInterface.getByInetAddress(address) != null;
    } catch (SocketException unknown) {
      return true;
    }
  }

  /** Returns whether another port of the same address may be usable. */
  boolean isOfPort() {
    return cause == Cause.TAKEN || cause == Cause.NOT_PERMITTED;
  }
}
