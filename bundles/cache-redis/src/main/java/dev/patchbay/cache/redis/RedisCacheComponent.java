// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.cache.redis;

import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.rpc.SharedCache;
import dev.patchbay.binding.ConfigurationKeys;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Hashtable;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The Redis that the configuration names. */
@Component(
    name = "dev.patchbay.cache.redis",
    service = SharedCache.class,
    configurationPolicy = ConfigurationPolicy.OPTIONAL)
@Designate(ocd = RedisCacheComponent.Config.class)
public final class RedisCacheComponent implements SharedCache {
  private static final Logger LOG = LoggerFactory.getLogger(RedisCacheComponent.class);
  private static final String PID = "dev.patchbay.cache.redis";

  /** Where Redis is. */
  @ObjectClassDefinition(name = "Patchbay cache in Redis")
  public @interface Config {
    /** Host of Redis. */
    @AttributeDefinition(description = "Host of Redis")
    String host() default "127.0.0.1";

    /** TCP port of Redis. */
    @AttributeDefinition(description = "TCP port of Redis")
    int port() default 6379;

    /** Number of the database. */
    @AttributeDefinition(description = "Number of the database")
    int database() default 0;

    /** User of Redis' access control list. */
    @AttributeDefinition(description = "User of Redis' access control list; empty: the default one")
    String user() default "";

    /** File with the password. */
    @AttributeDefinition(description = "File with the password; empty: none is sent")
    String password_file() default "";

    /** Whether connections are encrypted. */
    @AttributeDefinition(
        description = "Whether connections are encrypted, by the certificates that Java trusts")
    boolean tls() default false;

    /** How long Redis may take. */
    @AttributeDefinition(description = "Milliseconds that connecting and each request may take")
    int timeout_millis() default 100;

    /** How long a result is kept. */
    @AttributeDefinition(description = "Seconds that a result is kept")
    int ttl_seconds() default 86_400;
  }

  private final RedisCache cache;
  private final ServiceRegistration<HealthCheck> health;

  /**
   * Takes the configuration; Redis need not be there.
   *
   * @throws IOException when the file of the password cannot be read
   */
  @Activate
  public RedisCacheComponent(BundleContext context, Config config, Map<String, Object> properties)
      throws IOException {
    ConfigurationKeys.report(PID, properties, Config.class, LOG::warn);
    check("port", config.port(), 1, 65_535);
    check("database", config.database(), 0, 1_000_000);
    check("timeout.millis", config.timeout_millis(), 1, 60_000);
    check("ttl.seconds", config.ttl_seconds(), 1, Integer.MAX_VALUE);
    cache =
        new RedisCache(
            new RedisCache.Access(
                config.host(),
                config.port(),
                config.database(),
                config.user().isBlank() ? null : config.user(),
                password(config.password_file()),
                config.tls(),
                Duration.ofMillis(config.timeout_millis())),
            // another version may write the same result in another way
            "patchbay/" + context.getBundle().getVersion() + "/",
            Duration.ofSeconds(config.ttl_seconds()));
    health =
        context.registerService(
            HealthCheck.class,
            HealthCheck.ofFailures("cache.redis", "Redis answers", cache::failure),
            new Hashtable<>());
  }

  private static @Nullable String password(String file) throws IOException {
    if (file.isBlank()) {
      return null;
    }
    String password = Files.readString(Path.of(file)).strip();
    if (password.isEmpty()) {
      throw new IOException(PID + ": password.file " + file + " is empty");
    }
    return password;
  }

  private static void check(String key, int value, int least, int most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          PID + ": " + key + " is " + value + ", allowed are " + least + " to " + most);
    }
  }

  @Deactivate
  void close() {
    health.unregister();
    cache.close();
  }

  @Override
  public byte @Nullable [] get(String key) {
    return cache.get(key);
  }

  @Override
  public void put(String key, byte[] json) {
    cache.put(key, json);
  }

  @Override
  public Statistics statistics() {
    return cache.statistics();
  }
}
