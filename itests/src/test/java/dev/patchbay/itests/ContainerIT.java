// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;
import static org.ops4j.pax.exam.CoreOptions.options;
import static org.ops4j.pax.exam.CoreOptions.vmOptions;
import static org.ops4j.pax.exam.karaf.options.KarafDistributionOption.configureConsole;
import static org.ops4j.pax.exam.karaf.options.KarafDistributionOption.editConfigurationFilePut;
import static org.ops4j.pax.exam.karaf.options.KarafDistributionOption.karafDistributionConfiguration;
import static org.ops4j.pax.exam.karaf.options.KarafDistributionOption.logLevel;

import java.io.File;
import java.lang.ref.WeakReference;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import javax.inject.Inject;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.junit.PaxExam;
import org.ops4j.pax.exam.karaf.options.LogLevelOption.LogLevel;
import org.ops4j.pax.exam.spi.reactors.ExamReactorStrategy;
import org.ops4j.pax.exam.spi.reactors.PerClass;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.wiring.BundleWiring;

/**
 * From inside the container: kernel and surfaces, which no operator drives through a socket that
 * goes away with them, stop, start, are updated and installed anew, and leave neither threads nor
 * classes behind.
 */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class ContainerIT {
  /** Karaf's service that is there once the features of the start are installed and started. */
  private static final String BOOTED = "org.apache.karaf.features.BootFinished";

  @Inject private BundleContext context;

  /** The distribution, with the configuration that the launcher would write. */
  @Configuration
  public Option[] configuration() throws Exception {
    String karaf = System.getProperty("it.karaf.version");
    Path dev = Path.of(System.getProperty("it.root"), "karaf-assembly/src/main/dev").toRealPath();
    Path data = Files.createTempDirectory("patchbay-exam");
    String port = "" + Node.freePort();
    Path key = Files.copy(dev.resolve("validator.key"), data.resolve("validator.key"));
    return options(
        karafDistributionConfiguration()
            .frameworkUrl(new File(System.getProperty("it.distribution")).toURI().toString())
            .name("patchbay")
            .karafVersion(karaf)
            .useDeployFolder(false)
            .unpackDirectory(new File("target/exam")),
        configureConsole().ignoreLocalConsole().ignoreRemoteShell(),
        logLevel(LogLevel.INFO),
        maven("localRepository", System.getProperty("it.exam.repository")),
        maven("repositories", ""),
        editConfigurationFilePut("etc/system.properties", "patchbay.data", data.toString()),
        editConfigurationFilePut("etc/system.properties", "it.port", port),
        editConfigurationFilePut(
            "etc/system.properties", "it.swaps", System.getProperty("it.swaps", "2")),
        key("chain", "genesis", dev.resolve("genesis.json").toString()),
        key("storage", "default.backend", "mapdb"),
        key("consensus.poa", "key.file", key.toString()),
        key("rpc.listener-exam", "host", "127.0.0.1"),
        key("rpc.listener-exam", "port", port),
        vmOptions(
            "-Xmx512m",
            "--add-reads=java.xml=java.logging",
            "--add-exports=java.base/org.apache.karaf.specs.locator=java.xml,ALL-UNNAMED",
            "--patch-module",
            "java.base=lib/endorsed/org.apache.karaf.specs.locator-" + karaf + ".jar",
            "--patch-module",
            "java.xml=lib/endorsed/org.apache.karaf.specs.java.xml-" + karaf + ".jar",
            "--add-opens",
            "java.base/java.security=ALL-UNNAMED",
            "--add-opens",
            "java.base/java.net=ALL-UNNAMED",
            "--add-opens",
            "java.base/java.lang=ALL-UNNAMED",
            "--add-opens",
            "java.base/java.util=ALL-UNNAMED",
            "--add-opens",
            "java.naming/javax.naming.spi=ALL-UNNAMED",
            "--add-opens",
            "java.rmi/sun.rmi.transport.tcp=ALL-UNNAMED",
            "--add-exports=java.base/sun.net.www.protocol.file=ALL-UNNAMED",
            "--add-exports=java.base/sun.net.www.protocol.http=ALL-UNNAMED",
            "--add-exports=java.base/sun.net.www.protocol.https=ALL-UNNAMED",
            "--add-exports=java.base/sun.net.www.protocol.jar=ALL-UNNAMED",
            "--add-exports=java.base/sun.net.www.content.text=ALL-UNNAMED",
            "-classpath",
            "lib/jdk9plus/*" + File.pathSeparator + "lib/boot/*"));
  }

  private static Option key(String pid, String key, String value) {
    return editConfigurationFilePut("etc/dev.patchbay." + pid + ".cfg", key, value);
  }

  private static Option maven(String key, String value) {
    return editConfigurationFilePut(
        "etc/org.ops4j.pax.url.mvn.cfg", "org.ops4j.pax.url.mvn." + key, value);
  }

  /** Waits for the container: Pax Exam starts with the framework, not with the node. */
  @Before
  public void started() throws Exception {
    await("Karaf has started all bundles", () -> context.getServiceReference(BOOTED) != null);
    whole();
  }

  private static void whole() throws Exception {
    await("the node answers", ContainerIT::answers);
  }

  private static void await(String what, Callable<Boolean> seen) throws Exception {
    long limit = System.nanoTime() + 30_000_000_000L;
    while (!seen.call()) {
      assertTrue(what + " within 30 s", System.nanoTime() < limit);
      LockSupport.parkNanos(50_000_000);
    }
  }

  private static boolean answers() throws InterruptedException {
    String body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_blockNumber\",\"params\":[]}";
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + System.getProperty("it.port")))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    try {
      return HttpClient.newHttpClient()
          .send(request, HttpResponse.BodyHandlers.ofString())
          .body()
          .contains("\"result\"");
    } catch (java.io.IOException away) {
      return false;
    }
  }

  @Test
  public void rpcServerIsReplaced() throws Exception {
    replace("rpc-server");
  }

  @Test
  public void shellIsReplaced() throws Exception {
    replace("shell");
  }

  @Test
  public void healthIsReplaced() throws Exception {
    replace("health");
  }

  @Test
  public void payloadIsReplaced() throws Exception {
    replace("payload");
  }

  @Test
  public void txpoolIsReplaced() throws Exception {
    replace("txpool");
  }

  @Test
  public void executionIsReplaced() throws Exception {
    replace("execution");
  }

  @Test
  public void chainIsReplaced() throws Exception {
    replace("chain");
  }

  private void replace(String name) throws Exception {
    Bundle bundle = bundle("dev.patchbay." + name.replace('-', '.'));
    Map<Long, Long> others = changes(bundle);
    List<WeakReference<ClassLoader>> old = new ArrayList<>();
    for (int round = 0; round < Integer.getInteger("it.swaps", 2); round++) {
      bundle.stop();
      assertEquals("threads of a stopped bundle", List.of(), threads(name));
      bundle.start();
      whole();
      old.add(new WeakReference<>(bundle.adapt(BundleWiring.class).getClassLoader()));
      bundle.update();
      whole();
      assertEquals(Bundle.ACTIVE, bundle.getState());
      assertEquals("no other bundle is touched", others, changes(bundle));
      old.add(new WeakReference<>(bundle.adapt(BundleWiring.class).getClassLoader()));
      bundle.uninstall();
      assertEquals("threads of a bundle that is gone", List.of(), threads(name));
      bundle = context.installBundle(bundle.getLocation());
      bundle.start();
      whole();
      assertEquals("no other bundle is touched", others, changes(bundle));
    }
    for (WeakReference<ClassLoader> loader : old) {
      for (int i = 0; i < 50 && loader.get() != null; i++) {
        System.gc();
        LockSupport.parkNanos(20_000_000);
      }
      assertNull("the class loader of an earlier " + name, loader.get());
    }
  }

  /** Returns when each other bundle was last installed, updated or removed. */
  private Map<Long, Long> changes(Bundle except) {
    Map<Long, Long> out = new TreeMap<>();
    for (Bundle bundle : context.getBundles()) {
      if (bundle != except) {
        out.put(bundle.getBundleId(), bundle.getLastModified() + bundle.getState());
      }
    }
    return out;
  }

  private static List<String> threads(String bundle) {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith(bundle + "-"))
        .toList();
  }

  private Bundle bundle(String symbolicName) {
    return Arrays.stream(context.getBundles())
        .filter(bundle -> symbolicName.equals(bundle.getSymbolicName()))
        .findFirst()
        .orElseThrow();
  }
}
