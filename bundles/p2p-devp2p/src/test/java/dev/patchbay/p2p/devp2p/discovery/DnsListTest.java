// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.binding.Loop;
import dev.patchbay.crypto.Keccak;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Bytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Node lists in the DNS: the example of EIP-1459, and lists of the test. */
class DnsListTest {
  /** The key that the EIP names, and that has signed its example. */
  private static final byte[] EXAMPLE_KEY =
      HexFormat.of()
          .parseHex(
              "9f88229042fef9200246f49f94d9b77c4e954721442714e85850cb6d9e5daf2d"
                  + "880ea0e53cb3ac1a75f9923c2726a4f941f7d326781baa6380754a360de5c2b6");

  private static final String LINK =
      "enrtree://" + Base32.encode(Secp256k1.compress(EXAMPLE_KEY)) + "@nodes.example.org";
  private static final String ROOT =
      "enrtree-root:v1 e=JWXYDBPXYWG6FX3GMDIBFA6CJ4 l=C7HRFPF3BLGF3YR4DY5KX3SMBE seq=1 "
          + "sig=o908WmNp7LibOfPsr4btQwatZJ5URBr2ZAuxvK4UWHlsB9sUOTJQaGAlLPVAhM__XJesCHxLISo94z5Z2"
          + "a463gA";
  private static final Map<String, String> EXAMPLE =
      Map.of(
          "nodes.example.org",
          ROOT,
          "C7HRFPF3BLGF3YR4DY5KX3SMBE.nodes.example.org",
          "enrtree://AM5FCQLWIZX2QFPNJAP7VUERCCRNGRHWZG3YYHIUV7BVDQ5FDPRT2@morenodes.example.org",
          "JWXYDBPXYWG6FX3GMDIBFA6CJ4.nodes.example.org",
          "enrtree-branch:2XS2367YHAXJFGLZHVAWLQD4ZY,H4FHT4B454P6UXFD7JCYQ5PWDY,"
              + "MHTDO6TMUBRIA2XWG5LUDACK24",
          "2XS2367YHAXJFGLZHVAWLQD4ZY.nodes.example.org",
          "enr:-HW4QOFzoVLaFJnNhbgMoDXPnOvcdVuj7pDpqRvh6BRDO68aVi5ZcjB3vzQRZH2IcLBGHzo8uUN3snqmgTi"
              + "E56CH3AMBgmlkgnY0iXNlY3AyNTZrMaECC2_24YYkYHEgdzxlSNKQEnHhuNAbNlMlWJxrJxbAFvA",
          "H4FHT4B454P6UXFD7JCYQ5PWDY.nodes.example.org",
          "enr:-HW4QAggRauloj2SDLtIHN1XBkvhFZ1vtf1raYQp9TBW2RD5EEawDzbtSmlXUfnaHcvwOizhVYLtr7e6vw7"
              + "NAf6mTuoCgmlkgnY0iXNlY3AyNTZrMaECjrXI8TLNXU0f8cthpAMxEshUyQlK-AM0PW2wfrnacNI",
          "MHTDO6TMUBRIA2XWG5LUDACK24.nodes.example.org",
          "enr:-HW4QLAYqmrwllBEnzWWs7I5Ev2IAs7x_dZlbYdRdMUx5EyKHDXp7AV5CkuPGUPdvbv1_Ms1CPfhcGCvSElSo"
              + "sZmyoqAgmlkgnY0iXNlY3AyNTZrMaECriawHKWdDRk2xeZkrOXBQ0dfMFLHY4eENZwdufn1S1o");
  private static final byte[] KEY = new byte[32];

  static {
    KEY[31] = 3;
  }

  private final Map<String, String> records = new HashMap<>();
  private final List<String> queries = new ArrayList<>();
  private final TestClock clock = new TestClock();
  private final List<NodeRecord> found = new ArrayList<>();
  private boolean available = true;

  private List<String> resolve(String name) throws IOException {
    queries.add(name);
    if (!available) {
      throw new IOException("no response");
    }
    String text = records.get(name);
    return text == null ? List.of() : List.of(text);
  }

  private DnsLists lists(String... links) {
    return new DnsLists(
        Arrays.stream(links).map(DnsListLink::parse).toList(),
        this::resolve,
        new Random(1459),
        found::add,
        clock::nanoTime);
  }

  /** Runs the steps that are due within a time, or until nothing is wanted. */
  private void run(DnsLists lists, Duration duration) {
    long end = clock.nanoTime() + duration.toNanos();
    while (clock.nanoTime() < end) {
      long rest = lists.step();
      if (rest == Loop.UNTIL_WOKEN) {
        return;
      }
      clock.advance(Duration.ofMillis(rest));
    }
  }

  /** Requests nodes of lists, and runs the steps that are due within a time. */
  private DnsLists request(Duration duration, String... links) {
    DnsLists lists = lists(links);
    lists.request();
    run(lists, duration);
    return lists;
  }

  // ---- the example of the EIP

