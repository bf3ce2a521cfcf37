// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import java.io.Closeable;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A DNS client for TXT records: UDP, and TCP when a response is truncated. The DNS provider of the
 * JDK (JNDI) finds its classes by the context class loader of the thread, which is not reliable in
 * a container.
 *
 * <p>Threading: one thread at a time; {@link #close} by any thread.
 */
final class DnsClient implements TxtResolver {
  /** Time limit of one server for one protocol. */
  static final int TIMEOUT_MILLIS = 2_000;

  static final int MAX_SERVERS = 2;

  private static final int PORT = 53;
  private static final Path RESOLV_CONF = Path.of("/etc/resolv.conf");
  private static final int MAX_LINES = 100;

  /** Longest response over TCP. */
  private static final int MAX_TCP_BYTES = 16_384;

  private final Supplier<List<InetSocketAddress>> servers;
  private final RandomGenerator random;
  private final LongSupplier nanoTime;

  /** The socket of the query under way; guarded by this. */
  private @Nullable Closeable current;

  private boolean closed;

  /**
   * Creates a client.
   *
   * @param servers returns the servers, of which the first two are asked, in this order. Called for
   *     each query: the network may come up, or change, while the node runs
   * @param random cryptographically strong: the ids of queries must not be guessed
   */
  DnsClient(
      Supplier<List<InetSocketAddress>> servers, RandomGenerator random, LongSupplier nanoTime) {
    this.servers = servers;
    this.random = random;
    this.nanoTime = nanoTime;
  }

  /** Returns a client of the servers of the operating system, {@code /etc/resolv.conf}. */
  static DnsClient ofSystem(RandomGenerator random) {
    return new DnsClient(() -> readServers(RESOLV_CONF), random, System::nanoTime);
  }

  /** Returns the servers that a file in the form of {@code resolv.conf} names now. */
  static List<InetSocketAddress> readServers(Path file) {
    List<InetSocketAddress> servers = new ArrayList<>();
    try (var lines = Files.lines(file)) {
      lines.limit(MAX_LINES).forEach(line -> addServer(line, servers));
    } catch (IOException | java.io.UncheckedIOException unreadable) {
      servers.clear(); // the query reports that there is no server
    }
    return servers;
  }

  /** Adds the server of a line {@code nameserver <address>}; other lines are ignored. */
  static void addServer(String line, List<InetSocketAddress> servers) {
    String[] words = line.strip().split("\\s+");
    boolean isAddress =
        words.length > 1
            && words[0].equals("nameserver")
            && words[1].matches("[0-9]+(\\.[0-9]+){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");
    if (!isAddress) {
      return;
    }
    try {
      servers.add(new InetSocketAddress(InetAddress.getByName(words[1]), PORT));
    } catch (IOException malformed) {
      // not an address: the next line may have one
    }
  }

  @Override
  public List<String> resolve(String name) throws IOException {
    IOException failure = new IOException("no DNS server is configured");
    List<InetSocketAddress> named = servers.get();
    for (InetSocketAddress server : named.subList(0, Math.min(MAX_SERVERS, named.size()))) {
      int id = random.nextInt(1 << 16);
      byte[] query = DnsMessage.query(id, name);
      try {
        return overUdp(server, query, id, name);
      } catch (DnsMessage.TruncatedException truncated) {
        return overTcp(server, query, id, name);
      } catch (IOException unavailable) {
        failure = unavailable;
      }
    }
    throw failure;
  }

  private List<String> overUdp(InetSocketAddress server, byte[] query, int id, String name)
      throws IOException {
    try (DatagramSocket socket = new DatagramSocket()) {
      open(socket);
      socket.connect(server); // datagrams from elsewhere are dropped
      socket.send(new DatagramPacket(query, query.length));
      long start = nanoTime.getAsLong();
      while (true) {
        socket.setSoTimeout(remainingMillis(start));
        DatagramPacket packet =
            new DatagramPacket(new byte[DnsMessage.MAX_UDP_BYTES], DnsMessage.MAX_UDP_BYTES);
        socket.receive(packet);
        byte[] message = Arrays.copyOf(packet.getData(), packet.getLength());
        if (message.length > 1 && (ByteBuffer.wrap(message).getShort() & 0xffff) == id) {
          return DnsMessage.response(message, id, name);
        }
      }
    }
  }

  /** Returns what is left of the time limit, which is for all packets together. */
  private int remainingMillis(long startNanos) throws IOException {
    long passed = TimeUnit.NANOSECONDS.toMillis(nanoTime.getAsLong() - startNanos);
    if (passed >= TIMEOUT_MILLIS) {
      throw new IOException("the DNS server does not respond");
    }
    return (int) (TIMEOUT_MILLIS - passed);
  }

  private List<String> overTcp(InetSocketAddress server, byte[] query, int id, String name)
      throws IOException {
    try (Socket socket = new Socket()) {
      open(socket);
      long start = nanoTime.getAsLong();
      socket.connect(server, TIMEOUT_MILLIS);
      socket
          .getOutputStream()
          .write(
              ByteBuffer.allocate(2 + query.length)
                  .putShort((short) query.length)
                  .put(query)
                  .array());
      DataInputStream in = new DataInputStream(socket.getInputStream());
      socket.setSoTimeout(remainingMillis(start));
      int length = in.readUnsignedShort();
      if (length > MAX_TCP_BYTES) {
        throw new IOException("a DNS response of " + length + " bytes");
      }
      byte[] message = new byte[length];
      for (int at = 0; at < length; ) {
        socket.setSoTimeout(remainingMillis(start));
        int read = in.read(message, at, length - at);
        if (read < 0) {
          throw new IOException("the DNS response is cut off");
        }
        at += read;
      }
      return DnsMessage.response(message, id, name);
    }
  }

  private synchronized void open(Closeable socket) throws IOException {
    if (closed) {
      throw new IOException("the DNS client is closed");
    }
    current = socket;
  }

  /** Closes the socket: a read from it fails at once. */
  @Override
  public synchronized void close() {
    closed = true;
    Closeable open = current;
    if (open == null) {
      return;
    }
    try {
      open.close();
    } catch (IOException unclosed) {
      // the time limit ends the query
    }
  }
}
