// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.p2p.devp2p.FreePorts;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The DNS client: messages, and a server on loopback. */
@Timeout(60)
class DnsClientTest {
  private static final String NAME = "ABC.nodes.example.org";
  private static final Random RANDOM = new Random(53);

  /** Returns a response to a query with TXT records, each of these strings. */
  private static byte[] response(byte[] query, int flags, List<List<String>> texts) {
    int questionEnd = query.length - 11; // the query ends with an OPT record
    ByteBuffer out = ByteBuffer.allocate(16_000);
    out.putShort(ByteBuffer.wrap(query).getShort()).putShort((short) flags);
    out.putShort((short) 1).putShort((short) (texts.size() + 1)).putInt(0);
    out.put(query, 12, questionEnd - 12);
    out.putShort((short) 0xc00c).putShort((short) 5).putShort((short) 1).putInt(60);
    out.putShort((short) 2).putShort((short) 0xc00c); // a CNAME record is skipped
    for (List<String> strings : texts) {
      out.putShort((short) 0xc00c).putShort((short) 16).putShort((short) 1).putInt(60);
      int length = strings.stream().mapToInt(text -> 1 + text.length()).sum();
      out.putShort((short) length);
      for (String text : strings) {
        out.put((byte) text.length()).put(text.getBytes(StandardCharsets.ISO_8859_1));
      }
    }
    return Arrays.copyOf(out.array(), out.position());
  }

  @Test
  void stringsOfARecordAreJoined() throws Exception {
    byte[] query = DnsMessage.query(77, NAME);
    String part = "x".repeat(255);
    byte[] message =
        response(query, 0x8180, List.of(List.of(part, "yz"), List.of("second"), List.of()));
    assertThat(DnsMessage.response(message, 77, NAME)).containsExactly(part + "yz", "second", "");
  }

  @Test
  void aNameThatDoesNotExistHasNoRecords() throws Exception {
    byte[] query = DnsMessage.query(77, NAME);
    assertThat(DnsMessage.response(response(query, 0x8183, List.of()), 77, NAME)).isEmpty();
  }

