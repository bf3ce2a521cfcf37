// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.crypto.KeyFile;
import dev.patchbay.primitives.ForkId;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Runs a node by hand, to test it with other tools, such as geth's {@code devp2p discv4 test} and
 * {@code devp2p discv5 test}: {@code DiscoveryHarness <address> <port> [enr:… …]}. Prints the
 * record and the URL of the node, and the candidates that it finds. Each byte of input starts a
 * lookup, and the node ends with the input.
 */
final class DiscoveryHarness {
  private DiscoveryHarness() {}

  public static void main(String[] arguments) throws Exception {
    InetAddress address = InetAddress.getByName(arguments[0]);
    List<NodeRecord> bootRecords = new ArrayList<>();
    for (int i = 2; i < arguments.length; i++) {
      bootRecords.add(NodeRecord.parse(arguments[i]));
    }
    DiscoverySettings settings =
        new DiscoverySettings(
            KeyFile.generate(new SecureRandom()),
            new InetSocketAddress(address, Integer.parseInt(arguments[1])),
            30_303,
            address.isAnyLocalAddress() ? null : address,
            List.of(),
            bootRecords,
            List.of(),
            null,
            any -> true,
            true,
            true);
    try (Discovery discovery =
        new Discovery(
            settings,
            () -> EthEntry.of(new ForkId(0, 0)),
            any -> true,
            node -> System.out.println("candidate " + node))) {
      discovery.start();
      NodeRecord record = discovery.localRecord();
      String key = HexFormat.of().formatHex(record.publicKey().toArray());
      System.out.println(record);
      System.out.printf(
          "enode://%s@%s:30303?discport=%d%n", key, address.getHostAddress(), discovery.port());
      do {
        discovery.lookup();
      } while (System.in.read() >= 0);
    }
  }
}