  @Test
  void theExampleOfTheEipIsRead() {
    records.putAll(EXAMPLE);
    request(Duration.ofMinutes(1), LINK);
    assertThat(found).hasSize(3);
    assertThat(found).extracting(NodeRecord::toString).isSubsetOf(EXAMPLE.values());
    assertThat(queries).contains("morenodes.example.org");
    assertThat(queries.stream().filter(name -> name.endsWith("nodes.example.org")).toList())
        .hasSizeGreaterThanOrEqualTo(6);
  }

  @Test
  void theKeyOfALinkIsCompressed() {
    DnsListLink link = DnsListLink.parse(LINK);
    assertThat(link.domain()).isEqualTo("nodes.example.org");
    assertThat(link.publicKey()).isEqualTo(Bytes.of(EXAMPLE_KEY));
    DnsListLink other =
        DnsListLink.parse(
            "enrtree://AM5FCQLWIZX2QFPNJAP7VUERCCRNGRHWZG3YYHIUV7BVDQ5FDPRT2@More.Example.org");
    assertThat(other.domain()).isEqualTo("more.example.org");
    assertThat(other.publicKey().slice(0, 4)).isEqualTo(Bytes.fromHex("0x3a514176"));
  }

  @Test
  void malformedLinksAreRejected() {
    String key = LINK.substring(10, LINK.indexOf('@'));
    for (String text :
        List.of(
            "",
            "enrtree://",
            "enrtree://" + key,
            "enrtree://" + key + "@",
            "enrtree://" + key + "@a..b",
            "enrtree://" + key + "@a b",
            "enrtree://" + key.toLowerCase(java.util.Locale.ROOT) + "@a.b",
            "enrtree://" + key.substring(1) + "@a.b",
            "enrtree://" + key + "@" + "a.".repeat(200) + "b",
            "http://" + key + "@a.b")) {
      assertThatThrownBy(() -> DnsListLink.parse(text))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("enrtree://<key");
    }
  }