  @Test
  void otherMessagesAreRejected() {
    byte[] query = DnsMessage.query(77, NAME);
    byte[] good = response(query, 0x8180, List.of(List.of("a")));
    assertThatThrownBy(() -> DnsMessage.response(good, 78, NAME)).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> DnsMessage.response(good, 77, "other.org"))
        .hasMessageContaining("another question");
    byte[] notResponse = response(query, 0x0100, List.of());
    assertThatThrownBy(() -> DnsMessage.response(notResponse, 77, NAME))
        .hasMessageContaining("not the response");
    byte[] failed = response(query, 0x8182, List.of());
    assertThatThrownBy(() -> DnsMessage.response(failed, 77, NAME)).hasMessageContaining("error 2");
    byte[] truncated = response(query, 0x8380, List.of());
    assertThatThrownBy(() -> DnsMessage.response(truncated, 77, NAME))
        .isInstanceOf(DnsMessage.TruncatedException.class);
    for (int length = 0; length < good.length; length++) {
      byte[] cut = Arrays.copyOf(good, length);
      assertThatThrownBy(() -> DnsMessage.response(cut, 77, NAME)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void namesAreChecked() {
    for (String name : List.of("", "a..b", "a".repeat(64) + ".org", "a.".repeat(300) + "b")) {
      assertThatThrownBy(() -> DnsMessage.query(1, name))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void randomMessagesAreRejectedOrRead() {
    Random random = new Random(54);
    byte[] good = response(DnsMessage.query(77, NAME), 0x8180, List.of(List.of("abc", "d")));
    int rejected = 0;
    for (int i = 0; i < 4_000; i++) {
      byte[] input = good.clone();
      for (int change = random.nextInt(4); change >= 0; change--) {
        input[random.nextInt(input.length)] = (byte) random.nextInt();
      }
      try {
        assertThat(DnsMessage.response(input, 77, NAME)).hasSizeLessThanOrEqualTo(64);
      } catch (IOException malformed) {
        rejected++;
      }
    }
    assertThat(rejected).isBetween(1_000, 3_999);
  }

  @Test
  void nameServersAreReadFromResolvConf() throws Exception {
    List<InetSocketAddress> servers = new ArrayList<>();
    for (String line :
        List.of(
            "# nameserver 1.1.1.1",
            "nameserver 9.9.9.9",
            "  nameserver\t2620:fe::fe ",
            "nameserver",
            "nameserver example.org",
            "search example.org")) {
      DnsClient.addServer(line, servers);
    }
    assertThat(servers)
        .containsExactly(
            new InetSocketAddress(InetAddress.getByName("9.9.9.9"), 53),
            new InetSocketAddress(InetAddress.getByName("2620:fe::fe"), 53));
  }

  @Test
  void withoutAServerAQueryFails() {
    DnsClient client = new DnsClient(List::of, RANDOM, () -> 0);
    assertThatThrownBy(() -> client.resolve(NAME))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no DNS server");
  }

  /** The network may come up, or change, while the node runs. */
  @Test
  void theServersAreReadForEachQuery(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("resolv.conf");
    assertThat(DnsClient.readServers(file)).isEmpty();
    Files.writeString(file, "search example.org\nnameserver 192.0.2.1\n");
    assertThat(DnsClient.readServers(file))
        .containsExactly(new InetSocketAddress(InetAddress.getByName("192.0.2.1"), 53));
    InetAddress loopback = InetAddress.getByName("127.0.0.1");
    try (DatagramSocket server = new DatagramSocket(0, loopback)) {
      List<InetSocketAddress> servers = new ArrayList<>();
      DnsClient client = new DnsClient(() -> servers, RANDOM, () -> 0);
      assertThatThrownBy(() -> client.resolve(NAME)).hasMessageContaining("no DNS server");
      servers.add(new InetSocketAddress(loopback, server.getLocalPort()));
      CompletableFuture<List<String>> result = resolve(client);
      DatagramPacket packet = receive(server);
      byte[] query = Arrays.copyOf(packet.getData(), packet.getLength());
      reply(server, packet, response(query, 0x8180, List.of(List.of("text"))));
      assertThat(result.get()).containsExactly("text");
    }
  }

  private static DatagramPacket receive(DatagramSocket server) throws IOException {
    DatagramPacket packet = new DatagramPacket(new byte[512], 512);
    server.receive(packet);
    return packet;
  }

  private static void reply(DatagramSocket server, DatagramPacket to, byte[] message)
      throws IOException {
    server.send(new DatagramPacket(message, message.length, to.getSocketAddress()));
  }

  private static CompletableFuture<List<String>> resolve(InetSocketAddress server) {
    return resolve(new DnsClient(() -> List.of(server), RANDOM, () -> 0));
  }

  private static CompletableFuture<List<String>> resolve(DnsClient client) {
    CompletableFuture<List<String>> result = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                result.complete(client.resolve(NAME));
              } catch (Throwable failure) {
                result.completeExceptionally(failure);
              }
            },
            "test-dns-client");
    thread.start();
    return result;
  }

  @Test
  void aResponseWithAnotherIdIsIgnored() throws Exception {
    InetAddress loopback = InetAddress.getByName("127.0.0.1");
    try (DatagramSocket server = new DatagramSocket(0, loopback)) {
      CompletableFuture<List<String>> result =
          resolve(new InetSocketAddress(loopback, server.getLocalPort()));
      DatagramPacket packet = receive(server);
      byte[] query = Arrays.copyOf(packet.getData(), packet.getLength());
      byte[] forged = response(query, 0x8180, List.of(List.of("forged")));
      forged[0] ^= 1;
      reply(server, packet, forged);
      reply(server, packet, response(query, 0x8180, List.of(List.of("right"))));
      assertThat(result.get()).containsExactly("right");
    }
  }

  @Test
  void aTruncatedResponseIsReadOverTcp() throws Exception {
    InetAddress loopback = InetAddress.getByName("127.0.0.1");
    try (ServerSocket tcp = new ServerSocket(FreePorts.next(), 1, loopback);
        DatagramSocket udp = new DatagramSocket(tcp.getLocalPort(), loopback)) {
      CompletableFuture<List<String>> result =
          resolve(new InetSocketAddress(loopback, tcp.getLocalPort()));
      DatagramPacket packet = receive(udp);
      byte[] query = Arrays.copyOf(packet.getData(), packet.getLength());
      reply(udp, packet, response(query, 0x8380, List.of()));
      try (Socket connection = tcp.accept()) {
        DataInputStream in = new DataInputStream(connection.getInputStream());
        byte[] again = in.readNBytes(in.readUnsignedShort());
        assertThat(again).isEqualTo(query);
        String text = "t".repeat(200);
        byte[] message =
            response(again, 0x8180, List.of(List.of(text, text, text, text, text, text, text)));
        ByteBuffer framed = ByteBuffer.allocate(2 + message.length);
        framed.putShort((short) message.length).put(message);
        connection.getOutputStream().write(framed.array());
        assertThat(result.get()).containsExactly(text.repeat(7));
      }
    }
  }

  @Test
  void closeEndsTheQueryUnderWay() throws Exception {
    InetAddress loopback = InetAddress.getByName("127.0.0.1");
    try (DatagramSocket server = new DatagramSocket(0, loopback)) {
      InetSocketAddress address = new InetSocketAddress(loopback, server.getLocalPort());
      DnsClient client = new DnsClient(() -> List.of(address, address), RANDOM, () -> 0);
      CompletableFuture<List<String>> result = resolve(client);
      receive(server); // and do not respond
      client.close();
      assertThatThrownBy(result::get)
          .isInstanceOf(ExecutionException.class)
          .hasMessageContaining("the DNS client is closed");
    }
  }
}
