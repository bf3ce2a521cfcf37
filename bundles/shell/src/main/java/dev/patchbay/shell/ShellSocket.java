// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.binding.Threads;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.PrivilegedActionException;
import java.security.PrivilegedExceptionAction;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.security.auth.Subject;
import org.apache.karaf.jaas.boot.principal.RolePrincipal;
import org.apache.karaf.shell.api.console.Session;
import org.apache.karaf.shell.api.console.SessionFactory;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves the Karaf shell on a Unix-domain socket in the data directory, for its owner alone: no
 * port is opened. A client sends one line, a command, or an empty line for a dialogue. The output
 * of a command ends with a NUL byte and the exit status as a digit.
 */
@Component(
    service = {},
    immediate = true)
public final class ShellSocket {
  private static final Logger LOG = LoggerFactory.getLogger(ShellSocket.class);
  private static final int MAX_LINE = 65_536;
  private static final int MAX_CLIENTS = 16;
  private static final long PAUSE_NANOS = 100_000_000L;
  private static final long RETRY_NANOS = 5_000_000L;

  /**
   * Karaf shows a command to those with its role only; whoever may open the socket owns the node
   * and has all.
   */
  private static final Subject OWNER =
      new Subject(
          true,
          Set.of(
              new RolePrincipal("admin"),
              new RolePrincipal("manager"),
              new RolePrincipal("viewer")),
          Set.of(),
          Set.of());

  private final BundleContext context;
  private final SessionFactory factory;
  private final Path path;

  /**
   * Exists after the framework was stopped from the shell, so that the launcher can distinguish
   * that from a call of {@code System.exit}.
   */
  private final Path stopped;

  private final ServerSocketChannel server;
  private final ExecutorService threads;
  private final Set<Thread> started = ConcurrentHashMap.newKeySet();
  private final Set<Thread> executing = ConcurrentHashMap.newKeySet();
  private final Set<SocketChannel> clients = ConcurrentHashMap.newKeySet();

  /** Opens the socket. */
  @Activate
  public ShellSocket(BundleContext context, @Reference SessionFactory factory) throws IOException {
    this.context = context;
    this.factory = factory;
    String data = context.getProperty("patchbay.data");
    if (data == null) {
      throw new IllegalArgumentException("the framework property patchbay.data is not set");
    }
    stopped = Path.of(data, "stopped");
    Files.deleteIfExists(stopped);
    path = Path.of(data, "shell.sock");
    Files.deleteIfExists(path);
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(path));
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    ThreadFactory created = Threads.factory("shell-socket");
    threads =
        Executors.newFixedThreadPool(
            MAX_CLIENTS + 1,
            task -> {
              Thread thread = created.newThread(task);
              started.add(thread);
              return thread;
            });
    threads.execute(this::accept);
  }

  /**
   * Closes the socket and ends the threads, but for those that run a command: the shell may be
   * stopped by a command of its own, and an interrupt would hit what that command does next. They
   * end with their command.
   */
  @Deactivate
  void close() throws IOException, InterruptedException {
    if (context.getBundle(Constants.SYSTEM_BUNDLE_ID).getState() == Bundle.STOPPING
        && !isProcessExiting()) {
      Files.writeString(stopped, "");
    }
    Files.deleteIfExists(path);
    server.close();
    for (SocketChannel client : clients) {
      client.close();
    }
    threads.shutdown();
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    for (Thread thread : started) {
      if (!executing.contains(thread)) {
        thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(limit - System.nanoTime())));
      }
    }
  }

  private static boolean isProcessExiting() {
    Thread hook = Threads.create(() -> {}, "shell-exit-check");
    try {
      Runtime.getRuntime().addShutdownHook(hook);
      Runtime.getRuntime().removeShutdownHook(hook);
      return false;
    } catch (IllegalStateException exiting) {
      return true;
    }
  }

  /**
   * Waits until Karaf has registered the commands of this bundle: it may do so after this class.
   */
  private void awaitCommands() {
    while (server.isOpen() && factory.getRegistry().getCommand("patchbay", "ready") == null) {
      LockSupport.parkNanos(RETRY_NANOS);
    }
  }

  private void accept() {
    String logged = "";
    while (server.isOpen()) {
      try {
        awaitCommands();
        admit(server.accept());
        logged = "";
      } catch (Throwable failure) { // say, no file descriptor or no thread is left
        if (server.isOpen()) {
          String text = failure.toString();
          if (!text.equals(logged)) { // not ten times a second
            LOG.warn("accepting a shell client on {}: {}", path, text);
            logged = text;
          }
          LockSupport.parkNanos(PAUSE_NANOS);
        }
      }
    }
  }

  private void admit(SocketChannel client) throws IOException {
    boolean served = false;
    try {
      if (clients.size() < MAX_CLIENTS) {
        clients.add(client);
        threads.execute(() -> serve(client));
        served = true;
      }
    } finally {
      if (!served) {
        clients.remove(client);
        client.close();
      }
    }
  }

  private void serve(SocketChannel client) {
    try (client;
        InputStream in = SocketStreams.input(client);
        PrintStream out =
            new PrintStream(SocketStreams.output(client), true, StandardCharsets.UTF_8)) {
      String command = line(in);
      if (command == null) {
        return;
      }
      if (command.isEmpty()) {
        dialogue(in, out);
      } else {
        int status = run(command, in, out);
        out.write(0);
        out.write('0' + status);
        out.flush();
      }
    } catch (IOException gone) {
      LOG.debug("a shell client has gone: {}", gone.getMessage());
    } catch (Throwable failure) { // the thread serves other clients
      LOG.error("serving a shell client failed: {}", failure.toString(), failure);
    } finally {
      clients.remove(client);
    }
  }

  private void dialogue(InputStream in, PrintStream out) throws IOException {
    out.println(
        "Patchbay. Commands: patchbay:status, patchbay:doctor, storage:list, help; exit ends.");
    while (true) {
      out.print("patchbay> ");
      out.flush();
      String command = line(in);
      if (command == null || command.strip().equals("exit") || command.strip().equals("logout")) {
        return;
      }
      if (!command.isBlank()) {
        run(command, InputStream.nullInputStream(), out);
      }
    }
  }

  private int run(String command, InputStream in, PrintStream out) {
    Session session = factory.create(in, out, out);
    executing.add(Thread.currentThread());
    try {
      session.put("karaf.printStackTraces", "never");
      Object result =
          Subject.doAs(OWNER, (PrivilegedExceptionAction<Object>) () -> session.execute(command));
      if (result != null) {
        out.println(result);
      }
      return 0;
    } catch (PrivilegedActionException failure) {
      out.println("error: " + message(failure.getException()));
      return 1;
    } catch (RuntimeException | Error failure) { // say, a command of a bundle that was exchanged
      out.println("error: " + message(failure));
      return 1;
    } finally {
      executing.remove(Thread.currentThread());
      session.close();
    }
  }

  private static String message(Throwable failure) {
    String message = failure.getMessage();
    if (failure instanceof FileSystemException ofFile && ofFile.getReason() == null) {
      if (failure instanceof AccessDeniedException) { // its message is the file alone
        return "no permission for " + message;
      }
      return (failure instanceof NoSuchFileException ? "there is no " : "cannot use ") + message;
    }
    return message == null ? failure.getClass().getSimpleName() : message;
  }

  private static @Nullable String line(InputStream in) throws IOException {
    java.io.ByteArrayOutputStream line = new java.io.ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0 || line.size() >= MAX_LINE) {
        return null;
      }
      line.write(b);
    }
    return line.toString(StandardCharsets.UTF_8).replace("\r", "");
  }
}
