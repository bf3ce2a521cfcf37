// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.cache.redis;

import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.rpc.SharedCache;
import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.InvalidConfigurationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Hashtable;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.bundle.Capability;
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
@Capability(
    namespace = "osgi.service",
    attribute = "objectClass:List<String>=\"dev.patchbay.api.rpc.SharedCache\"")
@Component(
    name = "dev.patchbay.cache.redis",
    service = {},
    immediate = true,
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
  private @Nullable ServiceRegistration<?> registration;

  /**
   * Takes the configuration; Redis need not be there.
   *
   * @throws InvalidConfigurationException when a value is not valid, or the file of the password
   *     cannot be read
   */
  @Activate
  public RedisCacheComponent(BundleContext context, Config config, Map<String, Object> properties) {
    ConfigurationValues values =
        ConfigurationValues.of(PID, properties).reportUnknown(Config.class, LOG::warn);
    RedisCache.Access access = access(config, values);
    int seconds = values.integer("ttl.seconds", config::ttl_seconds, 1, Integer.MAX_VALUE);
    cache =
        new RedisCache(
            access,
            // another version may write the same result in another way
            "patchbay/" + context.getBundle().getVersion() + "/",
            Duration.ofSeconds(seconds));
    health =
        context.registerService(
            HealthCheck.class,
            HealthCheck.ofFailures("cache.redis", "Redis answers", cache::failure),
            new Hashtable<>());
  }

  /** Reads how Redis is reached. */
  static RedisCache.Access access(Config config, ConfigurationValues values) {
    int millis = values.integer("timeout.millis", config::timeout_millis, 1, 60_000);
    return new RedisCache.Access(
        values.text("host", config.host(), "the host of Redis"),
        values.integer("port", config::port, 1, 65_535),
        values.integer("database", config::database, 0, 1_000_000),
        config.user().isBlank() ? null : config.user(),
        password(config.password_file(), values),
        values.flag("tls", config::tls),
        Duration.ofMillis(millis));
  }

  private static @Nullable String password(String file, ConfigurationValues values) {
    if (file.isBlank()) {
      return null;
    }
    String password;
    try {
      password = Files.readString(Path.of(file)).strip();
    } catch (IOException | InvalidPathException unreadable) {
      throw values.unusable(
          "password.file",
          "cannot read the file " + file + " (" + unreadable.getClass().getSimpleName() + ")");
    }
    if (password.isEmpty()) {
      throw values.unusable("password.file", "the file " + file + " is empty");
    }
    return password;
  }

  /**
   * Registers the service. The container would register it before it creates this component: where
   * the configuration is wrong, each user of the service would fail too.
   */
  @Activate
  void register(BundleContext context) {
    registration = context.registerService(SharedCache.class, this, new Hashtable<>());
  }

  @Deactivate
  void close() {
    ServiceRegistration<?> registered = registration;
    if (registered != null) {
      registered.unregister();
      registration = null;
    }
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
