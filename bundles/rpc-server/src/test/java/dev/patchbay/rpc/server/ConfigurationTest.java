// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.binding.InvalidConfigurationException;
import java.lang.annotation.Annotation;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;

/** A value that is not valid is reported as one line, without a stack trace. */
class ConfigurationTest {
  private static final String LISTENER = "dev.patchbay.rpc.listener~mine: ";
  private static final String IPC = "dev.patchbay.rpc.ipc~mine: ";

  @TempDir Path folder;

  private final Dispatcher dispatcher = dispatcher(Map.of());

  @AfterEach
  void close() {
    dispatcher.close();
  }

  /** Answers as the container does: it throws where a value is no number. */
  private static <A extends Annotation> A config(Class<A> type, Map<String, Object> given) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              Object value = given.get(method.getName().replace('_', '.'));
              if (value == null) {
                return method.getDefaultValue();
              }
              return method.getReturnType() == int.class
                  ? (Object) Integer.valueOf(value.toString())
                  : value;
            }));
  }

  private static Dispatcher dispatcher(Map<String, Object> given) {
    return new Dispatcher(
        config(Dispatcher.Config.class, given),
        given,
        new Replacements(() -> new Bundle[0], Duration.ZERO, System::nanoTime));
  }

  private void listen(String key, String value) throws Exception {
    Map<String, Object> given = new HashMap<>(Map.of("port", "0"));
    given.put(key, value);
    given.put("service.pid", "dev.patchbay.rpc.listener~mine");
    new Listener(dispatcher, new PlainSockets(), config(Listener.Config.class, given), given)
        .close();
  }

  private void listenLocally(String key, String value) throws Exception {
    Map<String, Object> given = new HashMap<>(Map.of("path", folder.resolve("socket").toString()));
    given.put(key, value);
    given.put("service.pid", "dev.patchbay.rpc.ipc~mine");
    new IpcListener(dispatcher, new PlainSockets(), config(IpcListener.Config.class, given), given)
        .close();
  }

  private static void assertInvalid(ThrowingCallable start, String message) {
    assertThatThrownBy(start).isInstanceOf(InvalidConfigurationException.class).hasMessage(message);
  }

  @Test
  void aListenerNeedsAPortThatIsFree() throws Exception {
    Map<String, Object> none = Map.of("service.pid", "dev.patchbay.rpc.listener~mine");
    assertThatThrownBy(
            () ->
                new Listener(
                    dispatcher, new PlainSockets(), config(Listener.Config.class, none), none))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessage(
            "dev.patchbay.rpc.listener~mine: port: must be set to a TCP port, or to 0 for any");
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      assertThatThrownBy(() -> listen("port", "" + taken.getLocalPort()))
          .isInstanceOf(InvalidConfigurationException.class)
          .hasMessageContaining("cannot listen on 127.0.0.1:" + taken.getLocalPort())
          .hasMessageContaining("in use")
          .satisfies(failure -> assertThat(failure.getStackTrace()).isEmpty());
    }
  }

  @Test
  void aWrongValueOfAListenerIsNamed() throws Exception {
    assertInvalid(
        () -> listen("port", "abc"),
        LISTENER + "port must be a number between 0 and 65535, not 'abc'");
    assertInvalid(
        () -> listen("port", ""), LISTENER + "port must be a number between 0 and 65535, not ''");
    assertInvalid(
        () -> listen("port", "-1"), LISTENER + "port must be between 0 and 65535, not -1");
    assertInvalid(
        () -> listen("port", "65536"), LISTENER + "port must be between 0 and 65535, not 65536");
    assertInvalid(
        () -> listen("max.body.bytes", "5M"),
        LISTENER + "max.body.bytes must be a number between 1024 and 1073741824, not '5M'");
    assertInvalid(
        () -> listen("max.log.blocks", "0"),
        LISTENER + "max.log.blocks must be between 1 and 2147483646, not 0");
    assertInvalid(
        () -> listen("max.requests", "x"),
        LISTENER + "max.requests must be a number between 1 and 1000000, not 'x'");
    assertInvalid(
        () -> listen("idle.seconds", "86401"),
        LISTENER + "idle.seconds must be between 1 and 86400, not 86401");
    assertInvalid(
        () -> listen("host", ""),
        LISTENER + "host must be an address or a name of this machine, not ''");
    assertInvalid(
        () -> listen("host", "no such host"),
        LISTENER + "host must be an address or a name of this machine, not 'no such host'");
    assertInvalid(
        () -> listen("error.profile", "besu"),
        LISTENER + "error.profile must be patchbay, geth or catalogue, not 'besu'");
    assertInvalid(
        () -> listen("namespaces", "engine,eth"),
        LISTENER
            + "jwt.secret: the namespace engine is served to those alone who have a secret: set"
            + " this key to a file for it");
    listen("max.websockets", "0");
  }

  @Test
  void aSecretThatCannotBeUsedIsNamed() throws Exception {
    Path secret = Files.writeString(folder.resolve("secret"), "abc");
    assertInvalid(
        () -> listen("jwt.secret", secret.toString()),
        LISTENER
            + "jwt.secret: the JWT secret in "
            + secret
            + " has 3 hexadecimal digits, it must have 64");
    Path absent = folder.resolve("nosuch/secret");
    assertInvalid(
        () -> listen("jwt.secret", absent.toString()),
        LISTENER + "jwt.secret: there is no folder for the file " + absent);
  }

  @Test
  void aWrongValueOfALocalSocketIsNamed() throws Exception {
    assertInvalid(
        () -> listenLocally("path", ""),
        IPC + "path must be a path of at most 103 characters, not ''");
    String tooLong = "/" + "x".repeat(200);
    assertInvalid(
        () -> listenLocally("path", tooLong),
        IPC
            + "path must be a path of at most 103 characters, not '"
            + tooLong.substring(0, 80)
            + "…'");
    assertInvalid(
        () -> listenLocally("max.connections", "many"),
        IPC + "max.connections must be a number between 1 and 1000, not 'many'");
    listenLocally("max.connections", "1");
  }

  @Test
  void aWrongValueOfAllListenersIsNamed() {
    assertInvalid(
        () -> dispatcher(Map.of("memory.percent", "81")),
        "dev.patchbay.rpc.server: memory.percent must be between 0 and 80, not 81");
    assertInvalid(
        () -> dispatcher(Map.of("expensive.calls", "auto")),
        "dev.patchbay.rpc.server: expensive.calls must be a number between 0 and 1000, not 'auto'");
    assertInvalid(
        () -> dispatcher(Map.of("waiting.seconds", "")),
        "dev.patchbay.rpc.server: waiting.seconds must be a number between 0 and 3600, not ''");
  }
}
