// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.cache.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.RedisClient;

/** The cache on a Redis that is there, that dies, and on what is no Redis. */
class RedisCacheTest {
  private static final Duration TIMEOUT = Duration.ofMillis(100);
  private static final byte[] JSON = "{\"number\":\"0x1\"}".getBytes(StandardCharsets.UTF_8);

  private @Nullable Process server;

  /** Returns a port that no other process takes meanwhile: systems connect from higher ones. */
  private static int freePort() {
    while (true) {
      int port = ThreadLocalRandom.current().nextInt(10_000, 20_000);
      try (ServerSocket socket = new ServerSocket(port)) {
        return socket.getLocalPort();
      } catch (IOException taken) {
        // another one
      }
    }
  }

  private static RedisCache cache(int port, @Nullable String password) {
    return new RedisCache(
        new RedisCache.Access("127.0.0.1", port, 0, null, password, false, TIMEOUT),
        "test/",
        Duration.ofHours(1));
  }

  private static RedisCache cache(int port) {
    return cache(port, null);
  }

  /** Starts Redis and waits until it answers. */
  private RedisClient start(int port, String... more) throws Exception {
    String[] line = {
      "redis-server", "--port", "" + port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"
    };
    String[] whole = Arrays.copyOf(line, line.length + more.length);
    System.arraycopy(more, 0, whole, line.length, more.length);
    assumeTrue(
        Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
            .anyMatch(folder -> new File(folder, "redis-server").canExecute()),
        "redis-server is not installed");
    server =
        new ProcessBuilder(whole)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    for (int i = 0; i < 200; i++) {
      try (Socket up = new Socket(InetAddress.getLoopbackAddress(), port)) {
        return RedisClient.create("127.0.0.1", port);
      } catch (IOException notYet) {
        TimeUnit.MILLISECONDS.sleep(50);
      }
    }
    throw new AssertionError("redis-server does not listen on port " + port);
  }

  @AfterEach
  void kill() throws Exception {
    Process running = server;
    if (running != null) {
      running.destroyForcibly().waitFor();
    }
  }

  private static void settled(RedisCache cache, String key) throws Exception {
    for (int i = 0; i < 100 && cache.get(key) == null; i++) {
      TimeUnit.MILLISECONDS.sleep(50);
    }
    assertThat(cache.get(key)).isNotNull();
  }

  @Test
  void nodesShareWhatTheyMake() throws Exception {
    int port = freePort();
    try (RedisClient plain = start(port);
        RedisCache one = cache(port);
        RedisCache other = cache(port)) {
      assertThat(other.get("block/1")).isNull();
      one.put("block/1", JSON);
      settled(one, "block/1");
      assertThat(other.get("block/1")).isEqualTo(JSON);
      assertThat(other.get("block/2")).isNull();
      assertThat(other.statistics().hits()).isEqualTo(1);
      assertThat(other.statistics().misses()).isEqualTo(2);
      assertThat(plain.keys("*")).isEqualTo(Set.of("test/block/1"));
      assertThat(plain.ttl("test/block/1")).isBetween(3_500L, 3_600L);
      one.put("long", new byte[RedisCache.MAX_BYTES + 1]);
      one.put("after", JSON);
      settled(one, "after");
      assertThat(other.get("long")).isNull();
    }
  }

  @Test
  void whatWasNotPutThereIsNotBelieved() throws Exception {
    int port = freePort();
    try (RedisClient plain = start(port);
        RedisCache cache = cache(port)) {
      cache.put("block/1", JSON);
      settled(cache, "block/1");
      byte[] entry = plain.get("test/block/1".getBytes(StandardCharsets.UTF_8));
      byte[][] broken = {
        new byte[0], new byte[3], Arrays.copyOf(entry, entry.length - 1), entry.clone(), JSON
      };
      broken[3][9] ^= 1;
      for (byte[] other : broken) {
        plain.set("test/block/1".getBytes(StandardCharsets.UTF_8), other);
        assertThat(cache.get("block/1")).isNull();
      }
      plain.set("test/block/2".getBytes(StandardCharsets.UTF_8), entry);
      assertThat(cache.get("block/2")).as("the entry of another key").isNull();
      assertThat(cache.statistics().failures()).isEqualTo(6);
      plain.del("test/block/1");
      plain.lpush("test/block/1", "a list");
      assertThat(cache.get("block/1")).isNull();
    }
  }

  @Test
  void aRedisThatDiesAndComesBackIsNoticed() throws Exception {
    int port = freePort();
    try (RedisClient plain = start(port);
        RedisCache cache = cache(port)) {
      cache.put("block/1", JSON);
      settled(cache, "block/1");
      kill();
      assertThat(millis(() -> assertThat(cache.get("block/1")).isNull())).isLessThan(1_000);
      assertThat(cache.statistics().reachable()).isFalse();
      assertThat(
              millis(
                  () -> {
                    for (int i = 0; i < 10_000; i++) {
                      assertThat(cache.get("block/1")).isNull();
                      cache.put("block/1", JSON);
                    }
                  }))
          .as("it is left alone")
          .isLessThan(1_000);
      try (RedisClient again = start(port)) {
        for (int i = 0; i < 60 && cache.get("block/1") == null; i++) {
          cache.put("block/1", JSON);
          TimeUnit.MILLISECONDS.sleep(50);
        }
        assertThat(cache.get("block/1")).isEqualTo(JSON);
        assertThat(cache.statistics().reachable()).isTrue();
      }
    }
  }

  @Test
  void aPasswordIsSentAndAWrongOneIsAFailure() throws Exception {
    int port = freePort();
    try (RedisClient plain = start(port, "--requirepass", "secret");
        RedisCache right = cache(port, "secret");
        RedisCache wrong = cache(port, "other");
        RedisCache none = cache(port)) {
      right.put("block/1", JSON);
      settled(right, "block/1");
      assertThat(wrong.get("block/1")).isNull();
      assertThat(none.get("block/1")).isNull();
      assertThat(wrong.statistics().reachable()).isFalse();
      assertThat(none.statistics().reachable()).isFalse();
      assertThat(new RedisCache.Access("h", 1, 0, null, "secret", false, TIMEOUT).toString())
          .doesNotContain("secret");
    }
  }

  @Test
  void whatAcceptsAndNeverAnswersCostsOneTimeout() throws Exception {
    try (ServerSocket hole = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        RedisCache cache = cache(hole.getLocalPort())) {
      assertThat(millis(() -> assertThat(cache.get("block/1")).isNull())).isLessThan(2_000);
      assertThat(millis(() -> assertThat(cache.get("block/1")).isNull())).isLessThan(50);
      assertThat(cache.statistics().reachable()).isFalse();
    }
  }

  @Test
  void whatIsNoRedisIsAFailure() throws Exception {
    try (ServerSocket other = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        RedisCache cache = cache(other.getLocalPort())) {
      Thread answering =
          new Thread(
              () -> {
                try (Socket socket = other.accept()) {
                  socket
                      .getOutputStream()
                      .write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.UTF_8));
                } catch (IOException closed) {
                  Thread.currentThread().interrupt();
                }
              });
      answering.start();
      assertThat(cache.get("block/1")).isNull();
      assertThat(cache.statistics().reachable()).isFalse();
      answering.join();
    }
  }

  private static long millis(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
  }
}
