// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** Two nodes of the same chain, and a Redis between them. */
@Isolated
class SharedCacheIT {
  private static final Pattern STATISTICS =
      Pattern.compile("(answers|does not answer): ([\\d,]+) hits, ([\\d,]+) misses");

  @TempDir static Path folder;
  private static final RedisServer REDIS = new RedisServer();
  private static Node one;
  private static Node other;

  @BeforeAll
  static void start() throws Exception {
    assumeTrue(RedisServer.isInstalled(), "redis-server is not installed");
    REDIS.start();
    one = new Node(folder.resolve("one")).quick().start();
    for (int account = 0; account < 4; account++) {
      String raw = Accounts.raw(Accounts.transfer(account, 0));
      Journeys.receipt(one, one.result("eth_sendRawTransaction", raw).asText());
    }
    one.close();
    int status =
        new ProcessBuilder("cp", "-r", "" + one.data, "" + folder.resolve("other"))
            .start()
            .waitFor();
    assertThat(status).isZero();
    other = new Node(folder.resolve("other")).quick();
    for (Node node : new Node[] {one, other}) {
      Files.writeString(
          node.data.resolve("etc/dev.patchbay.cache.redis.cfg"), "port = " + REDIS.port + "\n");
      node.start();
      assertThat(node.shell("feature:install", "patchbay-cache-redis").status()).isZero();
    }
  }

  @AfterAll
  static void stop() throws Exception {
    for (Node node : new Node[] {one, other}) {
      if (node != null) {
        node.close();
      }
    }
    REDIS.close();
  }

  private static Matcher statistics(Node node) throws Exception {
    String output = node.shell("patchbay:shared-cache").output();
    Matcher matcher = STATISTICS.matcher(output);
    assertThat(matcher.find()).as(output).isTrue();
    return matcher;
  }

  private static long hits(Node node) throws Exception {
    return Long.parseLong(statistics(node).group(2).replace(",", ""));
  }

  private static void awaitAnswers(Node node, String wanted) throws Exception {
    Journeys.await(wanted, () -> statistics(node).group(1).equals(wanted));
  }

  @Test
  void whatOneNodeHasMadeTheOtherFinds() throws Exception {
    for (String number : new String[] {"0x1", "0x2", "0x3"}) {
      JsonNode block = one.result("eth_getBlockByNumber", number, true);
      JsonNode receipts = one.result("eth_getBlockReceipts", number);
      TimeUnit.MILLISECONDS.sleep(200); // it is put by a thread of its own
      long before = hits(other);
      assertThat(other.result("eth_getBlockByNumber", number, true)).isEqualTo(block);
      assertThat(other.result("eth_getBlockReceipts", number)).isEqualTo(receipts);
      assertThat(hits(other)).isEqualTo(before + 2);
      assertThat(other.result("eth_getBlockByNumber", number, true)).isEqualTo(block);
      assertThat(hits(other)).as("of its own cache").isEqualTo(before + 2);
    }
  }

  /** It is killed, and it stands still: no call fails, and none waits long. */
  @Test
  void aDeadRedisCostsNoAnswer() throws Exception {
    AtomicBoolean running = new AtomicBoolean(true);
    AtomicLong slowest = new AtomicLong();
    ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
    Thread client =
        new Thread(
            () -> {
              for (long nonce = 1; running.get(); nonce++) {
                try {
                  // a new block each time, which no cache has
                  long start = System.nanoTime();
                  String raw = Accounts.raw(Accounts.transfer(0, nonce));
                  JsonNode receipt = one.result("eth_sendRawTransactionSync", raw);
                  String hash = receipt.get("blockHash").asText();
                  JsonNode block = one.result("eth_getBlockByHash", hash, true);
                  assertThat(block.at("/transactions/0/hash"))
                      .isEqualTo(receipt.get("transactionHash"));
                  assertThat(one.result("eth_getBlockReceipts", hash).get(0).get("blockHash"))
                      .isEqualTo(block.get("hash"));
                  slowest.accumulateAndGet(System.nanoTime() - start, Math::max);
                } catch (Exception | AssertionError failure) {
                  failures.add(failure.toString());
                }
              }
            },
            "shared-cache-client");
    client.start();
    try {
      awaitAnswers(one, "answers");
      REDIS.close();
      awaitAnswers(one, "does not answer");
      REDIS.start();
      awaitAnswers(one, "answers");
      REDIS.signal("STOP");
      awaitAnswers(one, "does not answer");
      REDIS.signal("CONT");
      awaitAnswers(one, "answers");
    } finally {
      running.set(false);
      client.join(30_000);
    }
    assertThat(failures).isEmpty();
    System.out.printf("the slowest round, of three calls: %,d ms%n", slowest.get() / 1_000_000);
    assertThat(slowest.get()).isLessThan(TimeUnit.SECONDS.toNanos(3));
  }
}