  @Test
  void aRootNeedsItsSignature() {
    Bytes key = DnsListLink.parse(LINK).publicKey();
    assertThat(DnsEntry.Root.parse(ROOT, key).seq()).isEqualTo(1);
    Bytes other = Bytes.wrap(Secp256k1.publicKey(KEY));
    assertThatThrownBy(() -> DnsEntry.Root.parse(ROOT, other)).hasMessageContaining("signature");
    for (int i = 0; i < ROOT.length() - 2; i++) { // the last byte is the recovery id
      String changed =
          ROOT.substring(0, i) + (ROOT.charAt(i) == 'A' ? 'B' : 'A') + ROOT.substring(i + 1);
      assertThatThrownBy(() -> DnsEntry.Root.parse(changed, key))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void base32RoundTrips() {
    Random random = new Random(32);
    for (int length = 0; length < 60; length++) {
      byte[] bytes = new byte[length];
      random.nextBytes(bytes);
      assertThat(Base32.decode(Base32.encode(bytes))).isEqualTo(bytes);
    }
    assertThat(Base32.encode("foobar".getBytes(StandardCharsets.US_ASCII))).isEqualTo("MZXW6YTBOI");
    for (String text : List.of("A", "AB", "a", "MZXW6YTBOI======", "1", "A".repeat(129))) {
      assertThatThrownBy(() -> Base32.decode(text)).isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(Base32.decode("AA")).hasSize(1);
  }

  // ---- lists of the test

  private static String hash(String text) {
    byte[] hash = Keccak.hash256(text.getBytes(StandardCharsets.US_ASCII));
    return Base32.encode(Arrays.copyOf(hash, 16));
  }

  private static String linkTo(String domain) {
    return "enrtree://"
        + Base32.encode(Secp256k1.compress(Secp256k1.publicKey(KEY)))
        + "@"
        + domain;
  }

  private String put(String domain, String text) {
    records.put(hash(text) + "." + domain, text);
    return hash(text);
  }

  private void putRoot(String domain, String nodes, String links, long seq) {
    String content = "enrtree-root:v1 e=" + nodes + " l=" + links + " seq=" + seq;
    Secp256k1.Signature signature =
        Secp256k1.sign(Keccak.hash256(content.getBytes(StandardCharsets.US_ASCII)), KEY);
    byte[] bytes = Arrays.copyOf(signature.r(), 65);
    System.arraycopy(signature.s(), 0, bytes, 32, 32);
    bytes[64] = (byte) signature.yParity();
    String text = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    records.put(domain, content + " sig=" + text);
  }

  private static NodeRecord record(long seq) {
    return NodeRecord.sign(seq, Map.of(), KEY);
  }

  private void putNodes(String domain, int count, long seq, String links) {
    List<String> hashes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      hashes.add(put(domain, record(i).toString()));
    }
    putRoot(domain, put(domain, "enrtree-branch:" + String.join(",", hashes)), links, seq);
  }

  private String noLinks(String domain) {
    return put(domain, "enrtree-branch:");
  }

  @Test
  void nothingIsReadWithoutARequest() {
    putNodes("a.org", 5, 1, noLinks("a.org"));
    DnsLists lists = lists(linkTo("a.org"));
    run(lists, Duration.ofHours(1));
    assertThat(queries).isEmpty();
  }

  @Test
  void aRequestIsForSixteenNodesInRandomOrder() {
    putNodes("a.org", 20, 1, noLinks("a.org"));
    DnsLists lists = request(Duration.ofHours(1), linkTo("a.org"));
    assertThat(found).hasSize(DnsLists.BATCH);
    Set<NodeRecord> distinct = new HashSet<>(found);
    assertThat(distinct).hasSize(DnsLists.BATCH);
    lists.request();
    run(lists, Duration.ofMinutes(10));
    assertThat(new HashSet<>(found)).hasSize(20);
  }

  @Test
  void aCompleteListIsReadAgainAfterHalfAnHour() {
    putNodes("a.org", 2, 1, noLinks("a.org"));
    DnsLists lists = request(Duration.ofMinutes(20), linkTo("a.org"));
    assertThat(found).hasSize(2);
    run(lists, Duration.ofMinutes(20));
    assertThat(found).hasSize(4);
  }

  @Test
  void linksAreFollowedOnce() {
    putNodes("a.org", 1, 1, put("a.org", linkTo("b.org")));
    putNodes("b.org", 1, 1, put("b.org", linkTo("a.org")));
    request(Duration.ofMinutes(20), linkTo("a.org"));
    assertThat(found).hasSize(2);
    assertThat(queries).doesNotHaveDuplicates();
  }

  @Test
  void linkedListsAreBounded() {
    List<String> links = new ArrayList<>();
    for (int i = 0; i < 2 * DnsLists.MAX_LISTS; i++) {
      links.add(put("a.org", linkTo("n" + i + ".org")));
      putNodes("n" + i + ".org", 1, 1, noLinks("n" + i + ".org"));
    }
    putNodes(
        "a.org", 0, 1, put("a.org", "enrtree-branch:" + String.join(",", links.subList(0, 12))));
    putNodes(
        "b.org", 0, 1, put("b.org", "enrtree-branch:" + String.join(",", links.subList(12, 24))));
    links.forEach(link -> records.put(link + ".b.org", records.get(link + ".a.org")));
    request(Duration.ofMinutes(20), linkTo("a.org"), linkTo("b.org"));
    assertThat(found).hasSize(DnsLists.MAX_LISTS - 2);
  }

  @Test
  void aBranchThatNamesAnAncestorIsNotEndless() {
    // a hash cannot be of a text that has it: the loop is between hashes of one branch
    String node = put("a.org", record(1).toString());
    String inner = put("a.org", "enrtree-branch:" + node + "," + node);
    String outer = put("a.org", "enrtree-branch:" + inner + "," + inner + "," + node);
    putRoot("a.org", outer, noLinks("a.org"), 1);
    request(Duration.ofMinutes(20), linkTo("a.org"));
    assertThat(found).hasSize(1);
    assertThat(queries).doesNotHaveDuplicates();
  }

  @Test
  void anEntryWithAnotherHashIsSkipped() {
    putNodes("a.org", 3, 1, noLinks("a.org"));
    records.put(hash(record(1).toString()) + ".a.org", record(2).toString());
    request(Duration.ofMinutes(20), linkTo("a.org"));
    assertThat(found).containsExactlyInAnyOrder(record(0), record(2));
  }

  @Test
  void entriesInTheWrongSubtreeAreSkipped() {
    putNodes("b.org", 1, 1, noLinks("b.org"));
    String link = put("a.org", linkTo("b.org"));
    String node = put("a.org", record(1).toString());
    putRoot("a.org", link, node, 1);
    request(Duration.ofMinutes(20), linkTo("a.org"));
    assertThat(found).isEmpty();
    assertThat(queries).doesNotContain("b.org");
  }

  @Test
  void anOlderRootIsRejected() {
    putNodes("a.org", 1, 5, noLinks("a.org"));
    DnsLists lists = request(Duration.ofMinutes(20), linkTo("a.org"));
    assertThat(found).hasSize(1);
    putNodes("a.org", 2, 4, noLinks("a.org"));
    run(lists, Duration.ofMinutes(20));
    assertThat(found).hasSize(1);
    putNodes("a.org", 2, 5, noLinks("a.org"));
    run(lists, Duration.ofMinutes(5));
    assertThat(found).hasSize(3);
  }

  @Test
  void aServerThatDoesNotRespondIsAskedOnceAMinute() {
    putNodes("a.org", 1, 1, noLinks("a.org"));
    available = false;
    DnsLists lists = request(Duration.ofMinutes(10), linkTo("a.org"));
    assertThat(queries).hasSizeBetween(9, 11);
    available = true;
    run(lists, Duration.ofMinutes(2));
    assertThat(found).hasSize(1);
  }

  @Test
  void thereAreAtMostThreeQueriesASecond() {
    putNodes("a.org", 15, 1, noLinks("a.org"));
    request(Duration.ofSeconds(3), linkTo("a.org"));
    assertThat(queries).hasSizeBetween(8, 9);
  }
}
