// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.crypto.Blobs;
import dev.patchbay.crypto.Keccak;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Authorization;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * One client of a siege, with an IP address and an account of its own. It does what a node must
 * survive, each time over new connections: what {@link Kind} says.
 */
final class Besieger {
  /** What a client does. */
  enum Kind {
    /** Transactions without fees, of accounts without ether. */
    ZERO_FEES,
    /** Transactions as large as the pool admits. */
    LARGE,
    /** Transactions behind a nonce that is missing. */
    GAPS,
    /** Blob transactions that pay 1 wei. */
    BLOBS,
    /** Transactions that replace each other. */
    REPLACEMENTS,
    /** Authorizations that move the nonce of an account that has transactions in the pool. */
    DELEGATIONS,
    /** Filters that are never polled. */
    FILTERS,
    /** Responses that are asked for and not read. */
    UNREAD,
    /** Bodies of many small objects. */
    BODIES,
    /** WebSocket messages whose last fragment does not come. */
    FRAGMENTS,
    /** Subscriptions that begin and end. */
    SUBSCRIPTIONS,
    /** As many subscriptions as a connection may have, which ends without a word. */
    SUBSCRIBERS,
    /** Connections whose requests are not finished. */
    HALF_REQUESTS,
    /** Traces, simulations and searches. */
    EXPENSIVE,
    /** Batches, and lines that do not end, over the Unix socket. */
    IPC,
    /** What no parser should be slow with: long numbers, deep nesting, bytes that are no text. */
    MALFORMED,
    /** Requests without pause. */
    READS
  }

  private static final int WEI = 1;
  private static final int LARGE_BYTES = 130_000;

  /** More JSON of blocks than a node keeps. */
  private static final long FILLING_BYTES = 64 << 20;

  private static final int FILLING_TRANSACTIONS = 12;
  private static final int MAX_FILLING_BLOCKS = 200;

  private static final int MAX_SUBSCRIPTIONS = 256;
  private static final long HOLD_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  /** A removal is tried for ten seconds. */
  private static final int MAX_FAILURES = 1_000;

  private static final String SECOND = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";

  final Kind kind;
  private final Node node;
  private final int number;
  private final String address;
  private final byte[] key = new byte[32];
  private final byte[] otherKey = new byte[32];
  private final List<Socket> held = new ArrayList<>();
  private final List<String> filters = new ArrayList<>();
  private long nonce = -1;
  private long blobsLeft;

  /** How often the client did it, was refused with -32005, was cut off, got another error. */
  long done;

  long refused;
  long cut;
  long errors;
  volatile String lastError = "";

  Besieger(Node node, Kind kind, int number, long blobs) {
    this.node = node;
    this.kind = kind;
    this.number = number;
    this.address = "127.0.1." + (1 + number);
    this.blobsLeft = blobs;
    ByteBuffer.wrap(key).putInt(28, 0x51E6E000 + number);
    ByteBuffer.wrap(otherKey).putInt(28, 0x51E6F000 + number);
  }

  /** Pays ether to the accounts of clients. */
  static void fund(Node node, List<Besieger> besiegers) throws Exception {
    long nonce = Long.decode(node.result("eth_getTransactionCount", SECOND, "latest").asText());
    String last = "";
    for (Besieger besieger : besiegers) {
      for (Address account : besieger.accounts()) {
        last = node.send(Accounts.pay(1, nonce++, account));
      }
    }
    Journeys.receipt(node, last);
  }

  /** Has clients go on until a time as of {@link System#nanoTime}. */
  static List<Thread> start(List<Besieger> besiegers, long until) {
    List<Thread> threads = new ArrayList<>();
    for (Besieger besieger : besiegers) {
      threads.add(
          new Thread(
              () -> besieger.run(() -> System.nanoTime() < until), "besieger-" + besieger.kind));
    }
    threads.forEach(Thread::start);
    return threads;
  }

  /** Waits until clients have ended. */
  static void join(List<Thread> threads) throws InterruptedException {
    for (Thread thread : threads) {
      thread.join(120_000);
      assertThat(thread.isAlive()).as(thread.getName() + " goes on").isFalse();
    }
  }

