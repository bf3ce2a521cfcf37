// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.ThreadLocalRandom;

/** Ports that no other process takes meanwhile: systems connect from higher ones. */
public final class FreePorts {
  private static final int FIRST = 10_000;
  private static final int END = 20_000;

  private FreePorts() {}

  /** Returns a port that is free for TCP and UDP on the loopback interface. */
  public static int next() {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    while (true) {
      int port = ThreadLocalRandom.current().nextInt(FIRST, END);
      try (ServerSocket tcp = new ServerSocket(port, 1, loopback);
          DatagramSocket udp = new DatagramSocket(port, loopback)) {
        return port;
      } catch (IOException taken) {
        // another one
      }
    }
  }
}
