// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.cache.redis;

import dev.patchbay.api.rpc.SharedCache;
import dev.patchbay.binding.Threads;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.zip.CRC32C;
import org.apache.commons.pool2.impl.GenericObjectPoolConfig;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.ClientSetInfoConfig;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.params.SetParams;

/**
 * Results in Redis. An entry has a checksum of its key and its JSON in front, and expires. A Redis
 * that fails or is slow is left alone for a second, so that it costs one timeout a second and not
 * one a request.
 *
 * <p>Threading: any thread. Results are put by a thread of their own; when it does not keep up,
 * they are not put.
 */
final class RedisCache implements SharedCache, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RedisCache.class);

  /** Longer results are not put: to fetch them takes as long as to make them. */
  static final int MAX_BYTES = 1 << 20;

  private static final int MAX_WAITING = 64;
  private static final int CONNECTIONS = 16;
  private static final int SUM_BYTES = 4;
  private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final HostAndPort address;
  private final String prefix;
  private final long ttlSeconds;
  private final RedisClient client;
  private final ThreadPoolExecutor writer;
  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();
  private final LongAdder failures = new LongAdder();
  private volatile boolean reachable = true;
  private volatile long pausedAt;

  /**
   * How to reach Redis.
   *
   * @param user of Redis' access control list, or null for the default one
   * @param password or null; is never logged
   * @param timeout of connecting, and of a request
   */
  record Access(
      String host,
      int port,
      int database,
      @Nullable String user,
      @Nullable String password,
      boolean tls,
      Duration timeout) {
    @Override
    public String toString() {
      return host + ":" + port;
    }
  }

  /**
   * Connects when it is first asked.
   *
   * @param prefix of all keys; nodes with the same share their results
   * @param ttl how long a result is kept
   */
  RedisCache(Access access, String prefix, Duration ttl) {
    this.address = new HostAndPort(access.host, access.port);
    this.prefix = prefix;
    this.ttlSeconds = ttl.toSeconds();
    int millis = (int) access.timeout.toMillis();
    GenericObjectPoolConfig<Connection> pool = new GenericObjectPoolConfig<>();
    pool.setMaxTotal(CONNECTIONS);
    pool.setMaxIdle(CONNECTIONS);
    pool.setMaxWait(access.timeout);
    pool.setJmxEnabled(false);
    client =
        RedisClient.builder()
            .hostAndPort(address)
            .clientConfig(
                DefaultJedisClientConfig.builder()
                    .connectionTimeoutMillis(millis)
                    .socketTimeoutMillis(millis)
                    .database(access.database)
                    .user(access.user)
                    .password(access.password)
                    .ssl(access.tls)
                    .clientSetInfoConfig(ClientSetInfoConfig.DISABLED)
                    .build())
            .poolConfig(pool)
            .build();
    writer =
        new ThreadPoolExecutor(
            1,
            1,
            30,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MAX_WAITING),
            Threads.factory("cache-redis-writer"),
            new ThreadPoolExecutor.DiscardPolicy());
    writer.allowCoreThreadTimeOut(true);
  }

  @Override
  public byte @Nullable [] get(String key) {
    if (isPaused()) {
      return null;
    }
    byte[] entry;
    try {
      entry = client.get(name(key));
    } catch (RuntimeException failure) { // a JedisException, or a fault of the client
      failed(failure);
      return null;
    }
    answered();
    if (entry == null) {
      misses.increment();
      return null;
    }
    int length = entry.length - SUM_BYTES;
    if (length < 0 || ByteBuffer.wrap(entry).getInt() != sum(key, entry, SUM_BYTES, length)) {
      failures.increment();
      LOG.warn("{}: the entry {} is broken and is made again", address, prefix + key);
      return null;
    }
    hits.increment();
    byte[] json = new byte[length];
    System.arraycopy(entry, SUM_BYTES, json, 0, length);
    return json;
  }

  @Override
  public void put(String key, byte[] json) {
    if (json.length <= MAX_BYTES && !isPaused()) {
      try {
        writer.execute(() -> write(key, json));
      } catch (OutOfMemoryError noThread) { // the result goes to its client all the same
        failures.increment();
      }
    }
  }

  private void write(String key, byte[] json) {
    if (isPaused()) {
      return;
    }
    try {
      ByteBuffer entry = ByteBuffer.allocate(SUM_BYTES + json.length);
      entry.putInt(sum(key, json, 0, json.length)).put(json);
      client.set(name(key), entry.array(), SetParams.setParams().ex(ttlSeconds));
      answered();
    } catch (Throwable failure) { // the thread has other entries to write
      failed(failure);
    }
  }

  private byte[] name(String key) {
    return (prefix + key).getBytes(StandardCharsets.UTF_8);
  }

  private int sum(String key, byte[] json, int offset, int length) {
    CRC32C sum = new CRC32C();
    sum.update(name(key));
    sum.update(json, offset, length);
    return (int) sum.getValue();
  }

  // ---- when Redis is away

  private boolean isPaused() {
    return !reachable && System.nanoTime() - pausedAt < PAUSE_NANOS;
  }

  private void failed(Throwable failure) {
    failures.increment();
    pausedAt = System.nanoTime();
    if (reachable) {
      reachable = false;
      LOG.warn(
          "Redis at {} does not answer ({}): results are made without it, and it is tried again every second",
          address,
          failure.toString());
    }
    try {
      client.getPool().clear(); // what is idle is of before, and would fail one by one
    } catch (RuntimeException closed) {
      LOG.debug("Redis at {}: {}", address, closed.toString());
    }
  }

  private void answered() {
    if (!reachable) {
      reachable = true;
      LOG.info("Redis at {} answers again", address);
    }
  }

  /** Returns why Redis is not used now; null when the latest request was answered. */
  @Nullable String failure() {
    return reachable ? null : "Redis at " + address + " does not answer";
  }

  @Override
  public Statistics statistics() {
    return new Statistics(address.toString(), reachable, hits.sum(), misses.sum(), failures.sum());
  }

  /** Gives up what is to be put, and closes the connections. */
  @Override
  public void close() {
    writer.shutdownNow();
    client.close();
  }
}