  /** Has large transactions mined and blocks read until the caches hold what they may. */
  static void fillCaches(Node node, List<Besieger> besiegers) throws Exception {
    List<Besieger> large = besiegers.stream().filter(b -> b.kind == Kind.LARGE).toList();
    long read = head(node);
    long last = read + MAX_FILLING_BLOCKS;
    for (long bytes = 0; bytes < FILLING_BYTES; ) {
      assertThat(read).as(bytes + " bytes of blocks were read").isLessThan(last);
      for (int i = 0; i < FILLING_TRANSACTIONS; i++) { // a block of more is too long to be kept
        large.get(i % large.size()).step(() -> true);
      }
      while (head(node) == read) {
        LockSupport.parkNanos(PAUSE_NANOS);
      }
      for (; read < head(node); read++) {
        Object number = Hex.quantity(read + 1);
        bytes += node.result("eth_getBlockByNumber", number, true).toString().length();
      }
    }
  }

  /** Returns the number of the head. */
  static long head(Node node) throws Exception {
    return Long.decode(node.result("eth_blockNumber").asText());
  }

  /** Forgets what was counted. */
  void reset() {
    done = 0;
    refused = 0;
    cut = 0;
    errors = 0;
    lastError = "";
  }

  /** Returns how often the client did what it does, also when the node cut it off. */
  long rounds() {
    return done + cut;
  }

  /** Returns the accounts that pay for the client's transactions. */
  List<Address> accounts() {
    return kind == Kind.DELEGATIONS
        ? List.of(account(key), account(otherKey))
        : List.of(account(key));
  }

  private static Address account(byte[] ofKey) {
    return Address.ofPublicKey(Secp256k1.publicKey(ofKey));
  }

