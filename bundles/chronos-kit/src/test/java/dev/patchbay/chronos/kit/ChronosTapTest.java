// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.chronos.kit.ScriptedPeer.Fault;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ChronosTapTest {
  private static final List<BlockText> BLOCKS = TestChain.of(4);
  private static final String DESCRIBED =
      "block 1 " + BLOCKS.get(1).hash() + ", 1 transaction, sealed by " + TestChain.SIGNER;

  private final PipedInputStream printed = new PipedInputStream(1 << 20);
  private final BufferedReader lines =
      new BufferedReader(new InputStreamReader(printed, StandardCharsets.UTF_8));

  private PrintStream out() throws IOException {
    return new PrintStream(new PipedOutputStream(printed), true, StandardCharsets.UTF_8);
  }

  private static ScriptedPeer peer() throws IOException {
    return new ScriptedPeer(BLOCKS, Deadlines.SPECIFIED, EnumSet.noneOf(Fault.class));
  }

  private static void start(Runnable body) {
    Thread thread = new Thread(body);
    thread.setDaemon(true);
    thread.start();
  }

  /** Returns the next line that is printed, without the time. */
  private String line() throws IOException {
    String line = lines.readLine();
    return line.startsWith("listening") ? line : line.substring("00:00:00.000 ".length());
  }

  @Test
  void aConversationAsAClientIsPrinted() throws Exception {
    PrintStream out = out();
    PipedOutputStream typed = new PipedOutputStream();
    InputStream in = new PipedInputStream(typed);
    try (ScriptedPeer peer = peer()) {
      String target = "127.0.0.1:" + peer.address().getPort();
      start(() -> ChronosTap.run(new String[] {target}, in, out, out));
      assertThat(line()).startsWith("-- connected to ");
      assertThat(line())
          .startsWith("-> SHAKEHAND  timestamp ")
          .contains("  height 0  address 0x00");
      assertThat(line())
          .startsWith("<- SHAKEHAND  timestamp ")
          .contains("  height 3  address 0x7e");
      type(typed, "PULL_BLOCK 1");
      assertThat(line()).isEqualTo("-> PULL_BLOCK  1");
      assertThat(line()).startsWith("<- PUSH_BLOCK  " + DESCRIBED + ", ");
      type(typed, "GET_BLOCK 0x12");
      assertThat(line()).isEqualTo("-> GET_BLOCK  0x12");
      assertThat(line()).isEqualTo("<- ERROR  code bad_data");
      type(typed, "BLOCK_KNOWN {\"a\":\"x\\u001b[2J\"}");
      assertThat(line()).isEqualTo("-> BLOCK_KNOWN  a x\\u001b[2J");
    }
    String last = line();
    while (!last.equals("-- the peer closed the connection") && !last.startsWith("patchbay: ")) {
      last = line();
    }
  }

  private static void type(PipedOutputStream typed, String line) throws IOException {
    typed.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    typed.flush();
  }

  @Test
  void bothDirectionsBetweenTwoPeersArePrintedAndPassUnchanged() throws Exception {
    ChronosTap tap = new ChronosTap(out(), false);
    try (ScriptedPeer peer = peer();
        ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      start(
          () -> {
            try {
              tap.between(server, peer.address());
            } catch (IOException closed) {
              return;
            }
          });
      Kit kit =
          new Kit(
              (InetSocketAddress) server.getLocalSocketAddress(),
              Deadlines.SPECIFIED,
              null,
              List.of(),
              1);
      Link link = kit.ready(0);
      assertThat(kit.pulled(link, 1).hash()).isEqualTo(BLOCKS.get(1).hash());
      assertThat(line()).contains(" is connected with ");
      assertThat(line()).startsWith("-> SHAKEHAND  timestamp ");
      assertThat(line()).startsWith("<- SHAKEHAND  timestamp ");
      assertThat(line()).isEqualTo("-> PULL_BLOCK  1");
      assertThat(line()).startsWith("<- PUSH_BLOCK  " + DESCRIBED + ", ");
      link.sendRaw(Wire.frame("{'code':1}"));
      assertThat(line()).isEqualTo("-> malformed, 10 bytes: {'code':1}");
      assertThat(line()).isEqualTo("<- ERROR  code malformed");
      assertThat(line()).isEqualTo("<- end");
      link.close();
    }
  }

  @Test
  void bytesThatAreNoFramesPassToo() throws Exception {
    ChronosTap tap = new ChronosTap(out(), false);
    byte[] noFrame = "GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    try (ServerSocket target = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      start(
          () -> {
            try {
              tap.between(server, (InetSocketAddress) target.getLocalSocketAddress());
            } catch (IOException closed) {
              return;
            }
          });
      try (Socket dialer = new Socket(server.getInetAddress(), server.getLocalPort());
          Socket accepted = target.accept()) {
        dialer.getOutputStream().write(noFrame);
        assertThat(accepted.getInputStream().readNBytes(noFrame.length)).isEqualTo(noFrame);
        assertThat(line()).contains(" is connected with ");
        assertThat(line()).isEqualTo("-> no frame: a length of 1195725856; the rest is not shown");
        dialer.shutdownOutput();
        assertThat(accepted.getInputStream().read()).isEqualTo(-1);
      }
    }
  }

  @Test
  void aWrongBlockAndAFalseHashAreNamed() throws Exception {
    BlockText block = BLOCKS.get(1);
    Message wrong =
        Wire.parse(text("NEW_BLOCK", block.with("transactionsRoot", block.member("stateRoot"))));
    assertThat(ChronosTap.describe(wrong))
        .startsWith("NEW_BLOCK  a wrong block: transactionsRoot does not belong to the body");
    String other = "0x" + "12".repeat(32);
    Message named = Wire.parse(text("NEW_BLOCK", block.with("hash", other)));
    assertThat(ChronosTap.describe(named))
        .contains(block.hash() + " (the JSON states " + other + "), 1 transaction");
  }

  @Test
  void nothingButPrintableAsciiReachesTheTerminal() throws Exception {
    // CSI in one character, a change of direction, a line feed, a character of two units
    Message message =
        Wire.parse(
            text("BLOCK_KNOWN", Wire.NODES.textNode("a\u009b2J\u202eb\n\ud83d\ude00 ~\u007f")));
    assertThat(ChronosTap.describe(message))
        .isEqualTo("BLOCK_KNOWN  a\\u009b2J\\u202eb\\u000a\\ud83d\\ude00 ~\\u007f");
    assertThat(message.shown()).contains("a\u009b");
    assertThat(Message.printable(message.shown())).matches("[ -~]+");
  }

  private static byte[] text(String code, com.fasterxml.jackson.databind.JsonNode data) {
    byte[] frame = Wire.message(code, data);
    return java.util.Arrays.copyOfRange(frame, Integer.BYTES, frame.length);
  }

  @Test
  void theCommandLineIsChecked() throws Exception {
    PrintStream out = out();
    InputStream none = new ByteArrayInputStream(new byte[0]);
    assertThat(ChronosTap.run(new String[] {"--listen", "x", "a:1"}, none, out, out)).isEqualTo(2);
    assertThat(lines.readLine()).isEqualTo("patchbay: --listen is 0 to 65535, not 'x'");
    assertThat(ChronosTap.run(new String[] {"127.0.0.1:1"}, none, out, out)).isEqualTo(1);
  }
}