  /** Goes on until a condition ends it, and closes what it holds open. */
  void run(BooleanSupplier goesOn) {
    while (goesOn.getAsBoolean()) {
      try {
        step(goesOn);
        done++;
      } catch (IOException end) {
        cut++;
        lastError = end.toString();
        nonce = -1;
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
    close();
  }

  private void step(BooleanSupplier goesOn) throws IOException {
    switch (kind) {
      case ZERO_FEES -> zeroFees();
      case LARGE -> send(large());
      case GAPS -> gap();
      case BLOBS -> blob();
      case REPLACEMENTS -> replace();
      case DELEGATIONS -> delegate();
      case FILTERS -> filter();
      case UNREAD -> unread();
      case BODIES -> count(ask("[" + "{\"a\":{}},".repeat(580_000) + "{}]"));
      case FRAGMENTS -> fragments();
      case SUBSCRIPTIONS -> subscriptions();
      case SUBSCRIBERS -> subscribers();
      case HALF_REQUESTS -> halfRequests();
      case EXPENSIVE -> expensive();
      case IPC -> ipc();
      case MALFORMED -> malformed();
      case READS -> reads();
    }
    if (!held.isEmpty()) {
      long until = System.nanoTime() + HOLD_NANOS;
      while (goesOn.getAsBoolean() && System.nanoTime() < until) {
        LockSupport.parkNanos(PAUSE_NANOS);
      }
      close();
    }
  }

  private void close() {
    for (Socket socket : held) {
      try {
        socket.close();
      } catch (IOException ended) {
        lastError = ended.toString();
      }
    }
    held.clear();
  }

  private Transaction.Builder transaction(long atNonce, long feeInGwei) {
    return Transaction.builder(TransactionType.FEE_MARKET)
        .chainId(UInt256.of(1337))
        .nonce(atNonce)
        .maxFeePerGas(UInt256.of(feeInGwei * 1_000_000_000L))
        .maxPriorityFeePerGas(UInt256.of(1_000_000_000L));
  }

  private void zeroFees() throws IOException {
    byte[] poor = new byte[32];
    ThreadLocalRandom.current().nextBytes(poor);
    poor[0] = 1; // below the order of the curve
    Transaction free =
        Transaction.builder(TransactionType.LEGACY)
            .chainId(UInt256.of(1337))
            .gasPrice(UInt256.ZERO)
            .gasLimit(21_000)
            .to(Address.ZERO)
            .sign(poor);
    count(ask(Node.request("eth_sendRawTransaction", Accounts.raw(free))));
  }

  private Transaction large() throws IOException {
    return transaction(nextNonce(), 100)
        .gasLimit(6_000_000)
        .to(Address.fromHex(SECOND))
        .data(Bytes.wrap(new byte[LARGE_BYTES]))
        .sign(key);
  }

  private Transaction transfer(long atNonce, long feeInGwei) {
    return transaction(atNonce, feeInGwei).gasLimit(21_000).to(Address.ZERO).sign(key);
  }

  private void gap() throws IOException {
    send(transfer(nextNonce() + 1, 100)); // the nonce before the first of them stays missing
  }

  /** Sends the transactions that are missing, without which others stay in the pool. */
  void fillGaps() {
    try {
      sendMissing();
    } catch (IOException cut) {
      lastError = cut.toString(); // and once more
    }
    nonce = -1;
  }

  private void sendMissing() throws IOException {
    if (kind == Kind.GAPS) {
      send(transfer(nextNonce(key), 100));
    } else if (kind == Kind.DELEGATIONS) {
      long missing = nextNonce(otherKey);
      Transaction filler =
          transaction(missing, 100).gasLimit(21_000).to(Address.ZERO).sign(otherKey);
      send(filler);
    }
  }

  /** Removes the filters that the client has made; one that stays would expire after minutes. */
  void removeFilters() {
    int failures = 0;
    while (!filters.isEmpty()) {
      try {
        String last = filters.get(filters.size() - 1);
        if (isRefused(ask(Node.request("eth_uninstallFilter", last)))) {
          throw new IOException("a filter cannot be removed yet");
        }
        filters.remove(last);
      } catch (IOException cut) {
        assertThat(failures++).as(cut.toString()).isLessThan(MAX_FAILURES);
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    }
  }

  private void replace() throws IOException {
    long at = nextNonce();
    long fee = 10;
    for (int i = 0; i < 20; i++, fee += fee / 10 + 1) {
      count(ask(Node.request("eth_sendRawTransaction", Accounts.raw(transfer(at, fee)))));
    }
    nonce = -1;
  }

  private void delegate() throws IOException {
    long authority = Math.max(0, nextNonce(otherKey));
    Transaction pending =
        transaction(authority + 1, 2).gasLimit(21_000).to(Address.ZERO).sign(otherKey);
    count(ask(Node.request("eth_sendRawTransaction", Accounts.raw(pending))));
    Transaction moving =
        Transaction.builder(TransactionType.SET_CODE)
            .chainId(UInt256.of(1337))
            .nonce(nextNonce())
            .maxFeePerGas(UInt256.of(100_000_000_000L))
            .maxPriorityFeePerGas(UInt256.of(1_000_000_000L))
            .gasLimit(100_000)
            .to(Address.ZERO)
            .authorizations(List.of(authorization(authority)))
            .sign(key);
    count(ask(Node.request("eth_sendRawTransaction", Accounts.raw(moving))));
    nonce = -1;
  }

  private Authorization authorization(long authorityNonce) {
    byte[] message =
        new RlpWriter()
            .rawByte(0x05) // MAGIC of EIP-7702
            .list(w -> w.number(1337).address(Address.ZERO).number(authorityNonce))
            .toArray();
    Secp256k1.Signature signed = Secp256k1.sign(Keccak.hash256(message), otherKey);
    return new Authorization(
        UInt256.of(1337),
        Address.ZERO,
        authorityNonce,
        signed.yParity(),
        UInt256.ofBytes(signed.r()),
        UInt256.ofBytes(signed.s()));
  }

  private void blob() throws IOException {
    if (blobsLeft-- <= 0) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
      return;
    }
    byte[] infinity = new byte[48];
    infinity[0] = (byte) 0xc0; // the commitment of a blob of zeros, and its proofs
    Bytes point = Bytes.wrap(infinity);
    Transaction blob =
        Transaction.builder(TransactionType.BLOB)
            .chainId(UInt256.of(1337))
            .nonce(nextNonce())
            .maxFeePerGas(UInt256.of(100_000_000_000L))
            .maxPriorityFeePerGas(UInt256.of(1))
            .gasLimit(21_000)
            .to(Address.ZERO)
            .maxFeePerBlobGas(UInt256.of(WEI))
            .blobVersionedHashes(List.of(Hash.of(Blobs.versionedHash(infinity))))
            .sign(key);
    BlobSidecar sidecar =
        new BlobSidecar(
            1,
            List.of(Bytes.wrap(new byte[Blobs.BLOB_BYTES])),
            List.of(point),
            Collections.nCopies(Blobs.CELLS, point));
    String raw = Hex.encode(new BlobSidecar.Pooled(blob, sidecar).encode());
    advance(count(ask(Node.request("eth_sendRawTransaction", raw))));
  }

  private void send(Transaction transaction) throws IOException {
    advance(count(ask(Node.request("eth_sendRawTransaction", Accounts.raw(transaction)))));
  }

  private void advance(JsonNode response) {
    nonce = response.has("result") ? nonce + 1 : -1;
  }

  private long nextNonce() throws IOException {
    nonce = nonce < 0 ? nextNonce(key) : nonce;
    return nonce;
  }

  private long nextNonce(byte[] ofKey) throws IOException {
    String request = Node.request("eth_getTransactionCount", account(ofKey).toString(), "pending");
    JsonNode response = count(ask(request));
    if (!response.has("result")) {
      throw new IOException("no nonce: " + response);
    }
    return Long.decode(response.get("result").asText());
  }

  private void filter() throws IOException {
    String[] methods = {"eth_newBlockFilter", "eth_newPendingTransactionFilter"};
    for (int i = 0; i < 50; i++) {
      keep(count(ask(Node.request(methods[i % 2]))));
    }
    Map<String, Object> query = Map.of("address", Collections.nCopies(500, SECOND));
    keep(count(ask(Node.request("eth_newFilter", query))));
  }

  private void keep(JsonNode filter) {
    if (filter.has("result")) {
      filters.add(filter.get("result").asText());
    }
  }

  private void unread() throws IOException {
    for (int i = 0; i < 8; i++) {
      Socket socket = open(node.httpPort);
      held.add(socket);
      String request = http(Node.request("eth_getBlockByNumber", "latest", true), "keep-alive");
      socket.getOutputStream().write(request.repeat(20).getBytes(StandardCharsets.US_ASCII));
    }
  }

  private void fragments() throws IOException {
    for (int i = 0; i < 4; i++) {
      Socket socket = upgrade();
      socket.getOutputStream().write(frame(0x01, "[" + " ".repeat(100_000)));
      for (int more = 0; more < 40; more++) {
        socket.getOutputStream().write(frame(0x00, " ".repeat(100_000)));
      }
    }
  }

  private void subscriptions() throws IOException {
    try (Socket socket = upgrade()) {
      for (int i = 0; i < 100; i++) {
        JsonNode begun = overSocket(socket, Node.request("eth_subscribe", "logs", Map.of()));
        if (count(begun).has("result")) {
          count(overSocket(socket, Node.request("eth_unsubscribe", begun.get("result").asText())));
        }
      }
    } finally {
      held.clear();
    }
  }

  private void subscribers() throws IOException {
    Socket socket = upgrade();
    String[] kinds = {"newHeads", "logs", "newPendingTransactions"};
    for (int i = 0; i < MAX_SUBSCRIPTIONS; i++) {
      socket.getOutputStream().write(frame(0x81, Node.request("eth_subscribe", kinds[i % 3])));
    }
  }

  private void halfRequests() throws IOException {
    for (int i = 0; i < 25; i++) {
      Socket socket = open(i % 2 == 0 ? node.httpPort : node.wsPort);
      held.add(socket);
      String whole = i % 3 == 0 ? upgradeRequest() : http("{\"jsonrpc\":\"2.0\"}", "keep-alive");
      int part = ThreadLocalRandom.current().nextInt(whole.length());
      socket.getOutputStream().write(whole.substring(0, part).getBytes(StandardCharsets.US_ASCII));
    }
  }

  private void expensive() throws IOException {
    // JUMPDEST; MSTORE(MSIZE, 1); JUMP: memory until the gas is used
    Map<String, Object> code = Map.of(SECOND, Map.of("code", "0x5b600159525f56"));
    Map<String, Object> call = Map.of("to", SECOND, "gas", "0x1312d00");
    Map<String, Object> blocks =
        Map.of("blockStateCalls", Collections.nCopies(200, Map.of("calls", List.of(call))));
    count(ask(Node.request("debug_traceCall", call, "latest", Map.of("stateOverrides", code))));
    count(ask(Node.request("eth_simulateV1", blocks, "latest")));
    count(ask(Node.request("eth_getLogs", Map.of("fromBlock", "0x0"))));
  }

  private void ipc() throws IOException {
    for (int i = 0; i < 4; i++) {
      SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      try (channel) {
        channel.connect(UnixDomainSocketAddress.of(node.data.resolve("patchbay.ipc")));
        String request = Node.request("eth_getBlockByNumber", "latest", true);
        write(channel, "[" + (request + ",").repeat(99) + request + "]\n");
        write(channel, "[" + " ".repeat(4_000_000));
      }
    }
  }

  private static void write(SocketChannel channel, String text) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private void malformed() throws IOException {
    String digits = "f".repeat(1_000_000);
    count(ask(Node.request("eth_getBlockByNumber", "0x" + digits, false)));
    count(
        ask(
            "{\"jsonrpc\":\"2.0\",\"id\":"
                + "9".repeat(1_000_000)
                + ",\"method\":\"net_version\"}"));
    count(ask("[".repeat(1_000_000)));
    count(ask("{\"a\":".repeat(500_000)));
    count(ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" + "\\ud800".repeat(100_000) + "\"}"));
  }

  private void reads() throws IOException {
    count(ask(Node.request("eth_getBalance", SECOND, "latest")));
    count(ask(Node.request("eth_call", Map.of("to", SECOND), "latest")));
    count(ask(Node.request("eth_getBlockByNumber", "latest", true)));
    count(ask(Node.request("txpool_content")));
  }

  private static boolean isRefused(JsonNode response) {
    return response.at("/error/code").asInt() == -32005;
  }

  private JsonNode count(JsonNode response) {
    if (isRefused(response)) {
      refused++;
    } else if (response.has("error")) {
      errors++;
      lastError = response.toString();
    }
    return response;
  }

  private Socket open(int port) throws IOException {
    Socket socket = new Socket();
    socket.setSoTimeout(60_000);
    socket.bind(new InetSocketAddress(address, 0));
    socket.connect(new InetSocketAddress("127.0.0.1", port), 10_000);
    return socket;
  }

  private static String http(String body, String connection) {
    // of HTTP/1.0: the response is not in chunks, and ends with the connection
    return "POST / HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: "
        + connection
        + "\r\nContent-Length: "
        + body.length()
        + "\r\n\r\n"
        + body;
  }

  /** Sends a request over a connection of its own; returns the response, or its first element. */
  private JsonNode ask(String body) throws IOException {
    try (Socket socket = open(node.httpPort)) {
      socket.getOutputStream().write(http(body, "close").getBytes(StandardCharsets.US_ASCII));
      String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int at = all.indexOf("\r\n\r\n");
      int from = at < 0 ? -1 : all.indexOf('{', at);
      int to = all.lastIndexOf('}');
      if (from < 0 || to < from) {
        throw new IOException("no response: " + all);
      }
      return all.length() - from > 100_000
          ? Node.json("{\"result\":\"long\"}")
          : Node.json(all.substring(from, 1 + to));
    }
  }

  private static String upgradeRequest() {
    return "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
  }

  private Socket upgrade() throws IOException {
    Socket socket = open(node.wsPort);
    held.add(socket);
    socket.getOutputStream().write(upgradeRequest().getBytes(StandardCharsets.US_ASCII));
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = socket.getInputStream().read();
      if (next < 0) {
        throw new IOException("no upgrade: " + head);
      }
      head.append((char) next);
    }
    if (!head.toString().startsWith("HTTP/1.1 101")) {
      throw new IOException("no upgrade: " + head);
    }
    return socket;
  }

  private static JsonNode overSocket(Socket socket, String request) throws IOException {
    socket.getOutputStream().write(frame(0x81, request));
    while (true) {
      InputStream in = socket.getInputStream();
      byte[] head = in.readNBytes(2);
      if (head.length < 2 || (head[0] & 0x0f) == 8) {
        throw new IOException("the WebSocket has ended");
      }
      int length = head[1] & 0x7f;
      if (length >= 126) {
        length =
            (int) Long.parseLong(Hex.encode(in.readNBytes(length == 126 ? 2 : 8)).substring(2), 16);
      }
      String text = new String(in.readNBytes(length), StandardCharsets.UTF_8);
      if (text.contains("\"id\":1")) { // else a notification
        return Node.json(text);
      }
    }
  }

  /** A masked frame (RFC 6455, 5.2); the mask is zero. */
  private static byte[] frame(int opcode, String text) {
    byte[] payload = text.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer out = ByteBuffer.allocate(14 + payload.length).put((byte) opcode);
    if (payload.length < 126) {
      out.put((byte) (0x80 | payload.length));
    } else {
      out.put((byte) 0xff).putLong(payload.length);
    }
    out.putInt(0).put(payload).flip();
    byte[] bytes = new byte[out.remaining()];
    out.get(bytes);
    return bytes;
  }

  @Override
  public String toString() {
    return kind
        + ": "
        + done
        + " rounds, "
        + refused
        + " refused, "
        + cut
        + " cut off, "
        + errors
        + " errors, "
        + lastError.substring(0, Math.min(150, lastError.length()));
  }
}
